// Other threads: how one calls into the loop, and how a task lets a blocking call run in one.
#pragma once
#include "async/loop.h"

// Calls fn(arg) in the loop's own thread, in one of its next turns, in the order of the calls. The
// only function of async/ for other threads. That the loop still runs is the caller's to know (a
// task waits for this call, say); a call after the last task ended is not made. 0 or -ENOMEM.
int loop_call(struct loop *loop, void (*fn)(void *arg), void *arg);

// Runs fn(arg) in a thread of its own and suspends until it ended: for what blocks, as looking up a
// name or fsync does. Returns its result; then `arg` is the caller's. Or the cause of a cancel, or
// -EAGAIN when there can't be a thread, and then `arg` is gone: a cancel can't stop the thread,
// which goes on alone, so release(arg) is called when it ended, in that thread (at once if it
// never began; NULL: nothing to do). So fn should return none of these codes. Signals are blocked
// in it.
int thread_run(task_fn *fn, void *arg, void (*release)(void *arg));
