// Where a coordinator keeps its state, and where the user's other programs look for it.
//
//     STATE/             0700: $XDG_STATE_HOME/fanmill/default, or --state
//       lock             held by the coordinator that uses the folder; its pid inside
//       access           how to reach it from this machine (transport/access.h)
//       socket           a second way in, which outlives a logout
//       coordinator.key  its key; listen: its addresses; peers/: the allow-list
//     RUNTIME/fanmill/   0700: $XDG_RUNTIME_DIR, or /tmp/fanmill-UID
//       NNN.access       the same access file, locked while its coordinator lives
//       NNN.socket       the coordinator's socket: the same at each start, so that its workers find
//                        it again
#pragma once
#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "transport/access.h"

struct state {
    char folder[PATH_MAX];
    char published[PATH_MAX]; // the file in the runtime folder; "" none
    int lock;                 // -1: not held
    int published_lock;       // -1: none
};
#define STATE_INIT ((struct state){.lock = -1, .published_lock = -1})

// The folder that `given` (--state, or NULL) means; made if it is missing. -EPERM when another user
// owns it or can write it.
int state_open(const char *given, struct state *ret, struct err *err);
// Takes it for this process. -EBUSY with the pid of its owner.
int state_lock(struct state *state, struct err *err);
// "FOLDER/name" into `ret`. -ENAMETOOLONG.
int state_path(const struct state *state, const char *name, char ret[PATH_MAX], struct err *err);
// The private endpoint of the folder's coordinator, which must hold the lock: binding takes the
// socket from its owner.
int state_endpoint(const struct state *state, char ret[ACCESS_ENDPOINT_MAX], struct err *err);
// Another one in the state folder, for when the runtime folder is removed at a logout; "" when its
// path is too long for a socket's address.
void state_spare_endpoint(const struct state *state, char ret[ACCESS_ENDPOINT_MAX]);
// Writes the access file and lets the user's other programs find it.
int state_publish(struct state *state, const struct access *access, struct err *err);
void state_close(struct state *state);
