#include "post.h"

#include <stdlib.h>

#include "../async/run.h"
#include "async/task.h"
#include "base/log.h"
#include "coordinator/delivery.h"
#include "coordinator/door.h"
#include "pipelines/build/load.h"

#define PEERS_MAX 4096

struct server *server;

static struct zmessage *incoming; // at most one
static struct letter *sent;
static size_t n_sent;
static struct {
    int code;
    unsigned after;
} deaf[PEERS_MAX];

// ---- in the place of transport/zsock.c

int __wrap_zsock_open(struct transport *t, enum zsock_kind kind, zsock_ready_fn *ready, void *arg,
                      struct zsock **ret, struct err *err);
int __wrap_zsock_bind(struct zsock *z, const char *endpoint, struct err *err);
void __wrap_zsock_set_linger(struct zsock *z, int ms);
struct zsock *__wrap_zsock_close(struct zsock *z);
void __wrap_zsock_again(struct zsock *z);
int __wrap_zsock_recv(struct zsock *z, struct zmessage *ret);
int __wrap_zsock_send(struct zsock *z, uint32_t peer, const void *header, size_t header_len,
                      const void *body, size_t body_len);

int __wrap_zsock_open(struct transport *t, enum zsock_kind kind, zsock_ready_fn *ready, void *arg,
                      struct zsock **ret, struct err *err)
{
    (void)t, (void)kind, (void)ready, (void)arg, (void)ret, (void)err;
    return 0;
}

int __wrap_zsock_bind(struct zsock *z, const char *endpoint, struct err *err)
{
    (void)z, (void)endpoint, (void)err;
    return 0;
}

void __wrap_zsock_set_linger(struct zsock *z, int ms)
{
    (void)z, (void)ms;
}

struct zsock *__wrap_zsock_close(struct zsock *z)
{
    (void)z;
    return NULL;
}

void __wrap_zsock_again(struct zsock *z)
{
    (void)z;
}

int __wrap_zsock_recv(struct zsock *z, struct zmessage *ret)
{
    (void)z;
    if (!incoming)
        return -EAGAIN;
    *ret = *incoming;
    incoming = NULL;
    return 1;
}

int __wrap_zsock_send(struct zsock *z, uint32_t peer, const void *header, size_t header_len,
                      const void *body, size_t body_len)
{
    (void)z;
    if (peer < PEERS_MAX && deaf[peer].code && deaf[peer].after-- == 0) {
        deaf[peer].after = 0;
        return deaf[peer].code;
    }
    sent = reallocarray(sent, n_sent + 1, sizeof(*sent));
    struct letter *letter = &sent[n_sent++];
    *letter = (struct letter){.peer = peer, .type = msg_type_of(header, header_len)};
    cr_assert_geq(letter->type, 0, "the shell sends what is no message");
    buf_add(&letter->header, header, header_len);
    buf_add(&letter->body, body, body_len);
    return 0;
}

// ---- towards the server

static struct slab *slab_copy(const void *data, size_t len)
{
    struct slab *slab = slab_new(len);
    memcpy(slab->data, data, len);
    return slab;
}

static void arrive(uint32_t peer, const void *header, size_t header_len, const void *body,
                   size_t len)
{
    struct zmessage m = {.peer = peer, .header_slab = slab_copy(header, header_len)};
    m.header = m.header_slab->data;
    m.header_len = header_len;
    m.body = body ? slab_copy(body, len) : NULL;
    incoming = &m;
    port_pump(&server->ports[0]);
    cr_assert_null(incoming);
}

void say_raw(uint32_t peer, const void *header, size_t len)
{
    arrive(peer, header, len, NULL, 0);
}

void say_with(uint32_t peer, enum msg_type type, const void *m, const void *body, size_t len)
{
    struct buf header = {0};
    cr_assert_eq(msg_put(&header, type, m), 0, "%s", msg_name(type));
    arrive(peer, header.data, header.len, body, len);
    buf_done(&header);
}

void say(uint32_t peer, enum msg_type type, const void *m)
{
    say_with(peer, type, m, NULL, 0);
}

void turn(void)
{
    int turns = 0;
    do {
        for (int i = 0; i < 8; i++)
            task_yield();
        cr_assert_lt(++turns, 1000, "the turns do not end");
    } while (server->must_flush);
}

void pass_time(int64_t ns)
{
    task_sleep(ns);
    turn();
}

struct peer *peer_at(uint32_t peer)
{
    return peer_find(&server->ports[0], peer);
}

void named(uint32_t peer, const char *user, unsigned rights)
{
    struct peer *p = peer_at(peer);
    snprintf(p->user, sizeof(p->user), "%s", user);
    p->rights = rights;
}

void hello(uint32_t peer, uint32_t session)
{
    struct msg_hello m = {.version_min = 1, .version_max = 1, .software = "post"};
    memcpy(m.session, &session, sizeof(session));
    say(peer, MSG_HELLO, &m);
}

void worker_comes(uint32_t peer, uint32_t slots)
{
    const struct msg_register m = {.name = "w", .host = "h", .pid = 1, .slots = slots};
    hello(peer, peer);
    say(peer, MSG_REGISTER, &m);
    say(peer, MSG_CREDIT, &(struct msg_credit){.window_items = slots, .window_bytes = 1 << 20});
}

static void pack(const char *yaml, struct buf *ret)
{
    struct load_report report = {0};
    struct plan *plan = NULL;
    int r = load_text("post", "/", yaml, strlen(yaml), &(struct load_options){0}, &plan, &report);
    cr_assert_eq(r, 0, "%.*s", (int)report.text.len, (const char *)report.text.data);
    cr_assert_eq(plan_pack(plan, ret), 0);
    plan_free(plan);
    load_report_done(&report);
}

void submit(uint32_t peer, const char *yaml, uint32_t flags, uint32_t request,
            struct msg_answer *ret)
{
    struct msg_submit m = {.request = request, .flags = flags};
    struct buf packed = {0};
    memcpy(m.key, &request, sizeof(request));
    for (struct letter *l; (l = letter(peer, MSG_ANSWER));)
        l->is_read = true; // of earlier requests
    pack(yaml, &packed);
    say_with(peer, MSG_SUBMIT, &m, packed.data, packed.len);
    buf_done(&packed);
    hear(peer, MSG_ANSWER, ret);
    cr_expect_eq(ret->request, request);
}

uint64_t submitted(uint32_t peer, const char *yaml, uint32_t flags)
{
    struct msg_answer m;
    submit(peer, yaml, flags, (uint32_t)server->next_job + 1000, &m);
    cr_assert_eq(m.code, 0, "%s", m.text);
    return m.value;
}

// What each worker has, in the order in which it came.
static struct {
    struct lease *list;
    size_t n;
    size_t answered;
    uint64_t seq;
} leased[PEERS_MAX];

static void take_leases(uint32_t peer)
{
    struct batch_reader reader;
    struct letter *letter_;
    struct err err;
    batch_reader_init(&reader);
    while ((letter_ = letter(peer, MSG_LEASE))) {
        struct lease lease;
        letter_->is_read = true;
        cr_assert_eq(lease_batch_open(&reader, letter_->header.data, letter_->header.len,
                                      letter_->body.data, letter_->body.len, &err),
                     0);
        while (lease_batch_next(&reader, &lease, &err) == 1)
            for (uint32_t i = 0; i < lease.count; i++) {
                struct lease one = lease;
                one.first += i;
                leased[peer].list =
                    reallocarray(leased[peer].list, leased[peer].n + 1, sizeof(*leased[peer].list));
                leased[peer].list[leased[peer].n++] = one;
            }
    }
    batch_reader_done(&reader);
}

bool answer(uint32_t peer, enum outcome outcome, const void *bytes, size_t len)
{
    take_leases(peer);
    if (leased[peer].answered == leased[peer].n)
        return false;
    const struct lease *lease = &leased[peer].list[leased[peer].answered++];
    struct result result = {.job = lease->job,
                            .step = lease->step,
                            .attempt = lease->attempt,
                            .chunk = lease->first,
                            .ending = {.outcome = outcome, .run_ns = NS_PER_MS},
                            .n_items = 1,
                            .body = bytes,
                            .body_len = len};
    struct buf header = {0}, body = {0};
    struct batch_writer w;
    cr_assert_eq(result_batch_begin(&w, &header, &body, server->epoch, ++leased[peer].seq), 0);
    cr_assert_eq(result_batch_add(&w, &result), 0);
    cr_assert_eq(result_batch_end(&w), 0);
    arrive(peer, header.data, header.len, body.data ? body.data : (const void *)"", body.len);
    buf_done(&header);
    buf_done(&body);
    return true;
}

void deliver(uint64_t id, uint64_t chunk, size_t len)
{
    static uint8_t bytes[4 << 20];
    struct server_job *job = server_job_find(server, id);
    struct slice part = {.data = bytes, .len = len};
    const struct delivery d = {.chunk = chunk,
                               .attempt = 1,
                               .item_first = chunk,
                               .items = 1,
                               .kind = RUN_RANGE,
                               .parts = &part,
                               .n_parts = 1,
                               .bytes = len};
    cr_assert_not_null(job);
    cr_assert_leq(len, sizeof(bytes));
    deliver_record(job, &d);
}

// ---- from the server

struct letter *letter(uint32_t peer, enum msg_type type)
{
    for (size_t i = 0; i < n_sent; i++)
        if (sent[i].peer == peer && sent[i].type == (int)type && !sent[i].is_read)
            return &sent[i];
    return NULL;
}

unsigned letters(uint32_t peer, enum msg_type type)
{
    unsigned n = 0;
    for (size_t i = 0; i < n_sent; i++)
        n += sent[i].peer == peer && sent[i].type == (int)type && !sent[i].is_read;
    return n;
}

void hear(uint32_t peer, enum msg_type type, void *ret)
{
    struct letter *l = letter(peer, type);
    struct err err = {0};
    cr_assert_not_null(l, "no %s for peer %u", msg_name(type), peer);
    l->is_read = true;
    cr_assert_eq(msg_get(l->header.data, l->header.len, type, ret, &err), 0, "%s", err.text);
}

uint64_t hear_records(uint32_t peer, uint64_t stream, uint64_t *ret_first)
{
    uint64_t n = 0, next = 0;
    struct err err;
    for (size_t i = 0; i < n_sent; i++) {
        struct letter *l = &sent[i];
        struct records_reader r;
        struct record_entry record;
        if (l->peer != peer || l->type != MSG_RECORDS || l->is_read)
            continue;
        cr_assert_eq(
            records_open(&r, l->header.data, l->header.len, l->body.data, l->body.len, &err), 0);
        if (r.stream != stream)
            continue;
        l->is_read = true;
        while (records_next(&r, &record, &err) == 1) {
            if (!n && !next)
                *ret_first = next = r.offset;
            cr_expect_eq(r.offset, next, "records without a gap");
            next += !record.more;
            n += !record.more;
        }
    }
    return n;
}

int hear_end(uint32_t peer, uint64_t stream, struct job_info *ret)
{
    for (size_t i = 0; i < n_sent; i++) {
        struct letter *l = &sent[i];
        struct msg_end end;
        struct err err;
        if (l->peer != peer || l->type != MSG_END || l->is_read)
            continue;
        cr_assert_eq(msg_get(l->header.data, l->header.len, MSG_END, &end, &err), 0);
        if (end.stream != stream)
            continue;
        l->is_read = true;
        *ret = end.job;
        return end.code;
    }
    return INT_MIN;
}

void deafen(uint32_t peer, int code, unsigned after)
{
    deaf[peer].code = code;
    deaf[peer].after = after;
}

bool deafen_of(uint32_t peer)
{
    return deaf[peer].code;
}

// ---- life

static void forget_letters(void)
{
    for (size_t i = 0; i < n_sent; i++) {
        buf_done(&sent[i].header);
        buf_done(&sent[i].body);
    }
    free(sent);
    sent = NULL;
    n_sent = 0;
    for (size_t i = 0; i < PEERS_MAX; i++)
        free(leased[i].list);
    memset(leased, 0, sizeof(leased));
    memset(deaf, 0, sizeof(deaf));
}

struct body {
    const struct server_options *options;
    void (*fn)(void);
};

static int run_body(void *arg)
{
    static const char *const endpoints[] = {"inproc://post", NULL};
    const struct body *body = arg;
    struct server_options options = body->options ? *body->options : (struct server_options){0};
    struct err err;
    options.endpoints = endpoints;
    cr_assert_eq(server_open(NULL, &options, &server, &err), 0, "%s", err.text);
    body->fn();
    server = server_close(server);
    forget_letters();
    return 0;
}

void with_server(const struct server_options *options, void (*fn)(void))
{
    struct body body = {options, fn};
    log_set_level(LOG_ERROR); // what peers do here is on purpose
    // Each suspension ends a turn, so that a yield is one.
    cr_assert_eq(run_virtual_opts((struct loop_options){.switches = 1}, run_body, &body), 0);
}
