// The allow-list: a directory with a file for each peer that may connect, read again when it
// changes. NAME.peer is text, `word value` lines:
//
//     fanmill-peer 1
//     name node1
//     role worker
//     public <key>
//     expires 1800000000               optional; seconds since 1970
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "transport/access.h"

#define ALLOW_PEERS_MAX 65536u

struct allow;

struct allowed {
    char name[ACCESS_NAME_MAX];
    enum role role;
    char public_key[KEY_TEXT];
    int64_t expires; // seconds since 1970; 0: never
};

// Reads the directory and watches it in the running loop. `changed` is called after each reading
// but the first, and when an entry expires. A file that is invalid, or that others can change,
// is left out; `bad` is called with the reason. Both optional. A file or folder that can't be read
// for now (no descriptors, an input error) changes nothing, is told, and is read again soon.
int allow_open(const char *directory, void (*changed)(void *arg),
               void (*bad)(void *arg, const char *why), void *arg, struct allow **ret,
               struct err *err);
// A fixed list, for as long as it is open. -EINVAL: an invalid key.
int allow_fixed(const struct allowed *peers, size_t n, struct allow **ret, struct err *err);
struct allow *allow_close(struct allow *allow);
// Reads it again now; a fixed one stays as it is.
void allow_reload(struct allow *allow);
// NULL: unknown or expired.
const struct allowed *allow_find(const struct allow *allow, const char *public_key);
// Whether it is on the list and its time is over.
bool allow_has_expired(const struct allow *allow, const char *public_key);
size_t allow_len(const struct allow *allow);

// Every peer whose file is valid, in the order of their names, whether or not its key has expired;
// `bad` as above. The directory need not exist. -ENOMEM and others, with text.
int allow_each(const char *directory, void (*each)(void *arg, const struct allowed *peer),
               void (*bad)(void *arg, const char *why), void *arg, struct err *err);
// Writes a peer's file. -EEXIST: the name is taken.
int allow_add(const char *directory, const struct allowed *peer, struct err *err);
int allow_remove(const char *directory, const char *name, struct err *err);
