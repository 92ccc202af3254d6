// A new job, from SUBMIT or by a retry.
#pragma once
#include <stdint.h>

#include "base/err.h"

struct client;
struct msg_submit;
struct plan;
struct redo_list;
struct server;
struct server_job;
struct source_reader;

struct submission {
    struct plan *plan;            // taken over
    struct source_reader *source; // taken over; NULL: the client feeds, or `again`
    const struct msg_submit *message;
    uint64_t plan_bytes; // packed
    struct client *client;
    struct redo_list *again; // taken over; NULL
};
void submission_done(struct submission *s);

// Makes and starts the job of a submission. On failure (-EBUSY, -ENOMEM) everything is freed.
int submit_job(struct server *server, struct submission *s, struct server_job **ret,
               struct err *err);
