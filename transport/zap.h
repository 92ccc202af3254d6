// The authentication handler (https://rfc.zeromq.org/spec/27/): asked by ZeroMQ's I/O thread about
// each connection with CURVE, it answers from the loop. It must be open before a socket with keys
// is bound; while it does not answer, no peer comes in.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct transport;
struct zap;

#define ZAP_USER_MAX 128 // bytes of a user's name, with its NUL

// Whether the owner of the key is admitted. Writes what zmessage_user() will give into `ret_user`.
typedef bool zap_decide_fn(void *arg, const char *public_key, const char *address,
                           char ret_user[ZAP_USER_MAX]);

// One for a transport. Requests of another domain are refused.
int zap_open(struct transport *t, const char *domain, zap_decide_fn *decide, void *arg,
             struct zap **ret, struct err *err);
struct zap *zap_close(struct zap *zap);
uint64_t zap_refused(const struct zap *zap);
