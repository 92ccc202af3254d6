// The private directory of a local run: holds the coordinator's socket, and is removed after it.
#pragma once
#include <stddef.h>

#include "base/err.h"

#define LOCALDIR_PATH_MAX 108 // of a Unix socket's address, with its NUL

struct localdir {
    char path[LOCALDIR_PATH_MAX];
    char endpoint[LOCALDIR_PATH_MAX + 32]; // ipc://PATH/coordinator
};

// Makes a new directory with mode 0700 under $XDG_RUNTIME_DIR, $TMPDIR, /tmp or /dev/shm: the first
// that exists, is writable and is short enough for a socket's address.
int localdir_make(struct localdir *ret, struct err *err);
// Removes the socket and the directory. Safe to call twice, and from another process.
void localdir_remove(const struct localdir *dir);
