// The coordinator's shell: carries messages, source runs and time into the core and its actions
// out. It decides nothing itself.
//
//     worker --ROUTER--> inbox --events--> core --actions--> outbox --ROUTER--> worker
//     source --> feeder ----------^          '--deliveries--> result stream --> consumer
//
// Incoming messages only change state; once a turn of the loop, before it sleeps, one EV_FLUSH lets
// the core lease and deliver all that is ready, and each worker gets at most one message of each
// kind. All functions are called from tasks of the loop the server was opened in.
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "async/stream.h"
#include "base/err.h"
#include "coordinator/core/core.h"
#include "pipelines/source.h"

struct server;
struct transport;

struct server_options {
    const char *endpoint; // where workers connect; bound by server_open
    // The last worker is gone while jobs are there. Optional.
    void (*worker_gone)(void *arg, uint64_t worker, const char *reason);
    void *arg;
};

int server_open(struct transport *transport, const struct server_options *options,
                struct server **ret, struct err *err);
// Says BYE to workers, ends feeders and open jobs. Suspends until the feeders have ended.
struct server *server_close(struct server *server);

// A worker's process is known to be dead: its chunks go elsewhere at once. -ENOENT.
int server_worker_died(struct server *server, pid_t pid, const char *reason);
void server_stats(const struct server *server, struct core_stats *ret);

struct server_job;

// Starts a job. `plan` is borrowed until server_job_close; `source` is owned by the job from here
// on, also on failure.
int server_submit(struct server *server, const struct plan *plan, struct source_reader *source,
                  struct server_job **ret, struct err *err);
// The next record in the job's order. Suspends. 1 with a delivery that the caller frees
// (server_delivery_free), 0 at the end, or the cause of a cancel.
int server_job_next(struct server_job *job, struct delivery **ret);
// True when server_job_next would not suspend: a writer that buffers need not write now.
bool server_job_ready(const struct server_job *job);
void server_delivery_free(struct delivery *delivery);
// The same as a stream of struct delivery *. The stream's close closes the job.
struct stream *server_job_stream(struct server_job *job);
// Ends it early (enum cancel_mode); the records that are still to come are few.
void server_job_cancel(struct server_job *job, uint32_t mode);
// How it stands; once server_job_next returned 0 it is final. Returns true when it is final.
bool server_job_summary(const struct server_job *job, struct job_summary *ret,
                        uint64_t *ret_running);
// How many chunks there will be, or UINT64_MAX when that is not known.
uint64_t server_job_total(const struct server_job *job);
// Cancels what still runs, frees. Accepts NULL.
struct server_job *server_job_close(struct server_job *job);
