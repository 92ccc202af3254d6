#include "worker/executor/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fanmill/kernel.h"
#include "worker/page.h"

// The kernel holds the first member; the rest is ours.
struct kernel_call {
    fm_call shown;
    struct chunk_run *chunk;
    const struct stage *stage;
    struct input *in;
    struct output *out;
    int refused;      // negative errno that emit gave
    bool said;        // the chunk's error text was set
    bool sends_parts; // of the last stage, and the job wants what it emits at once
};

static size_t call_item_count(const fm_call *shown)
{
    return ((const struct kernel_call *)shown)->in->n_items;
}

static const void *call_item(const fm_call *shown, size_t index, size_t *ret_len)
{
    const struct kernel_call *call = (const struct kernel_call *)shown;
    const struct input_item *item = input_item(call->in, index);
    *ret_len = item ? item->len : 0;
    return item ? item->at : NULL;
}

static const void *call_data(const fm_call *shown, size_t *ret_len)
{
    return input_data(((const struct kernel_call *)shown)->in, ret_len);
}

static const char *call_arg(const fm_call *shown, const char *name)
{
    const struct stage *stage = ((const struct kernel_call *)shown)->stage;
    for (size_t i = 0; i < stage->n_args; i++)
        if (strcmp(stage->args[i].name, name) == 0)
            return stage->args[i].value;
    return NULL;
}

static int call_emit(fm_call *shown, const void *data, size_t len)
{
    struct kernel_call *call = (struct kernel_call *)shown;
    struct output *out = call->out;
    int r = 0;
    if (page_cancelled(call->chunk->page, call->chunk->serial))
        r = -ECANCELED;
    else if (out->n == PROTO_ITEMS_MAX || len > PROTO_RESULT_MAX - out->body.len)
        r = -ENOBUFS;
    uint32_t item_len = (uint32_t)len;
    if (r == 0)
        r = buf_reserve(&out->lens, sizeof(item_len));
    if (r == 0)
        r = buf_add(&out->body, data, len);
    if (r < 0) {
        call->refused = r;
        return r;
    }
    out->n++;
    r = buf_add(&out->lens, &item_len, sizeof(item_len));
    if (r == 0 && call->sends_parts)
        call->chunk->send_part(call->chunk->send_arg, out);
    return r;
}

static int call_emitv(fm_call *shown, const char *format, va_list ap)
{
    char small[256];
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(small, sizeof(small), format, ap);
    int r = -EINVAL;
    if (len >= 0 && (size_t)len < sizeof(small)) {
        r = call_emit(shown, small, (size_t)len);
    } else if (len >= 0) {
        char *large = malloc((size_t)len + 1);
        r = -ENOMEM;
        if (large) {
            vsnprintf(large, (size_t)len + 1, format, again);
            r = call_emit(shown, large, (size_t)len);
        }
        free(large);
    }
    va_end(again);
    return r;
}

static int call_progress(fm_call *shown, uint64_t done, uint64_t total)
{
    struct kernel_call *call = (struct kernel_call *)shown;
    struct page *page = call->chunk->page;
    atomic_store_explicit(&page->done, done, memory_order_relaxed);
    atomic_store_explicit(&page->total, total, memory_order_relaxed);
    return page_cancelled(page, call->chunk->serial) ? -ECANCELED : 0;
}

static int call_failv(fm_call *shown, const char *format, va_list ap)
{
    struct kernel_call *call = (struct kernel_call *)shown;
    call->said = true;
    vsnprintf(call->chunk->error, sizeof(call->chunk->error), format, ap);
    return -1;
}

static const struct fm_call_ops ops = {
    .abi = FM_KERNEL_ABI,
    .size = sizeof(struct fm_call_ops),
    .item_count = call_item_count,
    .item = call_item,
    .data = call_data,
    .arg = call_arg,
    .emit = call_emit,
    .progress = call_progress,
    .failv = call_failv,
    .emitv = call_emitv,
};

static int fail(struct chunk_run *c, const struct kernel_call *call, const char *name, int code)
{
    if (page_cancelled(c->page, c->serial))
        return chunk_run_fail(c, OUTCOME_CANCELLED, 0, "cancelled");
    if (call->refused == -ENOBUFS)
        return chunk_run_fail(c, OUTCOME_LIMIT, -ENOBUFS,
                              "kernel '%.200s' gave more than %llu MiB or %u results", name,
                              PROTO_RESULT_MAX >> 20, PROTO_ITEMS_MAX);
    if (call->refused == -ENOMEM || call->in->out_of_memory)
        return chunk_run_fail(c, OUTCOME_LIMIT, -ENOMEM, "no memory for kernel '%.200s'", name);
    if (!call->said)
        return chunk_run_fail(c, OUTCOME_KERNEL, code, "kernel '%.200s' returned %d", name, code);
    c->ending.outcome = OUTCOME_KERNEL;
    c->ending.code = code;
    return -1;
}

int kernel_run(struct chunk_run *c, struct recipe_stage *s, struct input *in, struct output *out)
{
    if (!s->kernel) {
        struct err err;
        int r = recipe_kernel(s, &err);
        if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
            return chunk_run_fail(c, OUTCOME_LIMIT, r, "%s", err.text);
        if (r == -EACCES || r == -EPERM)
            return chunk_run_fail(c, OUTCOME_NOT_RUNNABLE, 126, "%s", err.text);
        if (r < 0)
            return chunk_run_fail(c, OUTCOME_NOT_FOUND, 127, "%s", err.text);
    }
    struct kernel_call call = {.shown = {.ops = &ops,
                                         .job = c->recipe->job,
                                         .chunk = c->number,
                                         .item = c->item_first,
                                         .attempt = c->attempt,
                                         .slot = c->slot},
                               .chunk = c,
                               .stage = s->stage,
                               .in = in,
                               .out = out,
                               .sends_parts = c->recipe->plan->partial &&
                                              s == &c->recipe->stages[c->recipe->n_stages - 1]};
    bool timed = s->stage->timeout_ns != 0;
    if (timed)
        atomic_store(&c->page->deadline, clock_after(clock_now(), s->stage->timeout_ns));
    c->has_run = true;
    int r = s->kernel(&call.shown);
    if (timed)
        atomic_store(&c->page->deadline, 0);
    if (r != 0 || call.refused < 0 || in->out_of_memory)
        return fail(c, &call, s->stage->function, r);
    return 0;
}
