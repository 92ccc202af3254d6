#include "client/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "async/loop.h"
#include "async/thread.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/container.h"
#include "client/part.h"
#include "transport/access.h"
#include "transport/monitor.h"
#include "transport/reach.h"
#include "transport/zsock.h"

#define MESSAGES_PER_TURN 64
#define PROBE_NS (2 * NS_PER_S) // of silence, then we ask whether it is still there
#define NOTICE_AGAIN_NS (60 * NS_PER_S)
#define LOOK_NS (600 * NS_PER_MS) // without a greeting, then we look whether anybody is there
#define REACH_MS 2000             // that may take
#define HANDSHAKES_MAX 3          // failed ones in a row

enum link_state { LINK_GREETING, LINK_READY, LINK_OVER };

struct link {
    struct link_options options;
    char endpoint[256];
    struct zsock *socket;
    struct monitor *monitor; // of a connection with keys; NULL
    unsigned handshakes_failed;
    struct zconnection connection; // that WELCOME came by
    enum link_state state;
    int code; // LINK_OVER: why
    struct err trouble;
    uint8_t session[PROTO_SESSION_BYTES];
    uint64_t epoch; // 0: not greeted yet
    uint64_t last_number;
    SLIST_HEAD(, link_part) parts;
    struct buf scratch;
    struct waitq greeted;
    struct timer timer;
    int64_t last_heard;
    int64_t last_asked;
    int64_t next_notice; // of silence; 0: none was given
};

int link_check(const struct link *link)
{
    return link->state == LINK_OVER ? link->code : 0;
}

const char *link_trouble(const struct link *link)
{
    return link->trouble.text;
}

bool link_is_ready(const struct link *link)
{
    return link->state == LINK_READY;
}

uint64_t link_number(struct link *link)
{
    return ++link->last_number;
}

struct link_part *link_part(struct link *link, const struct link_part_ops *ops)
{
    struct link_part *part;
    SLIST_FOREACH (part, &link->parts, entry)
        if (part->ops == ops)
            return part;
    part = calloc(1, ops->size);
    if (!part)
        return NULL;
    part->ops = ops;
    part->link = link;
    SLIST_INSERT_HEAD(&link->parts, part, entry);
    return part;
}

void link_fail(struct link *link, int code, const char *fmt, ...)
{
    struct link_part *part;
    if (link->state == LINK_OVER)
        return;
    va_list ap;
    va_start(ap, fmt);
    link->code = err_setv(&link->trouble, code, fmt, ap);
    va_end(ap);
    link->state = LINK_OVER;
    SLIST_FOREACH (part, &link->parts, entry)
        part->ops->on_broken(part);
    waitq_wake_all(&link->greeted);
}

int link_wait(struct link *link, struct waitq *q, int64_t deadline)
{
    if (link->state == LINK_OVER)
        return link->code;
    int r = waitq_wait_until(q, deadline);
    return link->state == LINK_OVER ? link->code : r;
}

void link_send(struct link *link, const struct buf *header, const void *body, size_t body_len)
{
    if (link->state != LINK_OVER)
        zsock_send(link->socket, 0, header->data, header->len, body, body_len);
}

void link_say_with(struct link *link, enum msg_type type, const void *m, const void *body,
                   size_t body_len)
{
    buf_clear(&link->scratch);
    if (msg_put(&link->scratch, type, m) == 0)
        link_send(link, &link->scratch, body, body_len);
}

void link_say(struct link *link, enum msg_type type, const void *m)
{
    link_say_with(link, type, m, NULL, 0);
}

static void say_hello(struct link *link)
{
    struct msg_hello hello = {.version_min = PROTO_VERSION_MIN, .version_max = PROTO_VERSION_MAX};
    memcpy(hello.session, link->session, sizeof(hello.session));
    snprintf(hello.software, sizeof(hello.software), "fanmill %s", FM_VERSION);
    link->state = LINK_GREETING;
    link_say(link, MSG_HELLO, &hello);
}

static int on_welcome(struct link *link, const struct zmessage *m, struct err *err)
{
    struct msg_welcome welcome;
    struct link_part *part;
    int r = msg_get(m->header, m->header_len, MSG_WELCOME, &welcome, err);
    if (r < 0)
        return r;
    if (link->epoch && link->epoch != welcome.epoch) {
        link_fail(link, -ECONNRESET,
                  "the coordinator was restarted; without a journal its jobs are gone");
        return 0;
    }
    link->epoch = welcome.epoch;
    link->state = LINK_READY;
    zmessage_connection(m, &link->connection);
    SLIST_FOREACH (part, &link->parts, entry)
        if (part->ops->on_ready)
            part->ops->on_ready(part);
    waitq_wake_all(&link->greeted);
    return 0;
}

static int on_refuse(struct link *link, const struct zmessage *m, struct err *err)
{
    struct msg_refuse refuse;
    int r = msg_get(m->header, m->header_len, MSG_REFUSE, &refuse, err);
    if (r < 0)
        return r;
    if (refuse.code == -ENOTCONN) {
        if (link->state != LINK_GREETING)
            say_hello(link);
    } else
        link_fail(link, refuse.code == -EPROTONOSUPPORT ? refuse.code : -ECONNREFUSED,
                  "the coordinator refused: %s", refuse.text);
    return 0;
}

static int dispatch(struct link *link, struct zmessage *m, struct err *err)
{
    int type = msg_type_of(m->header, m->header_len);
    struct link_part *part;
    if (type == MSG_REFUSE)
        return on_refuse(link, m, err);
    if (type == MSG_WELCOME)
        return on_welcome(link, m, err);
    if (type == MSG_HEARTBEAT || link->state == LINK_GREETING)
        return 0; // from before the break
    if (type == MSG_BYE) {
        link_fail(link, -EHOSTDOWN, "the coordinator has ended");
        return 0;
    }
    SLIST_FOREACH (part, &link->parts, entry)
        for (size_t i = 0; i < part->ops->n_routes; i++)
            if ((int)part->ops->routes[i].type == type)
                return part->ops->routes[i].take(part, m, err);
    return err_set(err, -EPROTO, "unexpected message %s", msg_name(type));
}

// True when more may have come.
static bool read_some(struct link *link)
{
    for (int i = 0; i < MESSAGES_PER_TURN && link->state != LINK_OVER; i++) {
        struct zmessage m = {0};
        struct err err = {0};
        int r = zsock_recv(link->socket, &m);
        if (r == -EAGAIN)
            return false;
        if (r == 1) {
            link->last_heard = loop_now();
            r = dispatch(link, &m, &err);
        } else {
            err_set(&err, r, "a message has too many frames");
        }
        zmessage_done(&m);
        if (r < 0)
            link_fail(link, r, "the coordinator sent nonsense: %s", err.text);
    }
    return link->state != LINK_OVER;
}

static void pump(void *arg)
{
    struct link *link = arg;
    if (read_some(link))
        zsock_again(link->socket);
}

static void notice(struct link *link, int64_t silent)
{
    if (link->options.notice)
        link->options.notice(link->options.arg, link->options.endpoint, silent);
}

static void check_notice(struct link *link, int64_t now, int64_t silent)
{
    if (silent < LINK_NOTICE_NS) {
        if (link->next_notice)
            notice(link, 0);
        link->next_notice = 0;
    } else if (now >= link->next_notice) {
        notice(link, silent);
        link->next_notice = clock_after(now, NOTICE_AGAIN_NS);
    }
}

// Asks a silent coordinator whether it is still alive, and gives up after a while.
static void check_silence(struct link *link, int64_t now)
{
    if (now - link->last_heard > PROBE_NS && zconnection_is_receiving(&link->connection))
        link->last_heard = now;
    int64_t silent = now - link->last_heard;
    int64_t patience = link->epoch || link->options.silence_ns < LINK_ANSWER_NS
                           ? link->options.silence_ns
                           : LINK_ANSWER_NS;
    if (link->epoch)
        check_notice(link, now, silent);
    if (silent > patience) {
        if (link->epoch)
            link_fail(link, -EHOSTDOWN, "the coordinator at %s has been silent for %lld s",
                      link->options.endpoint, (long long)(silent / NS_PER_S));
        else
            link_fail(link, -EHOSTDOWN, "no coordinator answers at %s", link->options.endpoint);
    } else if (silent > PROBE_NS && now - link->last_asked > PROBE_NS &&
               link->state == LINK_READY) {
        link->last_asked = now;
        link_say(link, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
    }
}

static void on_timer(struct timer *timer)
{
    struct link *link = container_of(timer, struct link, timer);
    // If the loop stood still, what came meanwhile was read before this: descriptors come first.
    check_silence(link, loop_now());
    if (link->state != LINK_OVER)
        timer_set(&link->timer, clock_after(loop_now(), NS_PER_S), on_timer);
}

// The handshake tells at once what no patience mends.
static void on_handshake(void *arg, enum monitor_event event, const char *what)
{
    struct link *link = arg;
    const struct access *access = link->options.access;
    if (link->epoch || link->state == LINK_OVER)
        return;
    if (event == MONITOR_REFUSED)
        link_fail(link, -ECONNREFUSED,
                  "the coordinator at %s refused the key of '%s': it is not on its list. It was "
                  "revoked, has expired, or was never invited there; a new one: fanmill invite %s "
                  "%s",
                  link->options.endpoint, access->name, role_name(access->role), access->name);
    // One may be cut off by chance.
    else if (event == MONITOR_FAILED && ++link->handshakes_failed >= HANDSHAKES_MAX)
        link_fail(link, -EHOSTDOWN,
                  "%s answers, but not as the coordinator of this access file: it has another key "
                  "(made anew?), or is no fanmill coordinator",
                  link->options.endpoint);
    (void)what;
}

struct reaching {
    char endpoint[ACCESS_ENDPOINT_MAX];
    struct err err;
};

static int reach(void *arg)
{
    struct reaching *reaching = arg;
    return reach_try(reaching->endpoint, REACH_MS, &reaching->err) < 0 ? 1 : 0;
}

// No greeting so far: looks whether anybody is there at all. 0, or -ECANCELED.
static int look_for(struct link *link)
{
    struct reaching *reaching = calloc(1, sizeof(*reaching));
    if (!reaching)
        return 0;
    snprintf(reaching->endpoint, sizeof(reaching->endpoint), "%s", link->endpoint);
    int r = thread_run(reach, reaching, free);
    if (r < 0)
        return r == -EAGAIN ? 0 : r;
    if (r == 1 && link->state == LINK_GREETING)
        link_fail(link, -EHOSTDOWN, "%s", reaching->err.text);
    else if (link->state == LINK_GREETING)
        notice(link, loop_now() - link->last_heard);
    free(reaching);
    return 0;
}

static int greet(struct link *link, struct err *err)
{
    int r = 0;
    int64_t look_at = clock_after(loop_now(), LOOK_NS);
    bool is_far = strncmp(link->endpoint, "inproc://", 9) != 0;
    say_hello(link);
    while (r == 0 && link->state == LINK_GREETING) {
        r = link_wait(link, &link->greeted, is_far ? look_at : CLOCK_FOREVER);
        if (r != -ETIMEDOUT)
            continue;
        is_far = false;
        r = look_for(link);
    }
    if (link->state == LINK_OVER)
        return err_set(err, link->code, "%s", link->trouble.text);
    return r < 0 ? err_set(err, r, "cancelled") : 0;
}

static int connect_socket(struct transport *transport, struct link *link, struct err *err)
{
    int r = zsock_open(transport, ZSOCK_DEALER, pump, link, &link->socket, err);
    const struct access *access = link->options.access;
    if (r == 0 && access && access->keys.secret_key[0]) {
        r = zsock_set_client_keys(link->socket, access->coordinator, &access->keys, err);
        if (r == 0)
            r = monitor_open(transport, link->socket, on_handshake, link, &link->monitor, err);
    }
    return r < 0 ? r : zsock_connect(link->socket, link->options.endpoint, err);
}

int link_open(struct transport *transport, const struct link_options *options, struct link **ret,
              struct err *err)
{
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        return err_set(err, -ENOMEM, "out of memory");
    link->options = *options;
    snprintf(link->endpoint, sizeof(link->endpoint), "%s", options->endpoint);
    link->options.endpoint = link->endpoint;
    link->options.session = NULL; // borrowed
    if (!link->options.silence_ns)
        link->options.silence_ns = LINK_SILENCE_NS;
    buf_init(&link->scratch, PROTO_HEADER_MAX);
    link->last_heard = loop_now();
    link->connection.fd = -1;
    int r = 0;
    if (options->session)
        memcpy(link->session, options->session, sizeof(link->session));
    else if (getrandom(link->session, sizeof(link->session), 0) != sizeof(link->session))
        r = err_set(err, -EIO, "can't get random bytes");
    if (r == 0)
        r = connect_socket(transport, link, err);
    if (r == 0)
        r = timer_set(&link->timer, clock_after(loop_now(), NS_PER_S), on_timer);
    if (r == 0)
        r = greet(link, err);
    if (r < 0) {
        link_close(link);
        return r;
    }
    *ret = link;
    return 0;
}

struct link *link_close(struct link *link)
{
    struct link_part *part;
    if (!link)
        return NULL;
    if (link->state == LINK_READY) {
        link_say(link, MSG_BYE, &(struct msg_bye){.reason = "done"});
        zsock_set_linger(link->socket, ZSOCK_BYE_MS);
    }
    timer_cancel(&link->timer);
    monitor_close(link->monitor);
    zsock_close(link->socket);
    while ((part = SLIST_FIRST(&link->parts))) {
        SLIST_REMOVE_HEAD(&link->parts, entry);
        free(part);
    }
    buf_done(&link->scratch);
    free(link);
    return NULL;
}
