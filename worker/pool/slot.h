// A slot: one executor's place in the pool, with what was sent to it and not answered yet.
//
// EMPTY -> FORKING -> LIVE -> DYING (its socket ended, or it talked nonsense) -> EMPTY when the
// zygote has reaped it. BARRED: the zygote could not fork for it; it stays unused.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/loop.h"
#include "worker/page.h"
#include "worker/pool/held.h"
#include "worker/wire.h"

struct pool;
struct zygote_news;

enum slot_state { SLOT_EMPTY, SLOT_FORKING, SLOT_LIVE, SLOT_DYING, SLOT_BARRED };
enum slot_kill { KILL_NONE, KILL_CANCEL, KILL_TIMEOUT };

// A chunk on its way. A ghost was taken back before it began; its WIRE_SKIPPED is still to come.
struct sent {
    struct held *held; // NULL: a ghost
    uint32_t index;    // chunk of the lease
    bool cancelled;    // its job was cancelled
};

struct slot {
    struct pool *pool;
    uint32_t index;
    enum slot_state state;
    struct page *page;
    int fd; // -1: none
    struct watch watch;
    struct wire_reader in;
    struct buf out;
    size_t out_at;
    struct sent *ring; // `cap` places, a power of two
    uint32_t cap;
    uint32_t head;
    uint32_t n;           // entries, ghosts included
    uint32_t n_ghosts;    // of them
    uint64_t next_serial; // of the next chunk; the ring's are next_serial - n .. next_serial - 1
    uint64_t stuck;       // serial that was on at the last look; 0: none
    uint64_t judged;      // serial that was found on at two looks; 0: none
    bool parted;          // the first entry has given parts of its result
    bool answered;        // this executor has finished a chunk
    uint32_t barren;      // executors in a row that died before they finished or began one
    enum slot_kill kill;  // we had it killed
    uint64_t kill_serial; // for this chunk's sake
    struct timer grace;   // of a cancelled chunk
    uint8_t asks;         // requests the zygote could not take yet: 1 << enum zygote_request
};

void slot_init(struct slot *slot, struct pool *pool, uint32_t index, struct page *page);
void slot_done(struct slot *slot);
// The zygote's news about this slot.
void slot_forked(struct slot *slot, int fd);
void slot_died(struct slot *slot, const struct zygote_news *news);
// Gives `n` chunks of a lease, from `at` on. Nothing is written before slot_flush.
int slot_give(struct slot *slot, struct held *held, uint32_t at, uint32_t n);
void slot_flush(struct slot *slot);
void slot_forget(struct slot *slot, uint64_t job);
// Takes back what has not begun.
void slot_recall(struct slot *slot);
// Looks what it is at. True when that was on at the look before already: then results that were
// finished before it are asked for.
bool slot_look(struct slot *slot);
// Ends the chunk that is on, if it is of the job: by asking, or at once.
void slot_cancel(struct slot *slot, uint64_t job, bool kill_now);
// Kills the executor if its kernel is past its deadline; *ret_next: when to look again, if sooner.
void slot_check_deadline(struct slot *slot, int64_t now, int64_t *ret_next);

// Chunks that are the executor's to answer, ghosts not counted.
static inline uint32_t slot_load(const struct slot *slot)
{
    return slot->n - slot->n_ghosts;
}
// Slots that the chunk it is at takes; 0: it has none.
uint32_t slot_weight(const struct slot *slot);
static inline uint64_t slot_first_serial(const struct slot *slot)
{
    return slot->next_serial - slot->n;
}

// What a slot needs of its pool (pool.c).
void pool_deliver(struct pool *pool, struct held *held, const struct result *result);
void pool_requeue(struct pool *pool, struct held *held, uint32_t at, uint32_t end);
void pool_ask(struct slot *slot, int request);
void pool_wake(struct pool *pool);
const uint32_t *pool_aligned_lens(struct pool *pool, const uint8_t *lens, uint32_t n);
