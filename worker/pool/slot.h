// A slot: one executor's place in the pool, with what was sent to it and not answered yet. It
// knows its pool by `slot_ops` alone.
//
// EMPTY -> FORKING -> LIVE -> DYING (its socket ended, or it sent nonsense) -> EMPTY when the
// zygote has reaped it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/loop.h"
#include "worker/page.h"
#include "worker/pool/sent.h"
#include "worker/wire.h"
#include "worker/zygote/zygote.h"

struct slot;

enum slot_state { SLOT_EMPTY, SLOT_FORKING, SLOT_LIVE, SLOT_DYING };
enum slot_kill { KILL_NONE, KILL_CANCEL, KILL_TIMEOUT };

// What a slot needs of its owner. None of them calls back into the slot.
struct slot_ops {
    // A part of a chunk's outcome, or all of it. Borrowed for the call.
    void (*deliver)(void *owner, struct lease_copy *copy, const struct result *result);
    // Chunk `index` of the lease did not run: it goes back to the front of the queue.
    void (*requeue)(void *owner, struct lease_copy *copy, uint32_t index);
    // Chunk `index` of the lease did not run, and the coordinator wants it back.
    void (*give_back)(void *owner, struct lease_copy *copy, uint32_t index);
    // A request of the slot to the zygote; it is kept until the zygote takes it.
    void (*ask)(void *owner, struct slot *slot, enum zygote_request request);
    // The machine refused a process for a chunk, which went back to the queue. `code`: why.
    void (*refused)(void *owner, struct slot *slot, int code);
    // The slot has room now, or gave chunks back.
    void (*wake)(void *owner);
};

struct slot {
    const struct slot_ops *ops;
    void *owner;
    uint32_t index;
    enum slot_state state;
    struct page *page;
    int fd; // -1: none
    struct watch watch;
    struct wire_reader in;
    struct buf lens; // of the result that is delivered, aligned
    struct buf out;
    size_t out_at;
    struct sent_ring sent;
    uint64_t stuck;       // serial that was running at the last look; 0: none
    uint64_t judged;      // serial that was found running at two looks; 0: none
    int64_t turned;       // when its first entry became the first
    uint64_t told;        // serial that was told to have begun; 0: none
    bool parted;          // the first entry has given parts of its result
    uint64_t foreign_job; // whose own code this executor has run or will; 0: none
    bool crowded;         // the machine refused it a process: it ends, to make room
    bool answered;        // this executor has finished a chunk
    uint32_t barren;      // executors in a row that died before they finished or began one
    enum slot_kill kill;  // we had it killed
    uint64_t kill_serial; // for this chunk's sake
    struct timer grace;   // of a cancelled chunk (slot_control.h)
    uint8_t asks;         // the owner's: requests the zygote could not take yet
};

// Borrows all of it.
void slot_init(struct slot *slot, uint32_t index, struct page *page, const struct slot_ops *ops,
               void *owner);
void slot_done(struct slot *slot);
// The zygote's news about this slot. Owns `fd` from now on.
void slot_forked(struct slot *slot, int fd);
void slot_died(struct slot *slot, const struct zygote_news *news);
// Gives `n` chunks of a lease, from `at` on. Nothing is written before slot_flush. -ENOMEM.
int slot_give(struct slot *slot, struct lease_copy *copy, uint32_t at, uint32_t n);
// Writes what the socket takes; the rest follows by itself.
void slot_flush(struct slot *slot);
// Whether chunks of the step may follow what the slot has. Code of a job can change anything in its
// process, from the umask to the heap: an executor that ran some runs nothing else any more.
bool slot_may_take(const struct slot *slot, const struct pool_step *step);
// Ends the executor, whatever it does: it is killed, so that no destructor can hold that up. A new
// one is forked in its place when there is work.
void slot_retire(struct slot *slot);
// The job is over: the executor needs its steps no more, and ends if it ran code of the job.
void slot_forget(struct slot *slot, uint64_t job);
// Takes back a chunk that the executor will skip: to the queue, or as cancelled. A ghost stays.
void slot_take_back(struct slot *slot, uint32_t i);

// Chunks that are the executor's to answer, ghosts not counted.
static inline uint32_t slot_load(const struct slot *slot)
{
    return slot->sent.n - slot->sent.n_ghosts;
}
// Slots that the chunk it is at takes; 0: it has none.
uint32_t slot_weight(const struct slot *slot);
// The entry of the running chunk, as the page says; slot->sent.n: none.
static inline uint32_t slot_running(const struct slot *slot)
{
    return sent_find(&slot->sent, atomic_load(&slot->page->running));
}
