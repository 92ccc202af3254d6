// What the pool does about the chunk that a slot's executor runs: looks whether it takes long,
// recalls what waits for it, cancels it, and enforces its kernel's deadline. All of it goes through
// the slot's page (worker/page.h) and the zygote.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/pool/slot.h"

// Takes back what has not begun.
void slot_recall(struct slot *slot);
// Looks which chunk runs. True when the same one ran at the look before; then results that were
// finished before it are asked for.
bool slot_look(struct slot *slot);
// Ends the running chunk, if it is of the job: by asking, or at once.
void slot_cancel(struct slot *slot, uint64_t job, bool kill_now);
// Ends the running chunk at once, if it is one of these; those that have not begun are cancelled.
void slot_discard(struct slot *slot, const struct msg_return *run);
// Asks the running chunk to end, because it takes longer than others.
void slot_end_over_time(struct slot *slot);
// Kills the executor if its kernel is past its deadline; *ret_next: when to look again, if sooner.
void slot_check_deadline(struct slot *slot, int64_t now, int64_t *ret_next);
// Its executor stood still for this time, and still does: it does not count.
void slot_skip_time(struct slot *slot, int64_t ns);
