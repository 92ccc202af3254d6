// When a worker leaves of its own accord: at the end of its time, or when it has had nothing to do
// for long enough.
#pragma once
#include "worker/agent/agent.h"

#define LEAVING_SHARE 10                        // of the time limit: the last tenth is for draining
#define LEAVING_LEAD_NS (5 * 60 * 1000000000ll) // but no more than this

// Sets its timers, as the worker's options say. In the running loop.
void leaving_begin(struct agent *agent);
void leaving_end(struct agent *agent);
// How long it stays, for REGISTER; 0: no end is known.
int64_t leaving_in(const struct agent *agent);
