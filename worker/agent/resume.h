// Coming back to a coordinator that still knows what this worker has: what runs goes on, results
// wait in the outbox, and everything is named before it is said to go on (PROTOCOL.md, Coming
// back).
#pragma once
#include "worker/agent/agent.h"

// The connection is of no use any more: a new greeting is next. What executors have stays, and what
// only waits is given up, since others may run it.
void resume_begin(struct agent *agent);
// A coordinator answered the greeting. True: it is the one that we left. False: another one, or we
// had nothing; then nothing is left of before.
bool resume_welcomed(struct agent *agent, uint64_t epoch);
// Before REGISTER: names what this worker still has. -ENOMEM.
int resume_say_kept(struct agent *agent);
// After it.
void resume_say_rest(struct agent *agent);
// Ends all that runs and forgets all results.
void resume_give_up(struct agent *agent);
