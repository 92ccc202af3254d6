// Results on their way to the coordinator: collected into one message per turn, numbered, and kept
// until the coordinator acknowledged them (PROTOCOL.md, Numbering).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"
#include "transport/zsock.h"

#define OUTBOX_BATCH_BYTES (1u << 20) // a message with this many body bytes is closed
#define OUTBOX_BYTES_MAX (64u << 20)  // unacknowledged; above it the agent's window is 0
#define OUTBOX_SPARE_MAX 4u           // empty messages kept for their memory

struct outbox_message {
    struct outbox_message *next;
    uint64_t last_seq;
    struct buf header;
    struct buf body;
};

// A result that came in parts.
struct outbox_parted {
    struct msg_return chunk;
    uint64_t first_seq;
    uint64_t last_seq; // 0: more parts are to come
};

struct outbox {
    uint64_t epoch;
    uint64_t next_seq; // of the next result, from 1
    struct batch_writer writer;
    struct outbox_message *open;  // being filled
    struct outbox_message *first; // closed, oldest first, until they are acknowledged
    struct outbox_message *last;
    struct outbox_message *unsent; // first of those that were not sent yet
    struct outbox_message *spare;
    unsigned n_spare;
    struct outbox_parted *parted; // results in parts, until their end is acknowledged
    size_t n_parted;
    uint64_t acked;
    size_t bytes; // of all closed messages
};

void outbox_init(struct outbox *outbox, uint64_t epoch);
void outbox_done(struct outbox *outbox);
// Copies the result in. -ENOMEM; -EMSGSIZE when it is too large for any message.
int outbox_add(struct outbox *outbox, const struct result *result);
// Closes the open message and sends all messages not sent yet. Returns how many messages went out,
// or a negative errno other than -EAGAIN; what can't go now goes with a later call.
int outbox_send(struct outbox *outbox, struct zsock *socket);
// Everything that is not acknowledged is sent again. -ENOMEM.
int outbox_rewind(struct outbox *outbox);
// After that: names the chunks whose final result waits here. -ENOMEM.
int outbox_held(const struct outbox *outbox, void (*held)(void *arg, const struct msg_return *run),
                void *arg);
// Whether a part of this chunk's result is acknowledged, and its end is not: the coordinator has
// only the rest to come.
bool outbox_is_torn(const struct outbox *outbox, const struct msg_return *run);
// Results up to `seq` are safe.
void outbox_ack(struct outbox *outbox, uint64_t seq);
static inline bool outbox_is_empty(const struct outbox *outbox)
{
    return !outbox->open && !outbox->first;
}
static inline bool outbox_is_full(const struct outbox *outbox)
{
    return outbox->bytes > OUTBOX_BYTES_MAX;
}
