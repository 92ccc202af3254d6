// Runs a job, or its failed chunks, once more as a new job.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct client;
struct msg_control;
struct server_job;

// Submits the new job for the client. May forget ended jobs, even this one: submit_job().
int retry_job(struct client *client, struct server_job *job, const struct msg_control *m,
              uint64_t *ret_id, struct err *err);
