#include "client/feed.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "client/internal.h"

#define CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void pull(struct feed *feed);

struct feed *feed_find(const struct link *link, uint64_t job)
{
    struct feed *feed = link->feeds;
    while (feed && feed->job != job)
        feed = feed->next;
    return feed;
}

static void send_answer(struct feed *feed)
{
    struct link *link = feed->link;
    if (link->state == LINK_READY)
        zsock_send(link->socket, 0, feed->header.data, feed->header.len, feed->body.data,
                   feed->body.len);
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
    return msg_put_feed(&feed->header, &feed->body, feed->seq, &lease);
}

static int write_end(struct feed *feed, int code, const char *text)
{
    struct msg_feed_end m = {.job = feed->job, .seq = feed->seq, .code = code};
    snprintf(m.text, sizeof m.text, "%s", text);
    return msg_put_feed_end(&feed->header, &m);
}

static void on_readable(struct watch *watch, uint32_t events)
{
    struct feed *feed = CONTAINER(watch, struct feed, watch);
    (void)events;
    watch_remove(watch);
    feed->waits = false;
    pull(feed);
}

static void wait_for_source(struct feed *feed)
{
    feed->waits = true;
    if (feed->link->options.in_loop &&
        watch_add(&feed->watch, source_fd(feed->source), EPOLLIN, on_readable) < 0)
        feed->waits = false;
}

static void pull(struct feed *feed)
{
    struct run run = {0};
    struct err err = {0};
    int r = source_next(feed->source, &feed->want, &run, &err);
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
    send_answer(feed);
}

void feed_on_want(struct feed *feed, const struct msg_want *want)
{
    if (want->seq == feed->seq) {
        if (feed->sent)
            send_answer(feed);
        return;
    }
    feed->seq = want->seq;
    feed->sent = false;
    feed->wanted = true;
    feed->want = (struct source_want){.chunks = want->chunks,
                                      .bytes = want->bytes,
                                      .mean_run_ns = want->mean_run_ns,
                                      .slots = want->slots};
    if (!feed->waits)
        pull(feed);
}

int feed_open(struct link *link, struct source_reader *source, struct feed **ret)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        source_close(source);
        return -ENOMEM;
    }
    feed->link = link;
    feed->source = source;
    buf_init(&feed->header, PROTO_HEADER_MAX);
    buf_init(&feed->body, PROTO_BODY_MAX);
    feed->next = link->feeds;
    link->feeds = feed;
    *ret = feed;
    return 0;
}

uint64_t feed_total(const struct feed *feed)
{
    return source_total(feed->source);
}

struct feed *feed_close(struct feed *feed)
{
    if (!feed)
        return NULL;
    for (struct feed **at = &feed->link->feeds; *at; at = &(*at)->next)
        if (*at == feed) {
            *at = feed->next;
            break;
        }
    if (feed->link->options.in_loop)
        watch_remove(&feed->watch);
    source_close(feed->source);
    buf_done(&feed->header);
    buf_done(&feed->body);
    free(feed);
    return NULL;
}

int feed_waits_for(const struct link *link)
{
    for (const struct feed *feed = link->feeds; feed; feed = feed->next)
        if (feed->waits)
            return source_fd(feed->source);
    return -1;
}

void feed_readable(struct link *link)
{
    for (struct feed *feed = link->feeds; feed; feed = feed->next)
        if (feed->waits) {
            feed->waits = false;
            pull(feed);
            return;
        }
}
