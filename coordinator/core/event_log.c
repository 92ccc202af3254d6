#include "coordinator/core/event_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/grow.h"
#include "base/pack.h"
#include "proto/result.h"

// An entry: its length, four bytes, little-endian; then an array [type, now, job, worker, ...].
#define ENTRY_HEAD 4u
#define ENTRY_FIELDS 5u // the last is an array of the type's own
static const char magic[] = "fanmill events";

const char *event_name(enum event_type type)
{
    static const char *const names[EV_COUNT] = {
        "SUBMIT",  "FED",   "FED_END",      "WORKER_UP",   "WORKER_CREDIT", "RESULT",
        "RETURN",  "ALIVE", "WORKER_DRAIN", "WORKER_DOWN", "STREAM_CREDIT", "CANCEL",
        "FETCHED", "HOLD",  "TICK",         "FLUSH"};
    return names[type];
}

const char *action_name(enum action_type type)
{
    static const char *const names[] = {"STEP", "LEASE", "ACK",   "CANCEL",  "FORGET",
                                        "DROP", "WANT",  "FETCH", "DELIVER", "JOB_END"};
    return names[type];
}

// ---- writing

void event_log_writer_init(struct event_log_writer *w)
{
    *w = (struct event_log_writer){0};
    buf_init(&w->header, PROTO_HEADER_MAX);
    buf_init(&w->body, PROTO_BODY_MAX);
}

void event_log_writer_done(struct event_log_writer *w)
{
    buf_done(&w->header);
    buf_done(&w->body);
    free(w->jobs);
    *w = (struct event_log_writer){0};
}

static int entry_begin(struct pack_writer *p, struct buf *out)
{
    static const uint8_t head[ENTRY_HEAD];
    int r = buf_add(out, head, sizeof(head));
    pack_writer_init(p, out);
    return r;
}

static int entry_end(const struct pack_writer *p, size_t before)
{
    struct buf *out = p->buf;
    size_t len = out->len - before - ENTRY_HEAD;
    if (p->error < 0 || len > EVENT_LOG_ENTRY_MAX) {
        out->len = before;
        return p->error < 0 ? p->error : -ENOBUFS;
    }
    for (size_t i = 0; i < ENTRY_HEAD; i++)
        out->data[before + i] = (uint8_t)(len >> 8 * i);
    return 0;
}

int event_log_begin(struct buf *out, const struct core_options *options)
{
    struct pack_writer p;
    size_t before = out->len;
    int r = entry_begin(&p, out);
    if (r < 0)
        return r;
    pack_array(&p, 7);
    pack_str(&p, magic);
    pack_u64(&p, EVENT_LOG_VERSION);
    pack_u64(&p, options->epoch);
    pack_u64(&p, options->window_items);
    pack_u64(&p, options->window_bytes);
    pack_u64(&p, options->held_bytes);
    pack_i64(&p, options->silence_ns);
    return entry_end(&p, before);
}

static void put_text(struct pack_writer *p, const char *text)
{
    char cut[PROTO_TEXT_MAX];
    if (text && strlen(text) >= sizeof(cut)) {
        memcpy(cut, text, sizeof(cut) - 1);
        cut[sizeof(cut) - 1] = '\0';
        text = cut;
    }
    pack_str(p, text);
}

// A plan with the same steps, and nothing of what they run.
static int put_plan(struct event_log_writer *w, uint64_t job, const struct plan *plan,
                    struct pack_writer *p)
{
    static char none[] = "-", root[] = "/";
    static char *words[] = {none, NULL};
    struct step steps[PLAN_STEPS_MAX];
    struct stage stages[PLAN_STEPS_MAX];
    struct plan bare = *plan;
    bare.directory = root;
    bare.params = bare.env = NULL;
    bare.n_params = bare.n_env = 0;
    bare.source = (struct source){.kind = SOURCE_PUSH};
    bare.sink = (struct sink){.kind = SINK_NONE};
    bare.steps = steps;
    for (size_t i = 0; i < plan->n_steps && i < PLAN_STEPS_MAX; i++) {
        bool is_kernel = plan->steps[i].stages[0].kind == STAGE_KERNEL;
        stages[i] = (struct stage){.kind = plan->steps[i].stages[0].kind};
        if (is_kernel) {
            stages[i].function = none;
        } else {
            stages[i].words = words;
            stages[i].n_words = 1;
        }
        steps[i] = plan->steps[i];
        steps[i].stages = &stages[i];
        steps[i].n_stages = 1;
    }
    buf_clear(&w->body);
    int r = plan_pack(&bare, &w->body);
    if (r == 0 && plan->n_steps > 1)
        r = grow(w->jobs, w->n_jobs, 1);
    if (r < 0)
        return r;
    if (plan->n_steps > 1)
        w->jobs[w->n_jobs++] = job;
    pack_array(p, 2);
    pack_bin(p, w->body.data, w->body.len);
    pack_bool(p, plan->partial);
    return 0;
}

static int put_result(struct event_log_writer *w, const struct event *event, struct pack_writer *p)
{
    struct batch_writer batch;
    struct result result = *event->result.result;
    bool with_bytes = false;
    for (size_t i = 0; i < w->n_jobs && !with_bytes; i++)
        with_bytes = w->jobs[i] == result.job;
    result.stderr_text = NULL;
    result.stderr_len = 0;
    buf_clear(&w->header);
    buf_clear(&w->body);
    int r =
        result_batch_begin(&batch, &w->header, &w->body, event->result.epoch, event->result.seq);
    if (r == 0)
        r = result_batch_add(&batch, &result);
    if (r == 0)
        r = result_batch_end(&batch);
    if (r < 0)
        return r;
    pack_array(p, 4);
    pack_bool(p, event->result.spooled);
    pack_bin(p, w->header.data, w->header.len);
    pack_u64(p, result.body_len);
    if (with_bytes)
        pack_bin(p, w->body.data, w->body.len);
    else
        pack_nil(p);
    return 0;
}

static void put_run(const struct run *run, struct pack_writer *p)
{
    pack_array(p, 6);
    pack_u64(p, run->kind);
    pack_u64(p, run->count);
    pack_u64(p, run->item_first);
    pack_u64(p, run->items_per_chunk);
    pack_u64(p, run->item_end);
    if (!run->lens) {
        pack_nil(p);
        return;
    }
    pack_array(p, (uint32_t)run->count);
    for (uint64_t i = 0; i < run->count; i++)
        pack_u64(p, run->lens[i]);
}

static int put_fields(struct event_log_writer *w, const struct event *event, struct pack_writer *p)
{
    switch (event->type) {
    case EV_SUBMIT:
        return put_plan(w, event->job, event->plan, p);
    case EV_FED:
        put_run(event->run, p);
        return 0;
    case EV_FED_END:
        pack_array(p, 2);
        pack_i64(p, event->fed_end.code);
        put_text(p, event->fed_end.text);
        return 0;
    case EV_WORKER_UP: {
        buf_clear(&w->header);
        int r = msg_put(&w->header, MSG_REGISTER, event->reg);
        pack_array(p, 1);
        pack_bin(p, w->header.data, w->header.len);
        return r;
    }
    case EV_WORKER_CREDIT:
        pack_array(p, 2);
        pack_u64(p, event->credit.window_items);
        pack_u64(p, event->credit.window_bytes);
        return 0;
    case EV_RESULT:
        return put_result(w, event, p);
    case EV_RETURN:
        pack_array(p, 5);
        pack_u64(p, event->back.job);
        pack_u64(p, event->back.step);
        pack_u64(p, event->back.attempt);
        pack_u64(p, event->back.first);
        pack_u64(p, event->back.count);
        return 0;
    case EV_WORKER_DOWN:
        pack_array(p, 1);
        put_text(p, event->reason);
        return 0;
    case EV_STREAM_CREDIT:
        pack_array(p, 2);
        pack_u64(p, event->stream_credit.items);
        pack_u64(p, event->stream_credit.bytes);
        return 0;
    case EV_CANCEL:
        pack_array(p, 1);
        pack_u64(p, event->cancel);
        return 0;
    case EV_FETCHED:
        pack_array(p, 4);
        pack_u64(p, event->fetched.chunk);
        pack_i64(p, event->fetched.code);
        put_text(p, event->fetched.text);
        pack_u64(p, event->fetched.bytes ? event->fetched.bytes->len : 0);
        return 0;
    case EV_HOLD:
        pack_array(p, 1);
        pack_u64(p, event->held_bytes);
        return 0;
    default:
        pack_array(p, 0);
        return 0;
    }
}

int event_log_add(struct event_log_writer *w, const struct event *event, int64_t now,
                  struct buf *out)
{
    struct pack_writer p;
    size_t before = out->len;
    int r = entry_begin(&p, out);
    if (r < 0)
        return r;
    pack_array(&p, ENTRY_FIELDS);
    pack_u64(&p, event->type);
    pack_i64(&p, now);
    pack_u64(&p, event->job);
    pack_u64(&p, event->worker);
    r = put_fields(w, event, &p);
    if (r < 0 && p.error == 0)
        p.error = r;
    return entry_end(&p, before);
}

// ---- reading

static int bad_log(struct err *err, const char *what)
{
    return err_set(err, -EPROTO, "a log of events %s", what);
}

// The next entry whole: 1; 0 at the end, or within an entry.
static int entry_next(struct event_log_reader *r, struct pack_reader *p, struct err *err)
{
    uint32_t len = 0;
    if (r->at == r->end)
        return 0;
    for (uint32_t i = 0; i < ENTRY_HEAD && r->at + i < r->end; i++)
        len |= (uint32_t)r->at[i] << 8 * i;
    if (len > EVENT_LOG_ENTRY_MAX)
        return bad_log(err, "with an entry over the limit");
    if ((size_t)(r->end - r->at) < ENTRY_HEAD + (size_t)len) {
        r->cut = true;
        return 0;
    }
    pack_reader_init(p, r->at + ENTRY_HEAD, len);
    r->at += ENTRY_HEAD + len;
    return 1;
}

int event_log_open(struct event_log_reader *r, const void *data, size_t len,
                   struct core_options *ret, struct err *err)
{
    struct pack_reader p;
    struct core_options options = {0};
    char text[sizeof(magic)] = "";
    *r = (struct event_log_reader){.at = data, .end = (const uint8_t *)data + len};
    int code = entry_next(r, &p, err);
    if (code != 1)
        return code < 0 ? code : bad_log(err, "without a beginning");
    if (pack_read_array(&p, 7) == 7) {
        pack_read_text(&p, text, sizeof(text));
        if (strcmp(text, magic) == 0 && pack_read_u64(&p, UINT32_MAX) != EVENT_LOG_VERSION)
            return bad_log(err, "of another version");
        options.epoch = pack_read_u64(&p, UINT64_MAX);
        options.window_items = (uint32_t)pack_read_u64(&p, UINT32_MAX);
        options.window_bytes = pack_read_u64(&p, UINT64_MAX);
        options.held_bytes = pack_read_u64(&p, UINT64_MAX);
        options.silence_ns = pack_read_i64(&p);
    }
    if (!pack_at_end(&p) || strcmp(text, magic) != 0 || options.silence_ns < 0)
        return bad_log(err, "is not what this file holds");
    void *blank = mmap(NULL, EVENT_LOG_BYTES_MAX, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blank == MAP_FAILED)
        return err_sys(err, -ENOMEM, "a log of events");
    r->blank = blank;
    batch_reader_init(&r->batch);
    *ret = options;
    return 0;
}

static void forget_last(struct event_log_reader *r)
{
    run_done(&r->run);
    slice_drop(&r->bytes);
}

void event_log_close(struct event_log_reader *r)
{
    if (!r->blank)
        return;
    forget_last(r);
    batch_reader_done(&r->batch);
    munmap(r->blank, EVENT_LOG_BYTES_MAX);
    *r = (struct event_log_reader){0};
}

static void free_slab(struct slab *slab)
{
    free(slab);
}

// Counted like real ones, but all in the same place.
static int blank_bytes(const struct event_log_reader *r, uint64_t len, struct slice *ret)
{
    struct slab *slab = malloc(sizeof(*slab));
    if (!slab)
        return -ENOMEM;
    *slab = (struct slab){.refs = 1, .destroy = free_slab, .data = r->blank, .len = len};
    *ret = (struct slice){.slab = slab, .data = r->blank, .len = len};
    return 0;
}

static bool expect_array(struct pack_reader *p, uint32_t n)
{
    if (pack_read_array(p, n) != n)
        pack_fail(p);
    return pack_ok(p);
}

static const char *get_text(struct event_log_reader *r, struct pack_reader *p)
{
    if (pack_read_nil(p))
        return NULL;
    pack_read_text(p, r->text, sizeof(r->text));
    return r->text;
}

static int get_plan(struct pack_reader *p, const struct plan **ret, struct err *err)
{
    size_t len;
    struct plan *plan = NULL;
    expect_array(p, 2);
    const uint8_t *packed = pack_read_bin(p, PLAN_WHOLE_MAX, &len);
    bool partial = pack_read_bool(p);
    if (!pack_at_end(p))
        return -EPROTO;
    int r = plan_unpack(packed, len, partial, &plan, err);
    *ret = plan;
    return r;
}

static int get_run(struct event_log_reader *r, struct pack_reader *p)
{
    uint64_t bytes = 0;
    struct run *run = &r->run;
    expect_array(p, 6);
    run->kind = (enum run_kind)pack_read_u64(p, RUN_KIND_COUNT - 1);
    run->count = pack_read_u64(p, UINT64_MAX);
    run->item_first = pack_read_u64(p, UINT64_MAX);
    run->items_per_chunk = pack_read_u64(p, UINT64_MAX);
    run->item_end = pack_read_u64(p, UINT64_MAX);
    if (pack_read_nil(p))
        return 0;
    uint32_t n = pack_read_array(p, UINT32_MAX);
    if (!pack_ok(p) || n != run->count)
        return -EPROTO;
    run->lens = calloc(n ? n : 1, sizeof(*run->lens));
    if (!run->lens)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        bytes += run->lens[i] = (uint32_t)pack_read_u64(p, EVENT_LOG_BYTES_MAX);
    return bytes > EVENT_LOG_BYTES_MAX ? -EPROTO : blank_bytes(r, bytes, &run->body);
}

static int get_result(struct event_log_reader *r, struct pack_reader *p, struct event *event,
                      struct err *err)
{
    size_t header_len, len;
    const uint8_t *bytes = r->blank;
    expect_array(p, 4);
    event->result.spooled = pack_read_bool(p);
    const uint8_t *header = pack_read_bin(p, PROTO_HEADER_MAX, &header_len);
    uint64_t body_len = pack_read_u64(p, EVENT_LOG_BYTES_MAX);
    bool is_blank = pack_read_nil(p);
    if (!is_blank && (bytes = pack_read_bin(p, EVENT_LOG_ENTRY_MAX, &len), len != body_len))
        return -EPROTO;
    if (!pack_at_end(p))
        return -EPROTO;
    int code = result_batch_open(&r->batch, header, header_len, bytes, body_len, err);
    if (code == 0)
        code = result_batch_next(&r->batch, &r->result, err);
    if (code != 1 || r->batch.left)
        return code < 0 ? code : -EPROTO;
    code = is_blank ? blank_bytes(r, body_len, &r->bytes) : slice_copy(bytes, body_len, &r->bytes);
    event->result.result = &r->result;
    event->result.body = r->bytes;
    event->result.epoch = r->batch.epoch;
    event->result.seq = r->batch.first_seq;
    return code;
}

static int get_fields(struct event_log_reader *r, struct pack_reader *p, struct event *event,
                      struct err *err)
{
    size_t len;
    switch (event->type) {
    case EV_SUBMIT:
        return get_plan(p, &event->plan, err);
    case EV_FED:
        event->run = &r->run;
        return get_run(r, p);
    case EV_FED_END:
        expect_array(p, 2);
        event->fed_end.code = (int)pack_read_i64(p);
        event->fed_end.text = get_text(r, p);
        return 0;
    case EV_WORKER_UP: {
        expect_array(p, 1);
        const uint8_t *header = pack_read_bin(p, PROTO_HEADER_MAX, &len);
        event->reg = &r->reg;
        return pack_ok(p) ? msg_get(header, len, MSG_REGISTER, &r->reg, err) : -EPROTO;
    }
    case EV_WORKER_CREDIT:
        expect_array(p, 2);
        event->credit.window_items = (uint32_t)pack_read_u64(p, PROTO_WINDOW_MAX);
        event->credit.window_bytes = pack_read_u64(p, UINT64_MAX);
        return 0;
    case EV_RESULT:
        return get_result(r, p, event, err);
    case EV_RETURN:
        expect_array(p, 5);
        event->back.job = pack_read_u64(p, UINT64_MAX);
        event->back.step = (uint32_t)pack_read_u64(p, UINT32_MAX);
        event->back.attempt = (uint32_t)pack_read_u64(p, UINT32_MAX);
        event->back.first = pack_read_u64(p, UINT64_MAX);
        event->back.count = (uint32_t)pack_read_u64(p, UINT32_MAX);
        return 0;
    case EV_WORKER_DOWN:
        expect_array(p, 1);
        event->reason = get_text(r, p);
        return 0;
    case EV_STREAM_CREDIT:
        expect_array(p, 2);
        event->stream_credit.items = pack_read_u64(p, UINT64_MAX);
        event->stream_credit.bytes = pack_read_u64(p, UINT64_MAX);
        return 0;
    case EV_CANCEL:
        expect_array(p, 1);
        event->cancel = (enum cancel_mode)pack_read_u64(p, CANCEL_KILL);
        return 0;
    case EV_FETCHED:
        expect_array(p, 4);
        event->fetched.chunk = pack_read_u64(p, UINT64_MAX);
        event->fetched.code = (int)pack_read_i64(p);
        event->fetched.text = get_text(r, p);
        event->fetched.bytes = &r->bytes;
        return blank_bytes(r, pack_read_u64(p, EVENT_LOG_BYTES_MAX), &r->bytes);
    case EV_HOLD:
        expect_array(p, 1);
        event->held_bytes = pack_read_u64(p, UINT64_MAX);
        return 0;
    default:
        expect_array(p, 0);
        return 0;
    }
}

int event_log_next(struct event_log_reader *r, struct event *ret, int64_t *ret_now, struct err *err)
{
    struct pack_reader p;
    forget_last(r);
    int code = entry_next(r, &p, err);
    if (code != 1)
        return code;
    struct event event = {0};
    expect_array(&p, ENTRY_FIELDS);
    event.type = (enum event_type)pack_read_u64(&p, EV_COUNT - 1);
    int64_t now = pack_read_i64(&p);
    event.job = pack_read_u64(&p, UINT64_MAX);
    event.worker = pack_read_u64(&p, UINT64_MAX);
    // A plan was only made when nothing follows it.
    code = pack_ok(&p) ? get_fields(r, &p, &event, err) : -EPROTO;
    if (code == -EPROTO || (code == 0 && !pack_at_end(&p)))
        return bad_log(err, "with an entry that can't be decoded");
    if (code < 0)
        return code;
    *ret = event;
    *ret_now = now;
    return 1;
}
