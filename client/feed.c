#include "client/feed.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/container.h"
#include "client/part.h"
#include "pipelines/frame.h"
#include "pipelines/source/extent.h"

struct feeds_part {
    struct link_part part;
    LIST_HEAD(, feed) open;
};

static void answer(struct feed *feed);

static void send_answer(const struct feed *feed)
{
    if (link_is_ready(feed->link))
        link_send(feed->link, &feed->header, feed->body.data, feed->body.len);
}

static void count_bytes(struct feed *feed, const struct run *run)
{
    size_t at = 0;
    feed->fed_chunks += run->count;
    if (!feed->plan || feed->plan->source.kind != SOURCE_DATA || !run->lens)
        return;
    for (uint64_t i = 0; i < run->count; i++) {
        struct extent extent;
        if (run->kind != RUN_EXTENT)
            feed->fed_bytes += run->lens[i];
        else if (extent_get(run->body.data + at, run->lens[i], &extent) == 0)
            feed->fed_bytes += extent.length;
        at += run->lens[i];
    }
}

static int write_run(struct feed *feed, const struct run *run)
{
    struct lease lease = {.job = feed->job,
                          .attempt = 1,
                          .count = (uint32_t)run->count,
                          .kind = (uint8_t)run->kind,
                          .item_first = run->item_first,
                          .items_per_chunk = run->items_per_chunk,
                          .item_end = run->item_end,
                          .lens = run->lens,
                          .body = run->body.data,
                          .body_len = run->body.len};
    count_bytes(feed, run);
    return feed_put(&feed->header, &feed->body, feed->seq, &lease);
}

static int write_end(struct feed *feed, int code, const char *text)
{
    struct msg_feed_end m = {.job = feed->job, .seq = feed->seq, .code = code};
    snprintf(m.text, sizeof(m.text), "%s", text);
    return msg_put(&feed->header, MSG_FEED_END, &m);
}

static void on_readable(struct watch *watch, uint32_t events)
{
    struct feed *feed = container_of(watch, struct feed, watch);
    (void)events;
    watch_remove(watch);
    feed->waits = false;
    answer(feed);
}

static void wait_for_source(struct feed *feed)
{
    feed->waits = watch_add(&feed->watch, source_fd(feed->source), EPOLLIN, on_readable) == 0;
}

// Takes up to `want` chunks of pushed items: each raw, or framed when a chunk has several.
static int take_pushed(struct feed *feed, struct run *ret)
{
    struct frame_reader reader;
    struct buf body, lens;
    const uint8_t *item;
    size_t len;
    uint64_t n = 0, in_chunk = 0, chunks = 0;
    size_t chunk_at = 0, used = 0;
    int r = 0;
    buf_init(&body, PROTO_BODY_MAX);
    buf_init(&lens, 0);
    frame_reader_init(&reader, feed->pushed.data, feed->pushed.len);
    while (r == 0 && chunks < feed->want.chunks && (chunks == 0 || body.len < feed->want.bytes) &&
           frame_next(&reader, &item, &len) == 1) {
        r = feed->items_per_chunk > 1 ? frame_add(&body, item, len) : buf_add(&body, item, len);
        n++;
        if (r < 0 || (++in_chunk < feed->items_per_chunk && n < feed->n_pushed))
            continue;
        // A chunk that is not full waits for more, unless no more will come.
        if (in_chunk < feed->items_per_chunk && !feed->push_ended) {
            body.len = chunk_at;
            break;
        }
        uint32_t chunk_len = (uint32_t)(body.len - chunk_at);
        r = buf_add(&lens, &chunk_len, sizeof(chunk_len));
        chunk_at = body.len;
        in_chunk = 0;
        chunks++;
        used = (size_t)(item + len - feed->pushed.data);
        ret->item_end = feed->sent_items + n;
    }
    if (r == 0 && chunks > 0)
        r = slice_copy(body.data, body.len, &ret->body);
    if (r == 0 && chunks > 0) {
        ret->kind = feed->items_per_chunk > 1 ? RUN_ITEMS : RUN_BYTES;
        ret->count = chunks;
        ret->item_first = feed->sent_items;
        ret->items_per_chunk = feed->items_per_chunk;
        ret->lens = (uint32_t *)(void *)lens.data;
        lens = (struct buf){0};
        feed->n_pushed -= ret->item_end - feed->sent_items;
        feed->sent_items = ret->item_end;
        buf_consume(&feed->pushed, used);
    }
    buf_done(&body);
    buf_done(&lens);
    if (r < 0)
        return r;
    return chunks > 0 ? 1 : feed->push_ended ? 0 : -EAGAIN;
}

// Answers the last WANT with what can be had now; without anything it stays open.
static void answer(struct feed *feed)
{
    struct run run = {0};
    struct err err = {0};
    int r =
        feed->source ? source_next(feed->source, &feed->want, &run, &err) : take_pushed(feed, &run);
    if (r == -EAGAIN && !feed->source)
        return; // the next push goes on
    if (r == -EAGAIN) {
        wait_for_source(feed);
        return;
    }
    buf_clear(&feed->header);
    buf_clear(&feed->body);
    if (r == 1)
        r = write_run(feed, &run) < 0 ? write_end(feed, -ENOMEM, "out of memory") : 0;
    else
        r = write_end(feed, r, err.text);
    run_done(&run);
    if (r < 0) {
        link_fail(feed->link, r, "out of memory");
        return;
    }
    feed->wanted = false;
    feed->sent = true;
    waitq_wake_all(&feed->room);
    send_answer(feed);
}

void feed_set_over(struct feed *feed)
{
    feed->over = true;
    feed->wanted = false;
    waitq_wake_all(&feed->room);
}

static struct feed *find(struct link_part *part, uint64_t job)
{
    struct feed *feed;
    LIST_FOREACH (feed, &container_of(part, struct feeds_part, part)->open, entry)
        if (feed->job == job)
            return feed;
    return NULL;
}

static int on_want(struct link_part *part, struct zmessage *m, struct err *err)
{
    struct msg_want want;
    int r = msg_get(m->header, m->header_len, MSG_WANT, &want, err);
    struct feed *feed = r < 0 ? NULL : find(part, want.job);
    if (!feed)
        return r;
    if (want.chunks == 0) {
        feed_set_over(feed);
        return 0;
    }
    if (want.seq == feed->seq) {
        if (feed->sent)
            send_answer(feed);
        return 0;
    }
    feed->seq = want.seq;
    feed->sent = false;
    feed->wanted = true;
    feed->want = (struct source_want){.chunks = want.chunks,
                                      .bytes = want.bytes,
                                      .mean_run_ns = want.mean_run_ns,
                                      .slots = want.slots};
    if (!feed->waits)
        answer(feed);
    return 0;
}

// Only what the job's own source named: a coordinator is not let at other files of ours.
static bool is_of_source(const struct feed *feed, const struct extent *extent)
{
    char path[EXTENT_PATH_MAX + 1];
    memcpy(path, extent->path, extent->path_len);
    path[extent->path_len] = '\0';
    return feed->source && source_has_file(feed->source, path);
}

static int on_fetch(struct link_part *part, struct zmessage *m, struct err *err)
{
    struct msg_fetch fetch;
    int r = msg_get(m->header, m->header_len, MSG_FETCH, &fetch, err);
    struct feed *feed = r < 0 ? NULL : find(part, fetch.job);
    if (!feed)
        return r;
    struct msg_data data = {.job = fetch.job, .chunk = fetch.chunk};
    struct extent extent;
    struct err trouble = {0};
    struct buf out;
    buf_init(&out, PROTO_BODY_MAX);
    r = extent_get(fetch.extent, fetch.extent_len, &extent);
    if (r == 0 && !is_of_source(feed, &extent))
        r = err_set(&trouble, -EACCES, "not a file of the job's source");
    extent.file_size = 0;
    extent.mtime_ns = 0;
    if (r == 0)
        r = extent_read(&extent, &feed->plan->source.separator, feed->plan->directory, &out,
                        &trouble);
    data.code = r < 0 ? r : 0;
    snprintf(data.text, sizeof(data.text), "%s", trouble.text);
    link_say_with(part->link, MSG_DATA, &data, r < 0 ? NULL : out.data, r < 0 ? 0 : out.len);
    buf_done(&out);
    return 0;
}

static void on_broken(struct link_part *part)
{
    struct feed *feed;
    LIST_FOREACH (feed, &container_of(part, struct feeds_part, part)->open, entry)
        waitq_wake_all(&feed->room);
}

static const struct link_route routes[] = {{MSG_WANT, on_want}, {MSG_FETCH, on_fetch}};
static const struct link_part_ops feeds_part = {
    sizeof(struct feeds_part), routes, sizeof(routes) / sizeof(routes[0]), NULL, on_broken,
};

static struct feed *feed_new(struct link *link)
{
    struct link_part *part = link_part(link, &feeds_part);
    struct feed *feed = part ? calloc(1, sizeof(*feed)) : NULL;
    if (!feed)
        return NULL;
    feed->link = link;
    buf_init(&feed->header, PROTO_HEADER_MAX);
    buf_init(&feed->body, PROTO_BODY_MAX);
    buf_init(&feed->pushed, 2 * FEED_PUSHED_BYTES + FRAME_ITEM_MAX);
    LIST_INSERT_HEAD(&container_of(part, struct feeds_part, part)->open, feed, entry);
    return feed;
}

int feed_open(struct link *link, const struct plan *plan, struct source_reader *source,
              struct feed **ret)
{
    struct feed *feed = feed_new(link);
    if (!feed) {
        source_close(source);
        return -ENOMEM;
    }
    feed->plan = plan;
    feed->source = source;
    *ret = feed;
    return 0;
}

int feed_open_pushed(struct link *link, uint64_t items_per_chunk, struct feed **ret)
{
    struct feed *feed = feed_new(link);
    if (!feed)
        return -ENOMEM;
    feed->items_per_chunk = items_per_chunk;
    *ret = feed;
    return 0;
}

int feed_try_push(struct feed *feed, const void *item, size_t len)
{
    int r = link_check(feed->link);
    if (r < 0)
        return r;
    if (feed->push_ended || feed->over)
        return -EPIPE;
    if (len > FRAME_ITEM_MAX)
        return -EMSGSIZE;
    if (feed->n_pushed >= FEED_PUSHED_ITEMS ||
        (feed->n_pushed && feed->pushed.len + len > FEED_PUSHED_BYTES))
        return -EAGAIN;
    r = frame_add(&feed->pushed, item, len);
    if (r < 0)
        return r;
    feed->n_pushed++;
    if (feed->wanted)
        answer(feed);
    return 0;
}

int feed_push(struct feed *feed, const void *item, size_t len)
{
    int r;
    while ((r = feed_try_push(feed, item, len)) == -EAGAIN)
        if ((r = link_wait(feed->link, &feed->room, CLOCK_FOREVER)) < 0)
            break;
    return r;
}

int feed_wait_over(struct feed *feed)
{
    int r = 0;
    while (!feed->over && r == 0)
        r = link_wait(feed->link, &feed->room, CLOCK_FOREVER);
    return r;
}

void feed_push_end(struct feed *feed)
{
    feed->push_ended = true;
    if (feed->wanted)
        answer(feed);
}

uint64_t feed_bytes(const struct feed *feed, uint64_t *ret_chunks)
{
    *ret_chunks = feed->fed_chunks;
    return feed->fed_bytes;
}

uint64_t feed_total(const struct feed *feed)
{
    if (!feed->source)
        return UINT64_MAX;
    return source_total(feed->source);
}

struct feed *feed_close(struct feed *feed)
{
    if (!feed)
        return NULL;
    LIST_REMOVE(feed, entry);
    watch_remove(&feed->watch);
    source_close(feed->source);
    buf_done(&feed->header);
    buf_done(&feed->body);
    buf_done(&feed->pushed);
    free(feed);
    return NULL;
}
