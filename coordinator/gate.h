// The way in over a network: keys, the allow-list, the authentication handler and its self-test.
// Nobody outside coordinator/ includes this.
#pragma once
#include "proto/client.h"
#include "transport/allow.h"
#include "transport/keys.h"
#include "transport/monitor.h"
#include "transport/selftest.h"
#include "transport/zap.h"
#include "transport/zsock.h"

struct gate;

// Who a connection belongs to.
struct pass {
    unsigned rights; // enum right; 0: nobody who may anything
    char name[PROTO_NAME_MAX];
};

struct gate_options {
    const char *listen; // tcp://host:port
    const struct keypair *keys;
    const char *allow_directory; // NULL: those that are given
    const struct allowed *allowed;
    size_t n_allowed;
    zsock_ready_fn *ready;
    void *ready_arg;
    void (*changed)(void *arg);                    // the allow-list did
    void (*open_door)(void *arg, const char *why); // the self-test failed: nothing is safe any more
    void *arg;
};

// Opens the handler, then the socket, binds it, and begins the self-test.
int gate_open(struct transport *t, const struct gate_options *options, struct gate **ret,
              struct err *err);
struct gate *gate_close(struct gate *gate);
void gate_reload(struct gate *gate);
struct zsock *gate_socket(const struct gate *gate);
// Where it listens, with the port that was chosen.
const char *gate_endpoint(const struct gate *gate);
// By the message's key, as the list is now.
void gate_pass(const struct gate *gate, const struct zmessage *m, struct pass *ret);
// The same for a user as zmessage_user() gave it.
void gate_pass_of(const struct gate *gate, const char *user, struct pass *ret);

struct gate_counts {
    struct monitor_counts connections;
    uint64_t keys;      // on the list
    uint64_t refused;   // by the handler
    uint64_t selftests; // that passed
};
void gate_counts(const struct gate *gate, struct gate_counts *ret);
