#include <errno.h>

#include "client/internal.h"

static void begin(struct link *link, struct request *request)
{
    request->number = ++link->next_number;
    buf_init(&request->header, PROTO_HEADER_MAX);
}

// Sends it and waits. The link may have to greet anew meanwhile; then it is sent again.
static int ask(struct link *link, struct request *request, int64_t deadline, struct err *err)
{
    int r = 0;
    request->next = link->requests;
    link->requests = request;
    if (link->state == LINK_READY)
        zsock_send(link->socket, 0, request->header.data, request->header.len, request->body,
                   request->body_len);
    while (r == 0 && !request->answered)
        r = link_wait(link, deadline);
    for (struct request **at = &link->requests; *at; at = &(*at)->next)
        if (*at == request) {
            *at = request->next;
            break;
        }
    buf_done(&request->header);
    if (request->answered)
        return request->answer.code < 0
                   ? err_set(err, request->answer.code, "%s", request->answer.text)
                   : 0;
    if (link->state == LINK_OVER)
        return err_set(err, r, "%s", link_trouble(link));
    return err_set(err, r,
                   r == -ETIMEDOUT ? "the coordinator did not answer in time" : "cancelled");
}

int link_submit(struct link *link, const struct msg_submit *m, const void *plan, size_t plan_len,
                struct feed *feed, uint64_t *ret_job, int64_t deadline, struct err *err)
{
    struct request request = {.body = plan, .body_len = plan_len, .feed = feed};
    struct msg_submit submit = *m;
    begin(link, &request);
    submit.request = request.number;
    int r = msg_put_submit(&request.header, &submit);
    if (r < 0) {
        buf_done(&request.header);
        return err_sys(err, r, "the request");
    }
    r = ask(link, &request, deadline, err);
    if (r == 0)
        *ret_job = request.answer.value;
    return r;
}

int link_control(struct link *link, const struct msg_control *m, uint64_t *ret_value,
                 int64_t deadline, struct err *err)
{
    struct request request = {0};
    struct msg_control control = *m;
    begin(link, &request);
    control.request = request.number;
    int r = msg_put_control(&request.header, &control);
    if (r < 0) {
        buf_done(&request.header);
        return err_sys(err, r, "the request");
    }
    r = ask(link, &request, deadline, err);
    if (r == 0)
        *ret_value = request.answer.value;
    return r;
}

int link_query(struct link *link, const struct msg_query *m, link_row_fn *row, void *arg,
               int64_t deadline, struct err *err)
{
    struct request request = {.what = (enum query)m->what, .row = row, .arg = arg};
    struct msg_query query = *m;
    begin(link, &request);
    query.request = request.number;
    int r = msg_put_query(&request.header, &query);
    if (r < 0) {
        buf_done(&request.header);
        return err_sys(err, r, "the request");
    }
    return ask(link, &request, deadline, err);
}
