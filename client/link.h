// A client's connection to a coordinator: greeting, requests, coming back after a break.
//
// Functions that wait suspend their task when the link was opened in a loop; else they block. What
// comes in is read whenever something waits (or, in a loop, at once) and lands in the results and
// requests it is for. A break is not told as long as the coordinator knows the session when the
// connection is there again: streams go on where they were.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/client.h"

struct access;
struct feed;
struct link;
struct plan;
struct transport;

#define LINK_SILENCE_NS (15 * 1000000000ll) // without a word of the coordinator: it is lost

struct link_options {
    const char *endpoint;        // ipc://, inproc:// or tcp://
    const struct access *access; // keys, for tcp; else NULL
    bool in_loop;                // there is a running loop, and it is ours to use
    int64_t silence_ns;          // 0: LINK_SILENCE_NS
};

// Connects and waits until the coordinator has greeted. -EHOSTDOWN: nobody answers there;
// -ECONNREFUSED: it does not want us; -EPROTONOSUPPORT. Options are borrowed for the call.
int link_open(struct transport *transport, const struct link_options *options, struct link **ret,
              struct err *err);
// Says BYE: jobs that are not detached end. All results and feeds of it must be closed. Accepts
// NULL. Returns NULL.
struct link *link_close(struct link *link);

// Waits until something came, or the deadline: 0, -ETIMEDOUT, -EHOSTDOWN (the coordinator is silent
// for too long), -ECONNRESET (it was started anew, and its jobs are gone), or the cause of a
// cancel. Whoever waits looks at what it waits for before and after.
int link_wait(struct link *link, int64_t deadline);
// Reads what is there. Never waits. The same errors.
int link_poll(struct link *link);
// Why the link is of no use any more, for people; "" while it is.
const char *link_trouble(const struct link *link);

// Requests. Each waits for its answer until the deadline.
struct submission {
    const struct plan *plan;
    uint32_t flags;     // enum submit_flag
    int64_t timeout_ns; // of the whole job; 0: none
    struct feed *feed;  // feeds the new job from then on; NULL
};
// SUBMIT, and the kernels' libraries that the coordinator does not have.
int link_submit(struct link *link, const struct submission *s, uint64_t *ret_job, int64_t deadline,
                struct err *err);
int link_control(struct link *link, const struct msg_control *m, uint64_t *ret_value,
                 int64_t deadline, struct err *err);
// Calls `row` with each row (struct job_info, worker_info or line_info, borrowed for the call).
typedef void link_row_fn(void *arg, const void *row);
int link_query(struct link *link, const struct msg_query *m, link_row_fn *row, void *arg,
               int64_t deadline, struct err *err);
