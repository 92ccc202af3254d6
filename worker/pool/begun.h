// Says which chunks run, once for each that has for BEGUN_NS: what has not begun may be asked for
// by the coordinator (intake.h: pool_recall).
#pragma once
#include "worker/pool/pool_own.h"

// Sets the timer that what runs now needs.
void begun_settle(struct pool *pool);
// Says at once that the chunk at `i` of a slot runs, unless that was said.
void begun_tell(struct pool *pool, struct slot *slot, uint32_t i);
void begun_stop(struct pool *pool);
