// The worker agent: the process that holds the one connection to the coordinator, one per machine.
//
// It is a process of its own, forked (or started) before anything of ZeroMQ exists in it. It forks
// its zygote first, then runs its loop. When the coordinator goes away it ends everything it runs.
#pragma once
#include <stdint.h>

#include "transport/localdir.h"

#define WORKER_LOST 3 // exit status: the coordinator went away
// Bytes in the lifeline: the endpoint is bound; all that runs stands still, or goes on (Ctrl-Z,
// fg).
#define LIFELINE_GO 'g'
#define LIFELINE_PAUSE 'p'
#define LIFELINE_RESUME 'r'
#define WORKER_BROKEN 125 // exit status: the worker itself can't go on; the reason is logged

// How long a worker goes on without a word from its coordinator, and then ends what it runs.
#define WORKER_LOST_AFTER_NS (3600 * 1000000000ll)

struct access;
struct resources;
struct jobserver;

struct worker_options {
    const char *endpoint;        // of the coordinator; at most 255 bytes. NULL: those of `access`
    const struct access *access; // keys and endpoints, for tcp; NULL. Borrowed
    const char *name;            // for people; NULL: the host's name
    uint32_t slots;              // 0: the CPUs this process may use (worker/cpus.h)
    // Graphics processors, labels, and memory if it is not all of the machine's; NULL: none.
    // Borrowed
    const struct resources *resources;
    // The reading end of a pipe whose writing end only the coordinator holds; its end means that
    // the coordinator is gone, also by SIGKILL. One byte in it says that the endpoint is bound. The
    // worker owns it. -1: none: silence is the only sign, and then the worker ends what it runs and
    // looks for the coordinator again, for ever.
    int lifeline_fd;
    // The worker leaves when no coordinator has answered for this time. 0: it never does.
    int64_t give_up_ns;
    int64_t lost_after_ns; // 0: WORKER_LOST_AFTER_NS
    int64_t time_limit_ns; // it leaves after this time, and drains before. 0: it stays
    int64_t idle_exit_ns;  // it leaves when it has had nothing to do for this time. 0: it stays
    int ready_fd;          // gets a line once the coordinator has accepted the worker; -1: none
    // The worker leaves when this ends: the other end of an ssh connection. -1: none. Borrowed.
    int end_fd;
    // Limits how many chunks run, and is passed on to commands. NULL: none. Borrowed.
    struct jobserver *jobserver;
    // Of a local run: removed when the lifeline breaks without a BYE. NULL. Borrowed.
    const struct localdir *local;
};

// Runs the worker until it is asked to leave. Returns the exit status of the process: 0 after BYE
// or drain, else WORKER_LOST or WORKER_BROKEN. Must be called in a process without threads, loop
// and context.
int worker_main(const struct worker_options *options);
