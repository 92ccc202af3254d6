#include "client/requests.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/container.h"
#include "client/feed.h"
#include "client/part.h"
#include "pipelines/library.h"

// A question that waits for its answer. It lives on the stack of the task that asks.
struct request {
    LIST_ENTRY(request) entry;
    uint64_t number;
    struct buf header; // as it was sent, to be sent again after a break
    const void *body;
    size_t body_len;
    struct feed *feed; // of the job that is submitted
    bool answered;
    struct msg_answer answer;
    struct waitq news;
    enum query what;
    link_row_fn *row;
    void *arg;
    uint64_t pages; // that were taken
    uint64_t after; // number of the last job or worker: after a break they come again
};

struct requests_part {
    struct link_part part;
    LIST_HEAD(, request) asked;
};

static struct request *find(struct link_part *part, uint64_t number)
{
    struct request *request;
    LIST_FOREACH (request, &container_of(part, struct requests_part, part)->asked, entry)
        if (request->number == number)
            return request;
    return NULL;
}

static void mark_answered(struct request *request)
{
    request->answered = true;
    waitq_wake_all(&request->news);
}

static int on_answer(struct link_part *part, struct zmessage *m, struct err *err)
{
    struct msg_answer answer;
    int r = msg_get(m->header, m->header_len, MSG_ANSWER, &answer, err);
    struct request *request = r < 0 ? NULL : find(part, answer.request);
    if (!request)
        return r;
    request->answer = answer;
    if (request->feed && answer.code == 0)
        request->feed->job = answer.value; // its first WANT may be the next message
    mark_answered(request);
    return 0;
}

union any_row {
    struct job_info job;
    struct worker_info worker;
    struct line_info line;
    struct running_info running;
};

// Rows of jobs and workers come in the order of their numbers.
static bool is_new(struct request *request, const union any_row *row)
{
    uint64_t id = request->what == QUERY_JOBS      ? row->job.id
                  : request->what == QUERY_WORKERS ? row->worker.id
                                                   : UINT64_MAX;
    if (id <= request->after)
        return false;
    if (id != UINT64_MAX)
        request->after = id;
    return true;
}

static int on_info(struct link_part *part, struct zmessage *m, struct err *err)
{
    union any_row row;
    struct info_reader reader;
    int r = info_open(&reader, m->header, m->header_len, err);
    struct request *request = r < 0 ? NULL : find(part, reader.request);
    if (!request || !request->row || request->what != reader.what)
        return r;
    bool has_rows = reader.batch.left > 0;
    while ((r = info_next(&reader, &row, err)) == 1)
        if (is_new(request, &row))
            request->row(request->arg, &row);
    if (r == 0 && has_rows)
        link_say(part->link, MSG_TAKE,
                 &(struct msg_take){.stream = request->number, .taken = ++request->pages});
    if (r == 0 && !reader.more)
        mark_answered(request);
    return r;
}

static void on_ready(struct link_part *part)
{
    struct request *request;
    LIST_FOREACH (request, &container_of(part, struct requests_part, part)->asked, entry)
        link_send(part->link, &request->header, request->body, request->body_len);
}

static void on_broken(struct link_part *part)
{
    struct request *request;
    LIST_FOREACH (request, &container_of(part, struct requests_part, part)->asked, entry)
        waitq_wake_all(&request->news);
}

static const struct link_route routes[] = {{MSG_ANSWER, on_answer}, {MSG_INFO, on_info}};
static const struct link_part_ops requests_part = {
    sizeof(struct requests_part), routes, sizeof(routes) / sizeof(routes[0]), on_ready, on_broken,
};

// Sends it and waits for the answer. If the link has to greet again meanwhile, it is sent again.
// The message's number is the request's (link_number).
static int ask(struct link *link, struct request *request, enum msg_type type, const void *m,
               int64_t deadline, struct err *err)
{
    struct link_part *part = link_part(link, &requests_part);
    buf_init(&request->header, PROTO_HEADER_MAX);
    int r = part ? msg_put(&request->header, type, m) : -ENOMEM;
    if (r < 0) {
        buf_done(&request->header);
        return err_sys(err, r, "the request");
    }
    LIST_INSERT_HEAD(&container_of(part, struct requests_part, part)->asked, request, entry);
    if (link_is_ready(link))
        link_send(link, &request->header, request->body, request->body_len);
    while (r == 0 && !request->answered)
        r = link_wait(link, &request->news, deadline);
    LIST_REMOVE(request, entry);
    buf_done(&request->header);
    if (request->answered)
        return request->answer.code < 0
                   ? err_set(err, request->answer.code, "%s", request->answer.text)
                   : 0;
    if (link_check(link) < 0)
        return err_set(err, r, "%s", link_trouble(link));
    return err_set(err, r,
                   r == -ETIMEDOUT ? "the coordinator did not answer in time" : "cancelled");
}

static int send_submit(struct link *link, const struct msg_submit *m, const struct buf *packed,
                       struct feed *feed, uint64_t *ret_value, int64_t deadline, struct err *err)
{
    struct request request = {
        .number = link_number(link), .body = packed->data, .body_len = packed->len, .feed = feed};
    struct msg_submit submit = *m;
    submit.request = request.number;
    int r = ask(link, &request, MSG_SUBMIT, &submit, deadline, err);
    *ret_value = request.answer.value;
    return r;
}

static int send_library(struct link *link, const struct stage *stage, int64_t deadline,
                        struct err *err)
{
    _cleanup_(buf_done)
    struct buf file;
    struct msg_store store = {.request = link_number(link)};
    buf_init(&file, PROTO_LIBRARY_MAX);
    if (!stage || !stage->library)
        return err_set(err, -EPROTO, "the coordinator asks for a library that does not exist");
    int r = library_read(stage->library, stage->digest, &file, err);
    if (r < 0)
        return r;
    struct request request = {.number = store.request, .body = file.data, .body_len = file.len};
    memcpy(store.digest, stage->digest, sizeof(store.digest));
    return ask(link, &request, MSG_STORE, &store, deadline, err);
}

int link_submit(struct link *link, const struct submit_request *s, uint64_t *ret_job,
                int64_t deadline, struct err *err)
{
    _cleanup_(buf_done)
    struct buf packed;
    struct msg_submit m = {.flags = s->flags, .timeout_ns = s->timeout_ns, .n_needs = s->n_needs};
    uint64_t value = 0;
    if (s->n_needs)
        memcpy(m.needs, s->needs, s->n_needs * sizeof(*s->needs));
    buf_init(&packed, PROTO_PLAN_MAX);
    int r = plan_pack(s->plan, &packed);
    if (r == 0 && getrandom(m.key, sizeof(m.key), 0) != sizeof(m.key))
        r = -EIO;
    if (r < 0)
        return err_sys(err, r, "the job can't be submitted");
    // Once more for each library that the coordinator lacks.
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

int link_attend(struct link *link, const struct msg_attend *m, int64_t deadline, struct err *err)
{
    struct request request = {.number = link_number(link)};
    struct msg_attend attend = *m;
    attend.request = request.number;
    return ask(link, &request, MSG_ATTEND, &attend, deadline, err);
}

int link_control(struct link *link, const struct msg_control *m, uint64_t *ret_value,
                 int64_t deadline, struct err *err)
{
    struct request request = {.number = link_number(link)};
    struct msg_control control = *m;
    control.request = request.number;
    int r = ask(link, &request, MSG_CONTROL, &control, deadline, err);
    if (r == 0)
        *ret_value = request.answer.value;
    return r;
}

int link_query(struct link *link, const struct msg_query *m, link_row_fn *row, void *arg,
               int64_t deadline, struct err *err)
{
    struct request request = {
        .number = link_number(link), .what = (enum query)m->what, .row = row, .arg = arg};
    struct msg_query query = *m;
    query.request = request.number;
    return ask(link, &request, MSG_QUERY, &query, deadline, err);
}
