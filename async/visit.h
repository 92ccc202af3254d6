// A loop that runs only while a caller is inside, for libraries whose callers know of no loop.
//
//     struct visit visit;
//     visit_begin(&visit, loop);
//     r = stream_next(s, &item);       // the caller is a task of the loop, on its own stack
//     visit_end(&visit);
//
// While the visitor waits, the loop runs on a stack of its own. Between two visits everything
// stands still: tasks that a visit began go on in the next one. Visits nest. A loop may be visited
// by one thread after another.
#pragma once
#include "async/loop.h"

struct visit {
    struct loop *outer; // that the thread was in before; NULL
    bool nested;        // the loop had a visitor already: the same goes on as the same task
};

// 0 with a loop to be visited, or negative errno. Of the options, `stack_bytes` is also the size of
// the loop's own stack.
int loop_new(const struct loop_options *options, struct loop **ret);
// All tasks must have ended. Not inside a visit. Accepts NULL. Returns NULL.
struct loop *loop_free(struct loop *loop);

// May suspend: if the loop last looked outside VISIT_STALE_NS ago, or other tasks are ready, they
// go first, without waiting.
void visit_begin(struct visit *visit, struct loop *loop);
#define VISIT_STALE_NS 200000
// The scopes that were entered during the visit must have been left.
void visit_end(struct visit *visit);
// Runs one turn of the loop: what is ready runs, what arrived is seen, nothing is waited for. 0 or
// the cause of a cancel.
int visit_turn(void);
// A descriptor that is readable between visits while the loop has something to do, timers included.
// It belongs to the loop. Called inside a visit. Negative errno.
int visit_fd(struct loop *loop);
