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

// The holder of a connection.
struct pass {
    unsigned rights; // enum right; 0: no rights at all
    char name[PROTO_NAME_MAX];
};

struct gate_options {
    const char *listen; // tcp://host:port
    const struct keypair *keys;
    const char *allow_directory; // NULL: `allowed` instead
    const struct allowed *allowed;
    size_t n_allowed;
    zsock_ready_fn *ready;
    void *ready_arg;
    void (*changed)(void *arg);                    // the allow-list has changed
    void (*open_door)(void *arg, const char *why); // the self-test failed: the door is open
    void *arg;
};

// Opens the authentication handler, opens and binds the socket, and starts the self-test.
int gate_open(struct transport *t, const struct gate_options *options, struct gate **ret,
              struct err *err);
struct gate *gate_close(struct gate *gate);
void gate_reload(struct gate *gate);
struct zsock *gate_socket(const struct gate *gate);
// Where it listens, with the actual port.
const char *gate_endpoint(const struct gate *gate);
// What the key of a message may do, by the current list.
void gate_pass(const struct gate *gate, const struct zmessage *m, struct pass *ret);
// The same for a user as returned by zmessage_user().
void gate_pass_of(const struct gate *gate, const char *user, struct pass *ret);

struct gate_counts {
    struct monitor_counts connections;
    uint64_t keys;      // on the list
    uint64_t refused;   // by the handler
    uint64_t selftests; // that passed
};
void gate_counts(const struct gate *gate, struct gate_counts *ret);
