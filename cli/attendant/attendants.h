// The attendants of a coordinator: for each job that has files to read or to write, a process that
// does it (coordinator/attending.h says when).
//
// The coordinator forks one small process, the forker, before it has any context, loop or thread;
// that forks an attendant for each request, which talks to the coordinator as a client over the
// private socket. Requests and news go over one socket; the end of that socket, or of its parent,
// ends the forker and with it all attendants.
//
//     coordinator --- socket --- forker
//          '--- ipc socket --- attendant  (its child)
#pragma once
#include <limits.h>
#include <stdint.h>

#include "base/err.h"
#include "coordinator/server.h"
#include "proto/limits.h"

#define ATTENDANTS_MAX 64u // at a time; further jobs wait

struct attendants;

struct confine;

// Forks the forker. Must come before any ZeroMQ context, loop and thread of this process. All is
// borrowed for the call.
int attendants_start(const char *endpoint, const struct confine *confine, struct attendants **ret,
                     struct err *err);
// In the loop: tells the server of attendants that have ended. 0 or negative errno.
int attendants_watch(struct attendants *a, struct server *server);
// As server_options.attend and attend_kill; `arg` is the struct attendants.
int attendants_begin(void *arg, const struct attend_request *request, struct err *err);
void attendants_kill(void *arg, uint64_t job);
// No more news: before the loop or the server ends. Safe without attendants_watch.
void attendants_unwatch(struct attendants *a);
// Ends all of them. Blocks until the forker has ended. Accepts NULL. Returns NULL.
struct attendants *attendants_free(struct attendants *a);
