// A new job, from SUBMIT or by a retry.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct client;
struct kept;
struct msg_submit;
struct plan;
struct redo_list;
struct server;
struct server_job;

struct submission {
    struct plan *plan; // taken over
    const struct msg_submit *message;
    uint64_t plan_bytes; // packed
    struct client *client;
    struct redo_list *again; // taken over; NULL
    struct kept *kept;       // taken over; NULL
    bool over_network;       // the plan came from another machine
};
void submission_done(struct submission *s);

// Makes and starts the job of a submission. On failure (-EBUSY, -ENOMEM, the source's own)
// everything is freed.
int submit_job(struct server *server, struct submission *s, struct server_job **ret,
               struct err *err);
