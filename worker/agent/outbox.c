#include "worker/agent/outbox.h"

#include <errno.h>
#include <stdlib.h>

void outbox_init(struct outbox *outbox, uint64_t epoch)
{
    *outbox = (struct outbox){.epoch = epoch, .next_seq = 1};
}

static void message_free(struct outbox_message *message)
{
    if (!message)
        return;
    buf_done(&message->header);
    buf_done(&message->body);
    free(message);
}

static void list_free(struct outbox_message *message)
{
    while (message) {
        struct outbox_message *next = message->next;
        message_free(message);
        message = next;
    }
}

void outbox_done(struct outbox *outbox)
{
    list_free(outbox->first);
    list_free(outbox->spare);
    message_free(outbox->open);
    *outbox = (struct outbox){0};
}

static struct outbox_message *message_new(struct outbox *outbox)
{
    struct outbox_message *message = outbox->spare;
    if (message) {
        outbox->spare = message->next;
        outbox->n_spare--;
        message->next = NULL;
        return message;
    }
    message = calloc(1, sizeof(*message));
    if (!message)
        return NULL;
    buf_init(&message->header, PROTO_HEADER_MAX);
    buf_init(&message->body, PROTO_BODY_MAX);
    return message;
}

static void recycle(struct outbox *outbox, struct outbox_message *message)
{
    // A message that was once large would pin its memory for ever.
    if (outbox->n_spare >= OUTBOX_SPARE_MAX || message->body.cap > 4 * OUTBOX_BATCH_BYTES) {
        message_free(message);
        return;
    }
    buf_clear(&message->header);
    buf_clear(&message->body);
    message->next = outbox->spare;
    outbox->spare = message;
    outbox->n_spare++;
}

static int open_message(struct outbox *outbox)
{
    struct outbox_message *message = message_new(outbox);
    if (!message)
        return -ENOMEM;
    int r = result_batch_begin(&outbox->writer, &message->header, &message->body, outbox->epoch,
                               outbox->next_seq);
    if (r < 0) {
        message_free(message);
        return r;
    }
    outbox->open = message;
    return 0;
}

static int close_message(struct outbox *outbox)
{
    struct outbox_message *message = outbox->open;
    if (!message)
        return 0;
    outbox->open = NULL;
    int r = result_batch_end(&outbox->writer);
    if (r < 0) {
        message_free(message);
        return r;
    }
    message->last_seq = outbox->next_seq - 1;
    if (outbox->last)
        outbox->last->next = message;
    else
        outbox->first = message;
    outbox->last = message;
    if (!outbox->unsent)
        outbox->unsent = message;
    outbox->bytes += message->header.len + message->body.len;
    return 0;
}

int outbox_add(struct outbox *outbox, const struct result *result)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        int r = outbox->open ? 0 : open_message(outbox);
        if (r < 0)
            return r;
        r = result_batch_add(&outbox->writer, result);
        if (r == 0) {
            outbox->next_seq++;
            return outbox->open->body.len >= OUTBOX_BATCH_BYTES ? close_message(outbox) : 0;
        }
        if (r != -E2BIG)
            return r;
        r = close_message(outbox);
        if (r < 0)
            return r;
    }
    return -EMSGSIZE;
}

int outbox_send(struct outbox *outbox, struct zsock *socket)
{
    int n = 0;
    int r = close_message(outbox);
    for (; r == 0 && outbox->unsent; outbox->unsent = outbox->unsent->next) {
        struct outbox_message *message = outbox->unsent;
        r = zsock_send(socket, 0, message->header.data, message->header.len, message->body.data,
                       message->body.len);
        if (r < 0)
            break;
        n++;
    }
    return r < 0 && r != -EAGAIN ? r : n;
}

void outbox_ack(struct outbox *outbox, uint64_t seq)
{
    struct outbox_message *message;
    // What was never sent can't have arrived, whatever the peer says.
    while ((message = outbox->first) && message != outbox->unsent && message->last_seq <= seq) {
        outbox->first = message->next;
        if (!outbox->first)
            outbox->last = NULL;
        outbox->bytes -= message->header.len + message->body.len;
        recycle(outbox, message);
    }
}
