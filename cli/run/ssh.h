// One ssh to one host: it brings our program there if it is missing, hands over the keys on
// standard input, and its standard input stays the worker's lifeline.
#pragma once
#include "async/waitq.h"
#include "base/buf.h"
#include "cli/run/deploy.h"

// The program that is running, to be copied.
struct ssh_program {
    struct buf bytes;
    uint64_t hash;
};
// Blocking. The caller frees it with buf_done(&program->bytes). Negative errno with text.
int ssh_program_read(struct ssh_program *ret, struct err *err);

// Starts a worker on the host and waits until it has ended: suspends, and a cancelled task ends the
// worker. `connecting` is held until the program is on the host. *ret_status is ssh's status as
// of waitpid(). 0, -ENOENT without an ssh program, -ECANCELED and others; then *ret_status may
// still be 0.
int ssh_run_worker(const struct deploy *deploy, const struct deploy_host *host,
                   const struct ssh_program *program, struct semaphore *connecting,
                   int *ret_status);
