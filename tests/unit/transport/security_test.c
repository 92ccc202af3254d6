// Who gets in over TCP: keys, the allow-list, the authentication handler, the self-test.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "async/loop.h"
#include "async/waitq.h"
#include "base/clock.h"
#include "transport/allow.h"
#include "transport/keys.h"
#include "transport/monitor.h"
#include "transport/selftest.h"
#include "transport/zap.h"
#include "transport/zsock.h"

#define LIMIT_NS (20 * NS_PER_S)

struct door {
    struct transport *transport;
    struct zap *zap;
    struct zsock *server;
    struct monitor *monitor;
    struct keypair keys;
    struct keypair known;
    char endpoint[128];
    struct waitq news;
    int messages;
    char user[64];
    struct zconnection connection;
    uint32_t peer;
    int events[4];
    bool everyone;
};

static bool decide(void *arg, const char *key, const char *address, char user[ZAP_USER_MAX])
{
    struct door *d = arg;
    (void)address;
    if (!d->everyone && strcmp(key, d->known.public_key) != 0)
        return false;
    strcpy(user, "worker/node1");
    return true;
}

static void on_message(void *arg)
{
    struct door *d = arg;
    struct zmessage m = {0};
    while (zsock_recv(d->server, &m) == 1) {
        d->messages++;
        snprintf(d->user, sizeof(d->user), "%s", zmessage_user(&m));
        zmessage_connection(&m, &d->connection);
        d->peer = m.peer;
        zmessage_done(&m);
    }
    waitq_wake_all(&d->news);
}

static void on_event(void *arg, enum monitor_event event, const char *what)
{
    struct door *d = arg;
    (void)what;
    d->events[event]++;
    waitq_wake_all(&d->news);
}

static void open_door(struct door *d, bool with_zap)
{
    struct err err = {0};
    cr_assert_eq(keypair_new(&d->keys, &err), 0);
    cr_assert_eq(keypair_new(&d->known, &err), 0);
    cr_assert_eq(transport_new(&d->transport, &err), 0);
    if (with_zap)
        cr_assert_eq(zap_open(d->transport, "fanmill", decide, d, &d->zap, &err), 0, "%s",
                     err.text);
    cr_assert_eq(zsock_open(d->transport, ZSOCK_ROUTER, on_message, d, &d->server, &err), 0);
    cr_assert_eq(zsock_bind(d->server, "tcp://127.0.0.1:*", &err), -EPERM);
    cr_assert_eq(zsock_set_server_keys(d->server, &d->keys, "fanmill", &err), 0, "%s", err.text);
    cr_assert_eq(monitor_open(d->transport, d->server, on_event, d, &d->monitor, &err), 0);
    cr_assert_eq(zsock_bind(d->server, "tcp://127.0.0.1:*", &err), 0, "%s", err.text);
    cr_assert_eq(zsock_endpoint(d->server, d->endpoint, sizeof(d->endpoint)), 0);
}

static void close_door(struct door *d)
{
    monitor_close(d->monitor);
    zsock_close(d->server);
    zap_close(d->zap);
    transport_free(d->transport);
}

static void nothing(void *arg)
{
    (void)arg;
}

static struct zsock *knock(struct door *d, const char *server_key, const struct keypair *keys)
{
    struct zsock *z;
    struct err err = {0};
    cr_assert_eq(zsock_open(d->transport, ZSOCK_DEALER, nothing, d, &z, &err), 0);
    cr_assert_eq(zsock_connect(z, d->endpoint, &err), -EPERM);
    cr_assert_eq(zsock_set_client_keys(z, server_key, keys, &err), 0);
    cr_assert_eq(zsock_connect(z, d->endpoint, &err), 0, "%s", err.text);
    cr_assert_eq(zsock_send(z, 0, "hello", 5, NULL, 0), 0);
    return z;
}

static void until(struct door *d, const int *counter, int n)
{
    while (*counter < n)
        cr_assert_eq(waitq_wait_until(&d->news, clock_after(clock_now(), LIMIT_NS)), 0);
}

static int known_key(void *arg)
{
    struct door d = {0};
    (void)arg;
    open_door(&d, true);
    struct zsock *z = knock(&d, d.keys.public_key, &d.known);
    until(&d, &d.messages, 1);
    cr_expect_str_eq(d.user, "worker/node1");
    cr_expect_not_null(strstr(d.connection.name, "127.0.0.1"), "%s", d.connection.name);
    cr_expect_eq(zap_refused(d.zap), 0);
    // Cutting it ends the connection: ZeroMQ connects again, and what it sends then arrives.
    cr_expect_eq(zconnection_cut(&d.connection), 0);
    struct zconnection before = d.connection;
    until(&d, &d.events[MONITOR_GREETED], 2);
    cr_expect_eq(zsock_send(z, 0, "again", 5, NULL, 0), 0);
    until(&d, &d.messages, 2);
    cr_expect_str_neq(before.name, d.connection.name);
    cr_expect_eq(zconnection_cut(&before), -ENOTCONN, "it is gone, whatever has its number now");
    zsock_close(z);
    close_door(&d);
    return 0;
}

Test(security, a_known_key_comes_in_by_name_and_can_be_cut_off)
{
    cr_assert_eq(loop_run(known_key, NULL), 0);
}

static int strangers(void *arg)
{
    struct door d = {0};
    struct keypair other;
    struct err err;
    (void)arg;
    open_door(&d, true);
    keypair_new(&other, &err);
    struct zsock *unknown = knock(&d, d.keys.public_key, &other);
    until(&d, &d.events[MONITOR_REFUSED], 1);
    zsock_close(unknown);
    struct zsock *wrong = knock(&d, other.public_key, &d.known);
    until(&d, &d.events[MONITOR_FAILED], 1);
    zsock_close(wrong);
    struct monitor_counts counts;
    monitor_counts(d.monitor, &counts);
    cr_expect_geq(counts.refused, 1);
    cr_expect_geq(counts.failed, 1);
    cr_expect_eq(counts.greeted, 0);
    cr_expect_eq(d.messages, 0, "a stranger got a message through");
    cr_expect_geq(zap_refused(d.zap), 1);
    close_door(&d);
    return 0;
}

Test(security, strangers_get_nothing_and_are_counted)
{
    cr_assert_eq(loop_run(strangers, NULL), 0);
}

struct tried {
    struct waitq news;
    int n;
    int result;
};

static void on_tried(void *arg, int result)
{
    struct tried *t = arg;
    t->n++;
    t->result = result;
    waitq_wake_all(&t->news);
}

static int try_door(void *arg)
{
    struct door d = {.everyone = *(bool *)arg};
    struct tried t = {0};
    struct selftest *s;
    struct err err;
    open_door(&d, true);
    cr_assert_eq(selftest_open(d.transport, d.endpoint, d.keys.public_key, NS_PER_MS, on_tried, &t,
                               &s, &err),
                 0);
    while (t.n < 3)
        cr_assert_eq(waitq_wait_until(&t.news, clock_after(clock_now(), LIMIT_NS)), 0);
    selftest_close(s);
    close_door(&d);
    return t.result;
}

Test(security, the_self_test_passes_where_strangers_are_refused)
{
    bool everyone = false;
    cr_assert_eq(loop_run(try_door, &everyone), 0);
}

Test(security, the_self_test_finds_an_open_door)
{
    bool everyone = true;
    cr_assert_eq(loop_run(try_door, &everyone), -EACCES);
}

static int without_handler(void *arg)
{
    struct door d = {0};
    (void)arg;
    open_door(&d, false);
    struct zsock *z = knock(&d, d.keys.public_key, &d.known);
    until(&d, &d.events[MONITOR_FAILED], 1);
    cr_expect_eq(d.messages, 0, "without a handler no peer is admitted");
    zsock_close(z);
    close_door(&d);
    return 0;
}

Test(security, without_the_handler_no_peer_is_admitted)
{
    cr_assert_eq(loop_run(without_handler, NULL), 0);
}

struct list {
    struct allow *allow;
    struct waitq news;
    int changes;
    int bad;
    char folder[64];
};

static void on_change(void *arg)
{
    struct list *l = arg;
    l->changes++;
    waitq_wake_all(&l->news);
}

static void on_bad(void *arg, const char *why)
{
    struct list *l = arg;
    (void)why;
    l->bad++;
}

static void until_known(struct list *l, const char *key, bool known)
{
    while ((allow_find(l->allow, key) != NULL) != known)
        cr_assert_eq(waitq_wait_until(&l->news, clock_after(clock_now(), LIMIT_NS)), 0);
}

static int allow_list(void *arg)
{
    struct list l = {.folder = "/tmp/fanmill-unit-XXXXXX"};
    struct keypair one, two;
    struct err err = {0};
    struct allowed peer = {.name = "n1", .role = ROLE_WORKER};
    char path[128];
    (void)arg;
    keypair_new(&one, &err);
    keypair_new(&two, &err);
    cr_assert_not_null(mkdtemp(l.folder));
    memcpy(peer.public_key, one.public_key, KEY_TEXT);
    cr_assert_eq(allow_add(l.folder, &peer, &err), 0, "%s", err.text);
    cr_assert_eq(allow_open(l.folder, on_change, on_bad, &l, &l.allow, &err), 0, "%s", err.text);
    cr_expect_eq(allow_len(l.allow), 1);
    cr_expect_str_eq(allow_find(l.allow, one.public_key)->name, "n1");
    cr_expect_null(allow_find(l.allow, two.public_key));
    cr_expect_null(allow_find(l.allow, "short"));
    // Added live; the name must be free.
    cr_expect_eq(allow_add(l.folder, &peer, &err), -EEXIST);
    strcpy(peer.name, "n2");
    peer.role = ROLE_CLIENT;
    memcpy(peer.public_key, two.public_key, KEY_TEXT);
    cr_assert_eq(allow_add(l.folder, &peer, &err), 0);
    until_known(&l, two.public_key, true);
    cr_expect_eq(allow_find(l.allow, two.public_key)->role, ROLE_CLIENT);
    // Removed live.
    cr_assert_eq(allow_remove(l.folder, "n1", &err), 0);
    until_known(&l, one.public_key, false);
    // A file that others can write, and an invalid one, are left out.
    snprintf(path, sizeof(path), "%s/n2.peer", l.folder);
    int changes = l.changes;
    chmod(path, 0666);
    until_known(&l, two.public_key, false);
    cr_expect_gt(l.changes, changes);
    cr_expect_gt(l.bad, 0);
    // Its time is over while we look on.
    strcpy(peer.name, "n3");
    peer.expires = (int64_t)time(NULL) + 2;
    memcpy(peer.public_key, one.public_key, KEY_TEXT);
    cr_assert_eq(allow_add(l.folder, &peer, &err), 0);
    until_known(&l, one.public_key, true);
    until_known(&l, one.public_key, false);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", l.folder);
    cr_assert_eq(system(command), 0);
    allow_reload(l.allow);
    cr_expect_eq(allow_len(l.allow), 0, "without its folder the list is empty");
    allow_close(l.allow);
    return 0;
}

Test(security, the_allow_list_follows_its_folder)
{
    cr_assert_eq(loop_run(allow_list, NULL), 0);
}
