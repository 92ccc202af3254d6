// Which coordinator is meant, and how to reach it.
//
// A coordinator publishes its access file as RUNTIME/fanmill/NNN.access and keeps it locked while
// it lives. Who writes there, or looks around, holds the lock of the folder meanwhile: a file that
// exists and is not locked is a dead coordinator's, and removed. RUNTIME is $XDG_RUNTIME_DIR;
// without it the folder is /tmp/fanmill-UID.
#pragma once
#include <limits.h>

#include "base/err.h"
#include "transport/access.h"

// `where` is an address, an access file or a state folder; without it FANMILL_CONNECT, then the one
// that runs on this machine. `key`: an access file with the keys for an address; NULL. -ENOENT:
// none runs; -EEXIST: several; -EPERM: files that others can read. Blocking (files only).
int find_coordinator(const char *where, const char *key, struct access *ret, struct err *err);

// The same, for one that may just be starting on this machine: waits until it is there, for
// FIND_WAIT_NS at most. Blocking.
#define FIND_WAIT_NS (5 * 1000000000ll)
int find_coordinator_soon(const char *where, const char *key, struct access *ret, struct err *err);

int find_runtime_folder(char ret[PATH_MAX], struct err *err);
// Locks the folder, for as long as the descriptor is open. Blocking, for moments. Negative errno.
int find_lock_folder(const char *path);
// A folder must be ours alone: -ENOTDIR, -EPERM with what to do.
int find_check_folder(const char *path, struct err *err);
// a, between and b one after another. -ENAMETOOLONG.
int find_join(char ret[PATH_MAX], struct err *err, const char *a, const char *between,
              const char *b);
