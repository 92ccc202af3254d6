#include "transport/selftest.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async/loop.h"
#include "base/clock.h"
#include "base/container.h"
#include "transport/keys.h"
#include "transport/monitor.h"
#include "transport/zsock.h"

#define DECIDE_NS (10 * NS_PER_S)

struct selftest {
    struct transport *transport;
    char endpoint[256];
    char server_key[KEY_TEXT];
    int64_t interval_ns;
    void (*done)(void *arg, int result);
    void *arg;
    struct zsock *stranger;
    struct monitor *monitor;
    struct timer timer;
    struct post post; // sockets are not closed from their own callbacks
    int result;
    bool decided;
    bool unclaimed; // its refusal was not counted yet
};

static void begin(struct selftest *s);

static void on_timer(struct timer *timer)
{
    struct selftest *s = container_of(timer, struct selftest, timer);
    if (!s->stranger) {
        begin(s);
        return;
    }
    s->result = -ETIMEDOUT;
    s->monitor = monitor_close(s->monitor);
    s->stranger = zsock_close(s->stranger);
    timer_set(&s->timer, clock_after(loop_now(), s->interval_ns), on_timer);
    s->done(s->arg, s->result);
}

static void on_decided(struct post *post)
{
    struct selftest *s = container_of(post, struct selftest, post);
    s->monitor = monitor_close(s->monitor);
    s->stranger = zsock_close(s->stranger);
    timer_set(&s->timer, clock_after(loop_now(), s->interval_ns), on_timer);
    s->done(s->arg, s->result);
}

static void on_event(void *arg, enum monitor_event event, const char *what)
{
    struct selftest *s = arg;
    (void)what;
    if (s->decided || (event != MONITOR_GREETED && event != MONITOR_REFUSED))
        return;
    s->decided = true;
    s->result = event == MONITOR_GREETED ? -EACCES : 0;
    loop_post(&s->post, on_decided);
}

static void no_message(void *arg)
{
    (void)arg;
}

static int try(struct selftest *s)
{
    struct keypair keys;
    struct err err;
    int r = keypair_new(&keys, &err);
    if (r == 0)
        r = zsock_open(s->transport, ZSOCK_DEALER, no_message, s, &s->stranger, &err);
    if (r == 0)
        r = zsock_set_client_keys(s->stranger, s->server_key, &keys, &err);
    if (r == 0)
        r = monitor_open(s->transport, s->stranger, on_event, s, &s->monitor, &err);
    if (r == 0)
        r = zsock_connect(s->stranger, s->endpoint, &err);
    keypair_done(&keys);
    return r;
}

static void begin(struct selftest *s)
{
    s->decided = false;
    s->unclaimed = true;
    try(s); // a failure here is undecided too, and reported by the timer
    timer_set(&s->timer, clock_after(loop_now(), DECIDE_NS), on_timer);
}

// "tcp://0.0.0.0:7117" is reached by the loopback interface.
static void reachable(const char *endpoint, char *ret, size_t size)
{
    const char *host = endpoint + strlen("tcp://");
    const char *port = strrchr(endpoint, ':');
    bool any = strncmp(host, "0.0.0.0:", 8) == 0 || strncmp(host, "*:", 2) == 0 ||
               strncmp(host, "[::]:", 5) == 0;
    if (any)
        snprintf(ret, size, "tcp://127.0.0.1%s", port);
    else
        snprintf(ret, size, "%s", endpoint);
}

int selftest_open(struct transport *t, const char *endpoint, const char *server_key,
                  int64_t interval_ns, void (*done)(void *arg, int result), void *arg,
                  struct selftest **ret, struct err *err)
{
    struct selftest *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, -ENOMEM, "out of memory");
    s->transport = t;
    s->interval_ns = interval_ns;
    s->done = done;
    s->arg = arg;
    reachable(endpoint, s->endpoint, sizeof(s->endpoint));
    snprintf(s->server_key, sizeof(s->server_key), "%s", server_key);
    begin(s);
    *ret = s;
    return 0;
}

bool selftest_claims(struct selftest *s)
{
    bool claims = s && s->unclaimed;
    if (claims)
        s->unclaimed = false;
    return claims;
}

struct selftest *selftest_close(struct selftest *s)
{
    if (!s)
        return NULL;
    timer_cancel(&s->timer);
    loop_unpost(&s->post);
    monitor_close(s->monitor);
    zsock_close(s->stranger);
    free(s);
    return NULL;
}
