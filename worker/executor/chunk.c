#include "worker/executor/chunk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "worker/page.h"

#define KEEP_BYTES (1u << 20)

void chunk_init(struct chunk *c, struct page *page, int signals, uint32_t slot)
{
    *c = (struct chunk){.page = page, .signals = signals, .slot = slot};
    buf_init(&c->stderr_tail, 0);
    input_init(&c->first);
    input_init(&c->later);
    for (int i = 0; i < 2; i++) {
        buf_init(&c->outputs[i].body, PROTO_RESULT_MAX + 1);
        buf_init(&c->outputs[i].lens, PROTO_ITEMS_MAX * sizeof(uint32_t));
    }
    words_init(&c->words);
    row_init(&c->row);
    row_init(&c->next_row);
}

void chunk_done(struct chunk *c)
{
    buf_done(&c->stderr_tail);
    input_done(&c->first);
    input_done(&c->later);
    for (int i = 0; i < 2; i++) {
        buf_done(&c->outputs[i].body);
        buf_done(&c->outputs[i].lens);
    }
    words_done(&c->words);
    row_done(&c->row);
    row_done(&c->next_row);
}

void chunk_trim(struct chunk *c)
{
    input_trim(&c->first);
    input_trim(&c->later);
    struct buf *bufs[] = {&c->outputs[0].body, &c->outputs[1].body, &c->words.text};
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        if (bufs[i]->cap > KEEP_BYTES)
            buf_done(bufs[i]);
}

int chunk_fail(struct chunk *c, enum outcome outcome, int code, const char *fmt, ...)
{
    c->ending.outcome = outcome;
    c->ending.code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->error, sizeof(c->error), fmt, ap);
    va_end(ap);
    return -1;
}

void chunk_add_stderr(struct chunk *c, const void *data, size_t len)
{
    const size_t keep = PROTO_STDERR_TAIL_MAX;
    if (len > keep) {
        data = (const uint8_t *)data + (len - keep);
        len = keep;
    }
    // The tail may miss when memory is out: the outcome matters more.
    if (buf_add(&c->stderr_tail, data, len) < 0)
        return;
    if (c->stderr_tail.len > 2 * keep)
        buf_consume(&c->stderr_tail, c->stderr_tail.len - keep);
}

void chunk_add_usage(struct chunk *c, const struct rusage *usage)
{
    c->ending.cpu_ns += (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * NS_PER_S +
                        (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * NS_PER_US;
    uint64_t rss = (uint64_t)usage->ru_maxrss * 1024;
    if (rss > c->ending.maxrss_bytes)
        c->ending.maxrss_bytes = rss;
}

static void output_clear(struct output *out)
{
    buf_clear(&out->body);
    buf_clear(&out->lens);
    out->n = 0;
}

// "stage 2 (gzip): " in front, when there is more than one to choose from.
static void name_stage(struct chunk *c, size_t stage)
{
    char text[sizeof(c->error)];
    memcpy(text, c->error, sizeof(text));
    const char *name = c->recipe->stages[stage].stage->name;
    if (name)
        snprintf(c->error, sizeof(c->error), "stage %zu (%.63s): %.400s", stage + 1, name, text);
    else
        snprintf(c->error, sizeof(c->error), "stage %zu: %.400s", stage + 1, text);
}

// What a program of the last stage wrote before it failed tells why; that of others is no result.
static void keep_output(struct chunk *c, size_t stage, struct output *out)
{
    bool by_program =
        c->recipe->stages[stage].stage->kind != STAGE_KERNEL &&
        (c->ending.outcome == OUTCOME_EXIT || c->ending.outcome == OUTCOME_SIGNAL ||
         c->ending.outcome == OUTCOME_TIMEOUT || c->ending.outcome == OUTCOME_NOT_FOUND ||
         c->ending.outcome == OUTCOME_NOT_RUNNABLE);
    if (stage + 1 != c->recipe->n_stages || !by_program)
        output_clear(out);
    buf_clear(&out->lens);
    out->n = 1;
}

static int run_stage(struct chunk *c, size_t stage, struct output *before, struct output *out)
{
    struct recipe_stage *s = &c->recipe->stages[stage];
    struct input *in = &c->first;
    output_clear(out);
    if (before) {
        if (page_cancelled(c->page, c->serial))
            return chunk_fail(c, OUTCOME_CANCELLED, 0, "cancelled");
        if (buf_reserve(&before->body, 1) < 0)
            return chunk_fail(c, OUTCOME_LIMIT, -ENOMEM, "no memory for a stage's input");
        input_open_bytes(&c->later, before->body.data, before->body.len);
        in = &c->later;
    }
    if (s->stage->kind == STAGE_KERNEL)
        return kernel_run(c, s, in, out);
    return s->stage->kind == STAGE_PIPE ? pipe_run(c, s, in, out) : command_run(c, s, before, out);
}

static void run_stages(struct chunk *c)
{
    struct output *before = NULL;
    c->result = &c->outputs[0];
    output_clear(c->result);
    for (size_t i = 0; i < c->recipe->n_stages; i++) {
        struct output *out = &c->outputs[before == &c->outputs[0]];
        c->result = out;
        if (run_stage(c, i, before, out) < 0) {
            if (c->recipe->n_stages > 1 && c->ending.outcome != OUTCOME_CANCELLED)
                name_stage(c, i);
            keep_output(c, i, out);
            return;
        }
        before = out;
    }
}

void chunk_run(struct chunk *c, const struct input_chunk *input)
{
    c->ending = (struct ending){.outcome = OUTCOME_OK};
    c->error[0] = '\0';
    c->item_first = input->item_first;
    buf_clear(&c->stderr_tail);
    struct err err;
    int r = input_open(&c->first, c->recipe->plan, input, &err);
    if (r < 0) {
        output_clear(&c->outputs[0]);
        c->result = &c->outputs[0];
        chunk_fail(c, OUTCOME_INPUT, r, "%s", err.text);
        return;
    }
    run_stages(c);
    if (c->stderr_tail.len > PROTO_STDERR_TAIL_MAX)
        buf_consume(&c->stderr_tail, c->stderr_tail.len - PROTO_STDERR_TAIL_MAX);
}
