// What the parts of a link share with it: a part has the messages of its own types, and a word when
// the link is ready or over. The link knows no part; the parts know the link and not each other.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "async/waitq.h"
#include "base/err.h"
#include "client/link.h"
#include "proto/client.h"
#include "transport/zsock.h"

struct link_part;

// A type of message that a part takes. 0, or negative errno with words: the coordinator sent
// nonsense, and the link is over.
struct link_route {
    enum msg_type type;
    int (*take)(struct link_part *part, struct zmessage *m, struct err *err);
};

struct link_part_ops {
    size_t size; // of the part's struct, which begins with a struct link_part
    const struct link_route *routes;
    size_t n_routes;
    // The coordinator has greeted, for the first time or again: whatever it must know that was said
    // before is to be said again. NULL: nothing, the coordinator asks.
    void (*on_ready)(struct link_part *part);
    // The link is over (link_check() says why): wake the waiting tasks.
    void (*on_broken)(struct link_part *part);
};

struct link_part {
    SLIST_ENTRY(link_part) entry;
    const struct link_part_ops *ops;
    struct link *link;
};

// The link's part of this kind, made (zeroed) when first asked for; the link frees it. NULL: no
// memory.
struct link_part *link_part(struct link *link, const struct link_part_ops *ops);

// Whether the coordinator has greeted, so that it listens to what is said.
bool link_is_ready(const struct link *link);
// A number for a request or a stream, never used before on this link.
uint64_t link_number(struct link *link);
// Packs and sends a message (struct msg_TYPE), with a body or without. What can't be sent now is
// lost: the coordinator asks again, or the link greets again.
void link_say(struct link *link, enum msg_type type, const void *m);
void link_say_with(struct link *link, enum msg_type type, const void *m, const void *body,
                   size_t body_len);
// Sends what was packed before.
void link_send(struct link *link, const struct buf *header, const void *body, size_t body_len);
// Suspends in the queue until woken. 0, -ETIMEDOUT, the cause of a cancel, or the link's code once
// it is over. Whoever waits looks at what it waits for before and after.
int link_wait(struct link *link, struct waitq *q, int64_t deadline);
// The link is of no use any more. The first reason stays.
void link_fail(struct link *link, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
