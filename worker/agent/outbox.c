#include "worker/agent/outbox.h"

#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"

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
    free(outbox->parted);
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

static struct outbox_parted *find_parted(const struct outbox *outbox, uint64_t job, uint32_t step,
                                         uint32_t attempt, uint64_t chunk)
{
    for (size_t i = 0; i < outbox->n_parted; i++) {
        struct outbox_parted *p = &outbox->parted[i];
        if (p->chunk.job == job && p->chunk.step == step && p->chunk.attempt == attempt &&
            p->chunk.first == chunk)
            return p;
    }
    return NULL;
}

// Of a result in parts. Before it gets its number, outbox->next_seq.
static int note_part(struct outbox *outbox, const struct result *result)
{
    struct outbox_parted *p =
        find_parted(outbox, result->job, result->step, result->attempt, result->chunk);
    if (p) {
        p->last_seq = result->more ? 0 : outbox->next_seq;
        return 0;
    }
    if (!result->more)
        return 0;
    if (grow(outbox->parted, outbox->n_parted, 1) < 0)
        return -ENOMEM;
    outbox->parted[outbox->n_parted++] =
        (struct outbox_parted){.chunk = {.job = result->job,
                                         .step = result->step,
                                         .attempt = result->attempt,
                                         .first = result->chunk,
                                         .count = 1},
                               .first_seq = outbox->next_seq};
    return 0;
}

int outbox_add(struct outbox *outbox, const struct result *result)
{
    int noted = note_part(outbox, result);
    if (noted < 0)
        return noted;
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

int outbox_rewind(struct outbox *outbox)
{
    int r = close_message(outbox);
    outbox->unsent = outbox->first;
    return r;
}

int outbox_held(const struct outbox *outbox, void (*held)(void *arg, const struct msg_return *run),
                void *arg)
{
    struct batch_reader reader;
    struct result result;
    int r = 0;
    batch_reader_init(&reader);
    for (const struct outbox_message *m = outbox->first; m && r >= 0; m = m->next) {
        r = result_batch_open(&reader, m->header.data, m->header.len, m->body.data, m->body.len,
                              NULL);
        while (r >= 0 && (r = result_batch_next(&reader, &result, NULL)) == 1)
            if (!result.more)
                held(arg, &(struct msg_return){.job = result.job,
                                               .step = result.step,
                                               .attempt = result.attempt,
                                               .first = result.chunk,
                                               .count = 1});
    }
    batch_reader_done(&reader);
    return r;
}

bool outbox_is_torn(const struct outbox *outbox, const struct msg_return *run)
{
    const struct outbox_parted *p =
        find_parted(outbox, run->job, run->step, run->attempt, run->first);
    return p && p->first_seq <= outbox->acked;
}

void outbox_ack(struct outbox *outbox, uint64_t seq)
{
    struct outbox_message *message;
    if (seq > outbox->acked)
        outbox->acked = seq;
    for (size_t i = outbox->n_parted; i-- > 0;)
        if (outbox->parted[i].last_seq && outbox->parted[i].last_seq <= seq)
            outbox->parted[i] = outbox->parted[--outbox->n_parted];
    // What was never sent can't have arrived, whatever the peer says.
    while ((message = outbox->first) && message != outbox->unsent && message->last_seq <= seq) {
        outbox->first = message->next;
        if (!outbox->first)
            outbox->last = NULL;
        outbox->bytes -= message->header.len + message->body.len;
        recycle(outbox, message);
    }
}
