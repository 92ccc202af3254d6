#include "client/results.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/grow.h"
#include "client/part.h"

#define WINDOW_ITEMS 1024u
#define WINDOW_BYTES (64u << 20)
#define DRAINED_BYTES (64u << 10) // taken and not told, with nothing left to read
#define DRAINED_ITEMS 512u

struct arrival {
    STAILQ_ENTRY(arrival) entry;
    struct zmessage message;
};

struct results_part {
    struct link_part part;
    LIST_HEAD(, results) open;
};

// Credit is renewed when half of it is used up, so that it costs a message per many records;
// earlier where nothing is left to read, as the coordinator may wait to hear what was taken.
static void grant(struct results *r, bool now)
{
    if (r->ended || r->closing || !link_is_ready(r->link))
        return;
    bool drained = STAILQ_EMPTY(&r->arrivals) && (r->bytes - r->granted_bytes >= DRAINED_BYTES ||
                                                  r->at - r->granted_at >= DRAINED_ITEMS);
    if (!now && !drained && r->at - r->granted_at < (r->options.window_items + 1) / 2 &&
        r->bytes - r->granted_bytes < (r->options.window_bytes + 1) / 2)
        return;
    r->granted_at = r->at;
    r->granted_bytes = r->bytes;
    link_say(r->link, MSG_TAKE,
             &(struct msg_take){.stream = r->stream,
                                .taken = r->at,
                                .offset_end = r->at + r->options.window_items,
                                .bytes = r->bytes + r->options.window_bytes});
}

static void drop_parts(struct results *r)
{
    for (size_t i = 0; i < r->n_parts; i++)
        slice_drop(&r->parts[i]);
    for (size_t i = 0; i < r->n_errors; i++)
        slice_drop(&r->errors[i]);
    r->n_parts = 0;
    r->n_errors = 0;
    r->part_bytes = 0;
    r->whole = false;
}

static void drop_first(struct results *r)
{
    struct arrival *first = STAILQ_FIRST(&r->arrivals);
    STAILQ_REMOVE_HEAD(&r->arrivals, entry);
    zmessage_done(&first->message);
    free(first);
    r->reading = false;
}

static void drop_arrivals(struct results *r)
{
    while (!STAILQ_EMPTY(&r->arrivals))
        drop_first(r);
}

static void announce(struct results *r)
{
    waitq_wake_all(&r->news);
    if (r->notify)
        r->notify(r->notify_arg);
}

static void say_open(struct results *r)
{
    link_say(r->link, MSG_OPEN,
             &(struct msg_open){.stream = r->stream, .job = r->options.job, .from = r->at});
    grant(r, true);
}

static void say_close(struct results *r, enum cancel_mode mode)
{
    link_say(r->link, MSG_CLOSE, &(struct msg_close){.stream = r->stream, .mode = mode});
}

// ---- what comes

static struct results *find(struct link_part *part, uint64_t stream)
{
    struct results *r;
    LIST_FOREACH (r, &container_of(part, struct results_part, part)->open, entry)
        if (r->stream == stream)
            return r;
    return NULL;
}

static int open_reader(struct records_reader *reader, const struct zmessage *m, struct err *err)
{
    return records_open(reader, m->header, m->header_len, m->body ? m->body->data : NULL,
                        m->body ? m->body->len : 0, err);
}

static int on_records(struct link_part *part, struct zmessage *m, struct err *err)
{
    struct records_reader reader;
    int code = open_reader(&reader, m, err);
    struct results *r = code < 0 ? NULL : find(part, reader.stream);
    if (!r || r->closing || r->ended)
        return code;
    struct arrival *arrival = malloc(sizeof(*arrival));
    if (!arrival) {
        link_fail(part->link, -ENOMEM, "out of memory");
        return 0;
    }
    arrival->message = *m;
    *m = (struct zmessage){0};
    STAILQ_INSERT_TAIL(&r->arrivals, arrival, entry);
    announce(r);
    return 0;
}

static int on_end(struct link_part *part, struct zmessage *m, struct err *err)
{
    struct msg_end end;
    int code = msg_get(m->header, m->header_len, MSG_END, &end, err);
    struct results *r = code < 0 ? NULL : find(part, end.stream);
    if (!r)
        return code;
    r->ended = true;
    r->code = end.code;
    r->job = end.job;
    announce(r);
    return 0;
}

// Opens all again, from the first record that was not taken: what came before the break and was not
// taken comes again.
static void on_ready(struct link_part *part)
{
    struct results *r;
    LIST_FOREACH (r, &container_of(part, struct results_part, part)->open, entry) {
        if (r->ended)
            continue;
        drop_arrivals(r);
        if (!r->whole)
            drop_parts(r);
        r->bytes = 0;
        say_open(r);
        if (r->closing)
            say_close(r, CANCEL_RUNNING);
    }
}

static void on_broken(struct link_part *part)
{
    struct results *r;
    LIST_FOREACH (r, &container_of(part, struct results_part, part)->open, entry)
        announce(r);
}

static const struct link_route routes[] = {{MSG_RECORDS, on_records}, {MSG_END, on_end}};
static const struct link_part_ops results_part = {
    sizeof(struct results_part), routes, sizeof(routes) / sizeof(routes[0]), on_ready, on_broken,
};

// ---- taking it

int results_open(struct link *link, const struct results_options *options, struct results **ret)
{
    struct link_part *part = link_part(link, &results_part);
    struct results *r = part ? calloc(1, sizeof(*r)) : NULL;
    if (!r)
        return -ENOMEM;
    STAILQ_INIT(&r->arrivals);
    r->link = link;
    r->options = *options;
    if (!r->options.window_items)
        r->options.window_items = WINDOW_ITEMS;
    if (!r->options.window_bytes)
        r->options.window_bytes = WINDOW_BYTES;
    r->stream = link_number(link);
    r->at = options->from;
    LIST_INSERT_HEAD(&container_of(part, struct results_part, part)->open, r, entry);
    if (link_is_ready(link))
        say_open(r);
    *ret = r;
    return 0;
}

static int add_slice(struct slice **list, size_t *n, struct slab *slab, const void *data,
                     size_t len)
{
    int code = grow(*list, *n, 1);
    if (code < 0)
        return code;
    (*list)[(*n)++] = slice_of(slab, (size_t)((const uint8_t *)data - slab->data), len);
    return 0;
}

static int add_part(struct results *r, const struct zmessage *m, const struct record_entry *entry)
{
    int code = 0;
    if (entry->body_len && m->body && entry->is_stderr) {
        code = add_slice(&r->errors, &r->n_errors, m->body, entry->body, entry->body_len);
    } else if (entry->body_len && m->body) {
        code = add_slice(&r->parts, &r->n_parts, m->body, entry->body, entry->body_len);
        r->part_bytes += entry->body_len;
    }
    if (code == 0 && !entry->more && entry->stderr_len)
        code = add_slice(&r->errors, &r->n_errors, m->header_slab, entry->stderr_text,
                         entry->stderr_len);
    r->bytes += entry->body_len;
    return code;
}

// Reads entries until a record is whole. 1 with it, 0 when nothing is left to read.
static int read_record(struct results *r, struct result_record *ret)
{
    struct arrival *first;
    struct err err;
    if (r->whole)
        drop_parts(r);
    while ((first = STAILQ_FIRST(&r->arrivals))) {
        struct zmessage *m = &first->message;
        struct record_entry entry;
        if (!r->reading)
            open_reader(&r->reader, m, &err);
        r->reading = true;
        int code = records_next(&r->reader, &entry, &err);
        if (code == 0)
            drop_first(r);
        if (code == 0 || (code == 1 && r->reader.offset < r->at)) // it came before the break
            continue;
        if (code == 1 && r->reader.offset > r->at)
            code = err_set(&err, -EPROTO, "a record is missing in the stream");
        if (code == 1 && add_part(r, m, &entry) < 0) {
            link_fail(r->link, -ENOMEM, "out of memory");
            return -ENOMEM;
        }
        if (code < 0) {
            link_fail(r->link, code, "the coordinator sent nonsense: %s", err.text);
            return code;
        }
        if (entry.more) {
            grant(r, false); // what is put together here is not what the window is for
            continue;
        }
        *ret = (struct result_record){.offset = r->at,
                                      .head = entry,
                                      .frame = m->header_slab,
                                      .parts = r->parts,
                                      .n_parts = r->n_parts,
                                      .errors = r->errors,
                                      .n_errors = r->n_errors,
                                      .bytes = r->part_bytes};
        r->at++;
        r->whole = true;
        return 1;
    }
    return 0;
}

bool results_ready(const struct results *r)
{
    const struct arrival *first = STAILQ_FIRST(&r->arrivals);
    return (first && (!r->reading || r->reader.batch.left || STAILQ_NEXT(first, entry))) ||
           r->ended || link_check(r->link) < 0;
}

int results_next(struct results *r, int64_t deadline, struct result_record *ret)
{
    for (;;) {
        int n = r->closing ? 0 : read_record(r, ret);
        if (n >= 0)
            grant(r, false);
        if (n != 0)
            return n;
        if (r->ended)
            return r->code;
        n = link_wait(r->link, &r->news, deadline);
        if (n < 0)
            return n;
    }
}

const struct job_info *results_job(const struct results *r)
{
    return &r->job;
}

static void results_free(struct results *r)
{
    LIST_REMOVE(r, entry);
    drop_arrivals(r);
    drop_parts(r);
    free(r->parts);
    free(r->errors);
    free(r);
}

int results_close(struct results *r, enum cancel_mode mode, int64_t deadline)
{
    int n = 0;
    if (!r)
        return 0;
    bool is_over = r->ended;
    r->closing = true;
    if (link_is_ready(r->link) && !(r->ended && r->code < 0))
        say_close(r, mode);
    // After END the coordinator only forgets.
    while (!is_over && !r->ended && n == 0)
        n = link_wait(r->link, &r->news, deadline);
    results_free(r);
    return n;
}
