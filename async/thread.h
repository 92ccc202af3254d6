// Other threads: how one calls into the loop, and how a task lets a blocking call run in one.
#pragma once
#include "async/loop.h"

// Calls fn(arg) in the loop's own thread, in one of its next turns, in the order of the calls. The
// only function of async/ for other threads. The caller must know that the loop still runs (because
// a task waits for this call, say); a call after the last task ended is not made. 0 or -ENOMEM.
int loop_call(struct loop *loop, void (*fn)(void *arg), void *arg);

// Runs fn(arg) in a thread of its own and suspends until it ended: for what blocks, such as a
// name look-up or fsync. Returns its result; then `arg` is the caller's. Or the cause of a cancel,
// or -EAGAIN if no thread could be started, and then `arg` is gone: a cancel can't stop the thread,
// which goes on alone, so release(arg) is called in that thread when it ends (at once if none was
// started; NULL: nothing to do). So fn should return none of these codes. Signals are blocked in
// it.
int thread_run(task_fn *fn, void *arg, void (*release)(void *arg));
