#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "client/internal.h"
#include "pipelines/library.h"

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

static int send_submit(struct link *link, const struct msg_submit *m, const struct buf *packed,
                       struct feed *feed, uint64_t *ret_value, int64_t deadline, struct err *err)
{
    struct request request = {.body = packed->data, .body_len = packed->len, .feed = feed};
    struct msg_submit submit = *m;
    begin(link, &request);
    submit.request = request.number;
    int r = msg_put(&request.header, MSG_SUBMIT, &submit);
    if (r < 0) {
        buf_done(&request.header);
        return err_sys(err, r, "the request");
    }
    r = ask(link, &request, deadline, err);
    *ret_value = request.answer.value;
    return r;
}

static int send_library(struct link *link, const struct stage *stage, int64_t deadline,
                        struct err *err)
{
    _cleanup_(buf_done)
    struct buf file;
    struct request request = {0};
    struct msg_store store = {0};
    buf_init(&file, PROTO_LIBRARY_MAX);
    if (!stage || !stage->library)
        return err_set(err, -EPROTO, "the coordinator asks for a library that there is not");
    int r = library_read(stage->library, stage->digest, &file, err);
    if (r < 0)
        return r;
    request.body = file.data;
    request.body_len = file.len;
    begin(link, &request);
    store.request = request.number;
    memcpy(store.digest, stage->digest, sizeof(store.digest));
    r = msg_put(&request.header, MSG_STORE, &store);
    if (r < 0) {
        buf_done(&request.header);
        return err_sys(err, r, "the request");
    }
    return ask(link, &request, deadline, err);
}

int link_submit(struct link *link, const struct submission *s, uint64_t *ret_job, int64_t deadline,
                struct err *err)
{
    _cleanup_(buf_done)
    struct buf packed;
    struct msg_submit m = {.flags = s->flags, .timeout_ns = s->timeout_ns};
    uint64_t value = 0;
    buf_init(&packed, PROTO_PLAN_MAX);
    int r = plan_pack(s->plan, &packed);
    if (r == 0 && getrandom(m.key, sizeof(m.key), 0) != sizeof(m.key))
        r = -EIO;
    if (r < 0)
        return err_sys(err, r, "the job can't be submitted");
    // Once more for each library that is not there.
    for (int tries = 0; tries <= PLAN_STEPS_MAX * PLAN_STAGES_MAX; tries++) {
        r = send_submit(link, &m, &packed, s->feed, &value, deadline, err);
        if (r != -ENODATA)
            break;
        r = send_library(link, plan_stage(s->plan, value), deadline, err);
        if (r < 0)
            return r;
    }
    if (r == 0)
        *ret_job = value;
    return r;
}

int link_control(struct link *link, const struct msg_control *m, uint64_t *ret_value,
                 int64_t deadline, struct err *err)
{
    struct request request = {0};
    struct msg_control control = *m;
    begin(link, &request);
    control.request = request.number;
    int r = msg_put(&request.header, MSG_CONTROL, &control);
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
    int r = msg_put(&request.header, MSG_QUERY, &query);
    if (r < 0) {
        buf_done(&request.header);
        return err_sys(err, r, "the request");
    }
    return ask(link, &request, deadline, err);
}
