// The way in over a network.
//
// In: connections from other machines; changes of the allow-list. Out: a pass (rights and a name)
// for each message; `changed` and `open_door` for the shell.
//
// The authentication handler is up before the socket is bound, and a self-test tries the door with
// an unknown key every minute. Its callbacks come from the loop, never from within a call here.
#include "coordinator/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async/loop.h"
#include "base/clock.h"
#include "base/log.h"

#define DOMAIN "fanmill"
#define SELFTEST_NS (60 * NS_PER_S)
#define LOG_NS NS_PER_S // between two log lines about refused connections

struct gate {
    struct gate_options options;
    struct zap *zap;
    struct allow *allow;
    struct zsock *socket;
    struct monitor *monitor;
    struct selftest *selftest;
    char endpoint[256];
    uint64_t passed;   // self-tests
    uint64_t unlogged; // connections refused since the last line
    int64_t logged_at;
    char stranger[160]; // who was refused last, and why
};

// A connection's user is its key, so that the list can be consulted again later.
static bool decide(void *arg, const char *public_key, const char *address,
                   char ret_user[ZAP_USER_MAX])
{
    struct gate *gate = arg;
    const struct allowed *peer = allow_find(gate->allow, public_key);
    if (!peer) {
        snprintf(gate->stranger, sizeof(gate->stranger), "%.60s: key %s is %s", address, public_key,
                 allow_has_expired(gate->allow, public_key) ? "expired" : "not on the list");
        return false;
    }
    snprintf(ret_user, ZAP_USER_MAX, "%s", public_key);
    return true;
}

static void on_bad_file(void *arg, const char *why)
{
    (void)arg;
    log_warn("a file of the allow-list was skipped", "reason=\"%s\"", why);
}

static void on_connection(void *arg, enum monitor_event event, const char *what)
{
    struct gate *gate = arg;
    int64_t now = loop_now();
    if (event == MONITOR_GREETED || (event == MONITOR_REFUSED && selftest_claims(gate->selftest)))
        return;
    gate->unlogged++;
    if (now - gate->logged_at < LOG_NS)
        return;
    log_warn("a connection was refused", "reason=\"%s\" count=%llu",
             event == MONITOR_REFUSED && gate->stranger[0] ? gate->stranger : what,
             (unsigned long long)gate->unlogged);
    gate->logged_at = now;
    gate->unlogged = 0;
}

static void on_selftest(void *arg, int result)
{
    struct gate *gate = arg;
    gate->passed += result == 0;
    if (result == -EACCES)
        gate->options.open_door(gate->options.arg, "a peer with an unknown key was let in");
    else if (result < 0 && gate->passed == 0)
        gate->options.open_door(gate->options.arg,
                                "could not verify that unauthenticated peers are refused");
    else if (result < 0)
        log_warn("the self-test was inconclusive", "endpoint=%s", gate->endpoint);
}

int gate_open(struct transport *t, const struct gate_options *options, struct gate **ret,
              struct err *err)
{
    struct gate *gate = calloc(1, sizeof(*gate));
    if (!gate)
        return err_set(err, -ENOMEM, "out of memory");
    gate->options = *options;
    gate->logged_at = loop_now() - LOG_NS;
    int r = options->allow_directory
                ? allow_open(options->allow_directory, options->changed, on_bad_file, options->arg,
                             &gate->allow, err)
                : allow_fixed(options->allowed, options->n_allowed, &gate->allow, err);
    if (r == 0)
        r = zap_open(t, DOMAIN, decide, gate, &gate->zap, err);
    if (r == 0)
        r = zsock_open(t, ZSOCK_ROUTER, options->ready, options->ready_arg, &gate->socket, err);
    if (r == 0)
        r = zsock_set_server_keys(gate->socket, options->keys, DOMAIN, err);
    if (r == 0)
        r = monitor_open(t, gate->socket, on_connection, gate, &gate->monitor, err);
    if (r == 0)
        r = zsock_bind(gate->socket, options->listen, err);
    if (r == 0)
        r = zsock_endpoint(gate->socket, gate->endpoint, sizeof(gate->endpoint));
    if (r == 0)
        r = selftest_open(t, gate->endpoint, options->keys->public_key, SELFTEST_NS, on_selftest,
                          gate, &gate->selftest, err);
    if (r < 0) {
        gate_close(gate);
        return r;
    }
    *ret = gate;
    return 0;
}

struct gate *gate_close(struct gate *gate)
{
    if (!gate)
        return NULL;
    selftest_close(gate->selftest);
    monitor_close(gate->monitor);
    zsock_close(gate->socket);
    zap_close(gate->zap);
    allow_close(gate->allow);
    free(gate);
    return NULL;
}

void gate_reload(struct gate *gate)
{
    allow_reload(gate->allow);
}

struct zsock *gate_socket(const struct gate *gate)
{
    return gate->socket;
}

const char *gate_endpoint(const struct gate *gate)
{
    return gate->endpoint;
}

static unsigned rights_of(enum role role)
{
    switch (role) {
    case ROLE_WORKER:
        return RIGHT_WORK;
    case ROLE_CLIENT:
        return RIGHT_SUBMIT | RIGHT_LOOK;
    case ROLE_OBSERVER:
        return RIGHT_LOOK;
    case ROLE_ADMIN:
        return RIGHT_SUBMIT | RIGHT_LOOK | RIGHT_RULE;
    case ROLE_NONE:
        break;
    }
    return 0;
}

void gate_pass_of(const struct gate *gate, const char *user, struct pass *ret)
{
    const struct allowed *peer = allow_find(gate->allow, user);
    *ret = (struct pass){0};
    if (!peer)
        return;
    ret->rights = rights_of(peer->role);
    snprintf(ret->name, sizeof(ret->name), "%s", peer->name);
}

void gate_pass(const struct gate *gate, const struct zmessage *m, struct pass *ret)
{
    gate_pass_of(gate, zmessage_user(m), ret);
}

void gate_counts(const struct gate *gate, struct gate_counts *ret)
{
    monitor_counts(gate->monitor, &ret->connections);
    ret->keys = allow_len(gate->allow);
    ret->refused = zap_refused(gate->zap);
    ret->refused -= gate->passed < ret->refused ? gate->passed : ret->refused; // our own
    ret->selftests = gate->passed;
}
