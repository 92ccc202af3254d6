// CURVE keys as text: Z85 of 32 bytes (https://rfc.zeromq.org/spec/32/), and the file that keeps a
// coordinator's own.
#pragma once
#include <stdbool.h>

#include "base/err.h"

#define KEY_TEXT 41 // with its NUL

struct keypair {
    char public_key[KEY_TEXT];
    char secret_key[KEY_TEXT];
};

int keypair_new(struct keypair *ret, struct err *err);
// Wipes it.
void keypair_done(struct keypair *keys);
bool key_ok(const char *text);

// A secret file is a regular file of mode 0600 or less that belongs to us or root; all others, and
// links, are refused with -EPERM and what to do.
int keyfile_read(const char *path, struct keypair *ret, struct err *err);
// -EEXIST when the file exists.
int keyfile_write(const char *path, const struct keypair *keys, struct err *err);
