#include "coordinator/core/event_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/pack.h"
#include "proto/result.h"

const char *event_name(enum event_type type)
{
    static const char *const names[EV_COUNT] = {
        "SUBMIT",  "FED",           "FED_END", "WORKER_UP",     "WORKER_CREDIT", "RESULT",
        "RETURN",  "BEGUN",         "ALIVE",   "WORKER_DRAIN",  "WORKER_DOWN",   "WORKER_BACK",
        "KEEP",    "STREAM_CREDIT", "CANCEL",  "CANCEL_CHUNKS", "BLOCK",         "NEED_FAILED",
        "FETCHED", "HOLD",          "TICK",    "FLUSH"};
    return names[type];
}

const char *action_name(enum action_type type)
{
    static const char *const names[] = {"STEP",   "LEASE",   "RECALL",  "ACK",  "CANCEL",
                                        "FORGET", "ASIDE",   "DISCARD", "DROP", "WANT",
                                        "FETCH",  "DELIVER", "JOB_END"};
    return names[type];
}

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
    static const uint8_t head[EVENT_LOG_HEAD];
    int r = buf_add(out, head, sizeof(head));
    pack_writer_init(p, out);
    return r;
}

static int entry_end(const struct pack_writer *p, size_t before)
{
    struct buf *out = p->buf;
    size_t len = out->len - before - EVENT_LOG_HEAD;
    if (p->error < 0 || len > EVENT_LOG_ENTRY_MAX) {
        out->len = before;
        return p->error < 0 ? p->error : -ENOBUFS;
    }
    for (size_t i = 0; i < EVENT_LOG_HEAD; i++)
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
    pack_str(&p, EVENT_LOG_MAGIC);
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
                    uint32_t blocks, struct pack_writer *p)
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
    pack_array(p, 3);
    pack_bin(p, w->body.data, w->body.len);
    pack_bool(p, plan->partial);
    pack_u64(p, blocks);
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
    pack_array(p, 7);
    pack_u64(p, run->kind);
    pack_u64(p, run->skip);
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
        return put_plan(w, event->job, event->plan, event->blocks, p);
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
    case EV_KEEP:
        pack_array(p, 5);
        pack_u64(p, event->back.job);
        pack_u64(p, event->back.step);
        pack_u64(p, event->back.attempt);
        pack_u64(p, event->back.first);
        pack_u64(p, event->back.count);
        return 0;
    case EV_BEGUN:
        pack_array(p, 5);
        pack_u64(p, event->begun.job);
        pack_u64(p, event->begun.step);
        pack_u64(p, event->begun.attempt);
        pack_u64(p, event->begun.chunk);
        pack_i64(p, event->begun.age_ns);
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
    case EV_CANCEL_CHUNKS:
        pack_array(p, 2);
        pack_u64(p, event->cancel_chunks.range.first);
        pack_u64(p, event->cancel_chunks.range.last);
        return 0;
    case EV_BLOCK:
        pack_array(p, 1);
        pack_u64(p, event->set_blocks);
        return 0;
    case EV_NEED_FAILED:
        pack_array(p, 1);
        put_text(p, event->need_text);
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
    pack_array(&p, EVENT_LOG_FIELDS);
    pack_u64(&p, event->type);
    pack_i64(&p, now);
    pack_u64(&p, event->job);
    pack_u64(&p, event->worker);
    r = put_fields(w, event, &p);
    if (r < 0 && p.error == 0)
        p.error = r;
    return entry_end(&p, before);
}
