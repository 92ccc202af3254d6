#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "async/group.h"
#include "async/operators/internal.h"
#include "async/operators/stream.h"

// What became of one item: r < 0 is fn's error.
struct pmap_slot {
    bool full;
    int r;
    void *item;
};

struct pmap {
    struct stream stream;
    struct stream *in;
    stream_map_fn *fn;
    void *arg;
    unsigned limit;
    bool ordered;
    bool begun;
    bool input_ended; // or must not be asked again, after an error of fn
    int result;       // of the input
    unsigned workers;
    struct group group;
    struct semaphore room; // counts free slots
    struct semaphore turn; // to ask the input
    struct waitq ready;    // the consumer
    // Numbers of items; slots are a ring, by the input's numbers or, unordered, by those of the
    // results.
    uint64_t pulled, done, given;
    size_t n_slots;
    struct pmap_slot slots[];
};

static int pull_in_turn(struct pmap *p, void **ret, uint64_t *ret_number)
{
    if (p->input_ended)
        return 0;
    int r = stream_next_patiently(p->in, ret);
    if (r == 1 && p->input_ended) { // by an error of fn, meanwhile
        if (p->in->drop)
            p->in->drop(*ret);
        return 0;
    }
    if (r == 1) {
        *ret_number = p->pulled++;
        return 1;
    }
    p->result = r;
    p->input_ended = true;
    waitq_wake_one(&p->ready);
    return r;
}

// As stream_next; a slot is reserved for the item.
static int pull(struct pmap *p, void **ret, uint64_t *ret_number)
{
    int r = semaphore_get(&p->room);
    if (r < 0)
        return r;
    r = semaphore_get(&p->turn);
    if (r == 0) {
        r = pull_in_turn(p, ret, ret_number);
        semaphore_put(&p->turn);
    }
    if (r != 1)
        semaphore_put(&p->room);
    return r;
}

static int work(void *arg)
{
    struct pmap *p = arg;
    void *in = NULL;
    uint64_t number = 0;
    while (pull(p, &in, &number) == 1) {
        // There was work for this one, so there may be some for another.
        if (p->workers < p->limit && group_spawn(&p->group, "pmap", work, p) == 0)
            p->workers++;
        void *out = NULL;
        int r = p->fn(in, &out, p->arg);
        if (r < 0)
            p->input_ended = true;
        if (!p->ordered)
            number = p->done++;
        p->slots[number % p->n_slots] = (struct pmap_slot){true, r, out};
        waitq_wake_one(&p->ready);
    }
    p->workers--;
    return 0;
}

static int finish(struct pmap *p, int r)
{
    group_cancel(&p->group);
    return stream_finish(&p->stream, r);
}

static int pmap_next(struct stream *s, void **ret)
{
    struct pmap *p = container_of(s, struct pmap, stream);
    int r = task_check();
    if (r == 0 && !p->begun) {
        r = group_spawn(&p->group, "pmap", work, p);
        if (r < 0)
            return finish(p, r);
        p->begun = true;
        p->workers = 1;
    }
    while (r == 0) {
        struct pmap_slot *slot = &p->slots[p->given % p->n_slots];
        if (slot->full) {
            slot->full = false;
            p->given++;
            semaphore_put(&p->room);
            if (slot->r < 0)
                return finish(p, slot->r);
            *ret = slot->item;
            return 1;
        }
        if (p->input_ended && p->given == p->pulled)
            return finish(p, p->result);
        r = waitq_wait(&p->ready);
    }
    return r;
}

static void pmap_close(struct stream *s)
{
    struct pmap *p = container_of(s, struct pmap, stream);
    group_end(&p->group);
    stream_close(p->in);
    for (size_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].full && p->slots[i].r >= 0 && s->drop)
            s->drop(p->slots[i].item);
    free(p);
}

struct stream *stream_pmap(struct stream *in, unsigned limit, bool ordered, stream_map_fn *fn,
                           void *arg, void (*drop)(void *))
{
    static const struct stream_ops ops = {pmap_next, pmap_close};
    assert(limit > 0 && limit <= UINT32_MAX / 2);
    if (!in)
        return NULL;
    size_t n_slots = (size_t)limit * 2;
    struct pmap *p = calloc(1, sizeof(*p) + n_slots * sizeof(p->slots[0]));
    if (!p) {
        stream_close(in);
        return NULL;
    }
    p->stream = (struct stream){.ops = &ops, .drop = drop};
    p->in = in;
    p->fn = fn;
    p->arg = arg;
    p->limit = limit;
    p->ordered = ordered;
    p->room.n = (unsigned)n_slots;
    p->turn.n = 1;
    p->n_slots = n_slots;
    return &p->stream;
}
