#include "worker/executor/chunk_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/executor/tag.h"

#define KEEP_BYTES (1u << 20)
#define STDERR_PART (1u << 20) // is sent while its program runs

void chunk_run_init(struct chunk_run *c, struct page *page, struct kept *kept, int signals,
                    uint32_t slot)
{
    *c = (struct chunk_run){.page = page, .kept = kept, .signals = signals, .slot = slot};
    buf_init(&c->errors, 0);
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

void chunk_run_done(struct chunk_run *c)
{
    buf_done(&c->errors);
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

void chunk_run_trim(struct chunk_run *c)
{
    input_trim(&c->first);
    input_trim(&c->later);
    struct buf *bufs[] = {&c->errors, &c->outputs[0].body, &c->outputs[1].body, &c->words.text};
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        if (bufs[i]->cap > KEEP_BYTES)
            buf_done(bufs[i]);
}

int chunk_run_fail(struct chunk_run *c, enum outcome outcome, int code, const char *fmt, ...)
{
    c->ending.outcome = outcome;
    c->ending.code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->error, sizeof(c->error), fmt, ap);
    va_end(ap);
    return -1;
}

void chunk_run_note(struct chunk_run *c, const char *fmt, ...)
{
    size_t at = strlen(c->note);
    if (at && at + 2 < sizeof(c->note))
        at += (size_t)snprintf(c->note + at, sizeof(c->note) - at, "; ");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->note + at, sizeof(c->note) - at, fmt, ap);
    va_end(ap);
}

void chunk_run_send_stderr(struct chunk_run *c)
{
    while (c->errors.len > PROTO_STDERR_TAIL_MAX) {
        size_t n = c->errors.len - PROTO_STDERR_TAIL_MAX;
        if (n > STDERR_PART)
            n = STDERR_PART;
        c->send_stderr(c->send_arg, c->errors.data, n);
        buf_consume(&c->errors, n);
    }
}

void chunk_run_add_stderr(struct chunk_run *c, const void *data, size_t len)
{
    if (c->error_bytes + len > PROTO_STDERR_MAX) {
        if (c->error_bytes <= PROTO_STDERR_MAX)
            chunk_run_note(c, "its standard error is cut after %llu MiB", PROTO_STDERR_MAX >> 20);
        c->error_bytes = PROTO_STDERR_MAX + 1;
        return;
    }
    c->error_bytes += len;
    // Without memory it is lost: the outcome matters more.
    if (c->tag)
        tag_add(&c->errors, &c->mid_line, c->tag, c->tag_len, data, len);
    else
        buf_add(&c->errors, data, len);
    if (c->errors.len >= STDERR_PART + PROTO_STDERR_TAIL_MAX)
        chunk_run_send_stderr(c);
}

void output_clear(struct output *out)
{
    buf_clear(&out->body);
    buf_clear(&out->lens);
    out->n = 0;
}
