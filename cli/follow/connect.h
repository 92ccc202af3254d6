// Commands that talk to a running coordinator: find it, link, do the work, leave.
#pragma once
#include "cli/args/args.h"
#include "client/link.h"
#include "client/requests.h"
#include "transport/access.h"

struct transport;

struct connect {
    const char *where; // --connect
    const char *key;   // --key
};
#define CONNECT_ARGS(c)                                                                            \
    {0,                                                                                            \
     "connect",                                                                                    \
     ARG_TEXT,                                                                                     \
     &(c).where,                                                                                   \
     "WHERE",                                                                                      \
     "the coordinator: access file, state folder or "                                              \
     "address"},                                                                                   \
    {                                                                                              \
        0, "key", ARG_TEXT, &(c).key, "FILE", "access file whose keys go with an address"          \
    }

// In a task: links to the coordinator of `access`, trying its addresses in turn.
int connect_link(struct transport *transport, const struct access *access, struct link **ret,
                 struct err *err);

// Finds the coordinator, runs a loop with a link to it and `work` in it. What goes wrong before is
// told on stderr. Returns the exit status: that of `work`, or EXIT_LOST.
typedef int connect_fn(struct link *link, void *arg);
int connect_run(const struct connect *connect, connect_fn *work, void *arg);

// "5", "3-7", "last", "all" -> ids as QUERY and CONTROL take them. -EINVAL.
int select_jobs(const char *word, uint64_t *ret_first, uint64_t *ret_last);

// How long an answer may take.
#define ANSWER_NS (30 * 1000000000ll)
