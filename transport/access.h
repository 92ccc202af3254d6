// Access: what a peer needs in order to reach a coordinator, in one file. Text, `word value` lines:
//
//     fanmill-access 1
//     endpoint tcp://host:7117         at most 8; tried in this order
//     coordinator <key>                the coordinator's public key; with tcp
//     name node1
//     role worker                      worker, client, observer, admin
//     public <key>
//     secret <key>                     this file's own; with tcp
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "transport/keys.h"

#define ACCESS_ENDPOINTS_MAX 8
#define ACCESS_NAME_MAX 64      // with its NUL
#define ACCESS_ENDPOINT_MAX 256 // with its NUL

enum role { ROLE_NONE, ROLE_WORKER, ROLE_CLIENT, ROLE_OBSERVER, ROLE_ADMIN };
const char *role_name(enum role role);
enum role role_parse(const char *text); // ROLE_NONE: unknown

// True for [A-Za-z0-9._-]{1,63} without a dot at its beginning: it names files.
bool access_name_ok(const char *name);

struct access {
    char endpoints[ACCESS_ENDPOINTS_MAX][ACCESS_ENDPOINT_MAX];
    size_t n_endpoints;
    char coordinator[KEY_TEXT];
    char name[ACCESS_NAME_MAX];
    enum role role;
    struct keypair keys;
};

// -EINVAL with the line. Messages call the text `name`.
int access_parse(const char *name, const char *text, size_t len, struct access *ret,
                 struct err *err);
// No other user may read the file (-EPERM, with what to do).
int access_read(const char *path, struct access *ret, struct err *err);
int access_format(const struct access *access, struct buf *out);
// Atomically, mode 0600; replaces.
int access_write(const char *path, const struct access *access, struct err *err);
// Wipes it.
void access_done(struct access *access);
