// The coordinator's shell: carries messages, source runs and time into the core and its actions
// out. It decides nothing itself.
//
//     worker --door--> inbox --events--> core --actions--> perform --> worker
//     client or source --feeder----^         '--deliveries--> records --readers--> client
//
// Incoming messages only change state; once a turn of the loop, before it sleeps, one EV_FLUSH lets
// the core lease and deliver all that is ready, and each peer gets at most one message of each
// kind. All functions are called from tasks of the loop the server was opened in.
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "coordinator/core/core.h"
#include "pipelines/source/source.h"

// What an attendant is for: coordinator/attending.h.
enum attend_need { ATTEND_NEEDS_SOURCE = 1, ATTEND_NEEDS_SINK = 2 };
// All of it is borrowed for the call.
struct attend_request {
    uint64_t job;
    const uint8_t *session; // it says HELLO with, on a private endpoint; PROTO_SESSION_BYTES
    unsigned needs;         // enum attend_need
    bool over_network;      // the job came from another machine
    const void *plan;       // packed
    size_t plan_len;
};

struct allowed;
struct keypair;
struct server;
struct transport;

#define SERVER_SPOOL_BYTES (1ull << 30)
#define SERVER_TURN_NS (50 * INT64_C(1000000)) // no turn of a service should take more CPU time
#define SERVER_SPOOL_MIN (1ull << 20)          // less would not hold what is under way
#define SERVER_JOBS_MAX 10000u                 // of one user that run or wait
#define SERVER_JOBS_ALL 50000u                 // of all users
#define SERVER_JOBS_RESERVE 10000u             // of these for users with fewer than SERVER_JOBS_FEW
#define SERVER_JOBS_FEW 100u
#define SERVER_KEEP_JOBS 10000u // jobs that have ended

struct server_options {
    const char *const *endpoints; // private ones, bound by server_open; NULL-terminated, at most 8
    // Where other machines connect: tcp://host:port, with keys and the folder of the allow-list
    // (transport/allow.h). NULL: nowhere.
    const char *listen;
    const struct keypair *keys;
    const char *allow_directory;
    const struct allowed *allowed; // instead of the folder: just these. Borrowed for server_open
    size_t n_allowed;
    // Authentication does not work: the process must end. Required with `listen`.
    void (*open_door)(void *arg, const char *why);
    // Folder for waiting results and kept records that exceed memory; NULL: none. Borrowed.
    const char *spool_directory;
    // Limit for one job's waiting results, and likewise for its kept records; at the limit no new
    // chunk of it starts. 0: 1 GiB.
    uint64_t spool_bytes;
    // What is kept of detached jobs that have ended, in all: keeper.h. 0: SERVER_KEEP_JOBS,
    // KEEPER_BYTES, for ever.
    uint32_t keep_jobs;
    uint64_t keep_bytes;
    int64_t keep_age_ns;
    // The spool can't grow; nothing is lost. Called once, with a text for people. NULL: it is
    // logged.
    void (*spool_full)(void *arg, const char *text);
    // File to record the core's events in (event_file.h); NULL: none. Borrowed for server_open.
    const char *record;
    // CPU time of a turn of the loop that is too long; logged. 0: turns are not measured.
    int64_t slow_turn_ns;
    // A worker of this process on a private endpoint, which its end shows: its silence means
    // nothing. 0: none.
    pid_t local_worker;
    // A worker was lost or has left. Optional.
    void (*worker_gone)(void *arg, uint64_t worker, const char *reason);
    // Begins a process that attends to the files of a job; server_attendant_died() reports its end.
    // 0; -EAGAIN: too many are at work, asked again when one has ended; others with text. NULL:
    // jobs that need one are refused.
    int (*attend)(void *arg, const struct attend_request *request, struct err *err);
    void (*attend_kill)(void *arg, uint64_t job); // required with `attend`
    unsigned remote_needs; // enum attend_need: what jobs from other machines may have done
    void *arg;
};

int server_open(struct transport *transport, const struct server_options *options,
                struct server **ret, struct err *err);
// Sends BYE to peers and ends jobs.
struct server *server_close(struct server *server);

// Where it listens for other machines, with the actual port; NULL: nowhere.
const char *server_endpoint(const struct server *server);

// A worker's process is known to be dead: its chunks go elsewhere in this turn. -ENOENT.
int server_worker_died(struct server *server, pid_t pid, const char *reason);

// Logs the state of everything at level info: peers, jobs and why their steps wait, tasks.
void server_dump(const struct server *server);

// Reads the allow-list again.
void server_reload(struct server *server);
// The process that attended to a job has ended; `reason` in words. Jobs may end.
void server_attendant_died(struct server *server, uint64_t job, const char *reason);

// Since the start.
struct server_counts {
    uint64_t bad_messages;
    uint64_t forbidden; // messages that the sender's role does not permit
    uint64_t unknown;   // messages of peers that did not say HELLO
    uint64_t jobs;
    uint64_t results;
};
