// Requests to the coordinator. Each suspends until its answer has come or the deadline.
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "proto/client.h"

struct feed;
struct link;
struct plan;

struct submit_request {
    const struct plan *plan;
    uint32_t flags;               // enum submit_flag
    int64_t timeout_ns;           // of the whole job; 0: none
    const struct job_need *needs; // n_needs of them, at most PROTO_NEEDS_MAX
    uint32_t n_needs;
    struct feed *feed; // feeds the new job from then on; NULL
};
// SUBMIT, and the kernels' libraries that the coordinator does not have.
int link_submit(struct link *link, const struct submit_request *s, uint64_t *ret_job,
                int64_t deadline, struct err *err);
// Of an attendant: how far it is with its job's source or sink.
int link_attend(struct link *link, const struct msg_attend *m, int64_t deadline, struct err *err);
int link_control(struct link *link, const struct msg_control *m, uint64_t *ret_value,
                 int64_t deadline, struct err *err);
// Calls `row` with each row (struct job_info, worker_info or line_info, borrowed for the call).
typedef void link_row_fn(void *arg, const void *row);
int link_query(struct link *link, const struct msg_query *m, link_row_fn *row, void *arg,
               int64_t deadline, struct err *err);
