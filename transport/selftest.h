// A stranger of our own: connects with an unknown key, and must be refused. ZeroMQ with CURVE and
// without an answering handler lets every peer in, so this is tried at the start and repeated.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct transport;
struct selftest;

// `endpoint`: where the coordinator is bound; for "any address" the loopback is tried. `done` is
// called from the loop after each try: 0, -EACCES (the stranger was admitted), -ETIMEDOUT (no
// decision within 10 s). The first try begins at once, each further one `interval_ns` later.
int selftest_open(struct transport *t, const char *endpoint, const char *server_key,
                  int64_t interval_ns, void (*done)(void *arg, int result), void *arg,
                  struct selftest **ret, struct err *err);
// Whether a stranger that was just refused is this one; true once for each try. Accepts NULL.
bool selftest_claims(struct selftest *s);
// Accepts NULL. Returns NULL.
struct selftest *selftest_close(struct selftest *s);
