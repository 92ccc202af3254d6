// A job that runs once more, in whole or what failed of it, as a new job.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct client;
struct server_job;

// Submits it for the client. May forget other jobs that have ended: submit_job().
int retry_job(struct client *client, struct server_job *job, bool failed_only, uint64_t *ret_id,
              struct err *err);
