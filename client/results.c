#include "client/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/internal.h"

#define WINDOW_ITEMS 1024u
#define WINDOW_BYTES (64u << 20)
#define PARTS_MIN 4u

struct results *results_find(const struct link *link, uint64_t stream)
{
    struct results *r = link->results;
    while (r && r->stream != stream)
        r = r->next;
    return r;
}

void results_notify(const struct results *r)
{
    if (r->notify)
        r->notify(r->notify_arg);
}

// Credit is renewed when half of it is used up, so that it costs a message per many records.
static void send_take(struct results *r, bool now)
{
    struct link *link = r->link;
    if (r->ended || r->closing || link->state != LINK_READY)
        return;
    if (!now && r->at - r->told < (r->options.window_items + 1) / 2 &&
        r->bytes - r->bytes_told < (r->options.window_bytes + 1) / 2)
        return;
    struct msg_take m = {.stream = r->stream,
                         .taken = r->at,
                         .offset_end = r->at + r->options.window_items,
                         .bytes = r->bytes + r->options.window_bytes};
    r->told = r->at;
    r->bytes_told = r->bytes;
    buf_clear(&link->scratch);
    if (msg_put(&link->scratch, MSG_TAKE, &m) == 0)
        link_send(link, NULL, 0);
}

static void drop_parts(struct results *r)
{
    for (size_t i = 0; i < r->n_parts; i++)
        slice_drop(&r->parts[i]);
    r->n_parts = 0;
    r->part_bytes = 0;
    r->whole = false;
}

static void drop_first(struct results *r)
{
    zmessage_done(&r->queue[r->queue_first]);
    r->queue_first = (r->queue_first + 1) % r->queue_cap;
    r->queue_len--;
    r->reading = false;
}

static void say_open(struct results *r)
{
    struct link *link = r->link;
    struct msg_open m = {.stream = r->stream, .job = r->options.job, .from = r->at};
    buf_clear(&link->scratch);
    if (msg_put(&link->scratch, MSG_OPEN, &m) == 0)
        link_send(link, NULL, 0);
    send_take(r, true);
}

static void say_close(struct results *r, enum cancel_mode mode)
{
    struct link *link = r->link;
    struct msg_close m = {.stream = r->stream, .mode = mode};
    buf_clear(&link->scratch);
    if (msg_put(&link->scratch, MSG_CLOSE, &m) == 0)
        link_send(link, NULL, 0);
}

int results_open(struct link *link, const struct results_options *options, struct results **ret)
{
    struct results *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->link = link;
    r->options = *options;
    if (!r->options.window_items)
        r->options.window_items = WINDOW_ITEMS;
    if (!r->options.window_bytes)
        r->options.window_bytes = WINDOW_BYTES;
    r->stream = ++link->next_number;
    r->at = options->from;
    r->next = link->results;
    link->results = r;
    if (link->state == LINK_READY)
        say_open(r);
    *ret = r;
    return 0;
}

void results_reopen(struct results *r)
{
    if (r->ended)
        return;
    // What came before the break comes again.
    while (r->queue_len)
        drop_first(r);
    if (!r->whole)
        drop_parts(r);
    r->bytes = 0;
    say_open(r);
    if (r->closing)
        say_close(r, CANCEL_RUNNING);
}

void results_on_records(struct results *r, struct zmessage *m, const struct records_reader *reader)
{
    (void)reader;
    if (r->closing || r->ended)
        return;
    if (r->queue_len == r->queue_cap) {
        size_t cap = r->queue_cap ? r->queue_cap * 2 : PARTS_MIN;
        struct zmessage *queue = calloc(cap, sizeof(*queue));
        if (!queue) {
            link_fail(r->link, -ENOMEM, "out of memory");
            return;
        }
        for (size_t i = 0; i < r->queue_len; i++)
            queue[i] = r->queue[(r->queue_first + i) % r->queue_cap];
        free(r->queue);
        r->queue = queue;
        r->queue_cap = cap;
        r->queue_first = 0;
    }
    r->queue[(r->queue_first + r->queue_len++) % r->queue_cap] = *m;
    *m = (struct zmessage){0};
    results_notify(r);
}

void results_on_end(struct results *r, int code, const struct job_info *job)
{
    r->ended = true;
    r->code = code;
    r->job = *job;
    results_notify(r);
}

static int add_part(struct results *r, const struct zmessage *m, const struct record_entry *entry)
{
    if (!entry->body_len || !m->body)
        return 0;
    if (r->n_parts == r->parts_cap) {
        size_t cap = r->parts_cap ? r->parts_cap * 2 : PARTS_MIN;
        struct slice *parts = reallocarray(r->parts, cap, sizeof(*parts));
        if (!parts)
            return -ENOMEM;
        r->parts = parts;
        r->parts_cap = cap;
    }
    r->parts[r->n_parts++] =
        slice_of(m->body, (size_t)(entry->body - m->body->data), entry->body_len);
    r->part_bytes += entry->body_len;
    r->bytes += entry->body_len;
    return 0;
}

// Reads entries until a record is whole. 1 with it, 0 when there is nothing to read.
static int read_record(struct results *r, struct result_record *ret)
{
    struct err err;
    if (r->whole)
        drop_parts(r);
    while (r->queue_len) {
        struct zmessage *m = &r->queue[r->queue_first];
        if (!r->reading) {
            records_open(&r->reader, m->header, m->header_len, m->body ? m->body->data : NULL,
                         m->body ? m->body->len : 0, &err);
            r->reading = true;
        }
        struct record_entry entry;
        int code = records_next(&r->reader, &entry, &err);
        if (code == 0)
            drop_first(r);
        if (code == 0)
            continue;
        if (code == 1 && r->reader.offset < r->at)
            continue; // it came before the break
        if (code == 1 && r->reader.offset > r->at)
            code = err_set(&err, -EPROTO, "a record is missing in the stream");
        if (code == 1 && (code = add_part(r, m, &entry)) == 0)
            code = 1;
        if (code < 0) {
            link_fail(r->link, code, "the coordinator sent nonsense: %s", err.text);
            return code;
        }
        if (entry.more) {
            send_take(r, false); // what is put together here is not what the window is for
            continue;
        }
        *ret = (struct result_record){.offset = r->at,
                                      .head = entry,
                                      .parts = r->parts,
                                      .n_parts = r->n_parts,
                                      .bytes = r->part_bytes};
        r->at++;
        r->whole = true;
        return 1;
    }
    return 0;
}

bool results_ready(const struct results *r)
{
    return r->queue_len > 1 || (r->queue_len == 1 && (!r->reading || r->reader.batch.left)) ||
           r->ended || r->link->state == LINK_OVER;
}

int results_next(struct results *r, int64_t deadline, struct result_record *ret)
{
    for (;;) {
        int n = r->closing ? 0 : read_record(r, ret);
        if (n == 1)
            send_take(r, false);
        if (n != 0)
            return n;
        if (r->ended)
            return r->code;
        n = link_wait(r->link, deadline);
        if (n < 0)
            return n;
    }
}

const struct job_info *results_job(const struct results *r)
{
    return &r->job;
}

void results_cancel(struct results *r, enum cancel_mode mode)
{
    r->closing = true;
    if (r->link->state == LINK_READY && !(r->ended && r->code < 0))
        say_close(r, mode);
}

static void results_free(struct results *r)
{
    for (struct results **at = &r->link->results; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    while (r->queue_len)
        drop_first(r);
    drop_parts(r);
    free(r->queue);
    free(r->parts);
    free(r);
}

int results_close(struct results *r, enum cancel_mode mode, int64_t deadline)
{
    int n = 0;
    if (!r)
        return 0;
    bool is_over = r->ended;
    if (!(is_over && r->code < 0))
        results_cancel(r, mode);
    // After END the coordinator only forgets.
    while (!is_over && !r->ended && n == 0)
        n = link_wait(r->link, deadline);
    results_free(r);
    return n;
}
