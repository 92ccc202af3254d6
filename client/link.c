#include "client/link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/container.h"
#include "client/internal.h"
#include "transport/access.h"

int64_t link_now(const struct link *link)
{
    return link->options.in_loop ? loop_now() : clock_now();
}

const char *link_trouble(const struct link *link)
{
    return link->trouble.text;
}

void link_fail(struct link *link, int code, const char *fmt, ...)
{
    if (link->state == LINK_OVER)
        return;
    va_list ap;
    va_start(ap, fmt);
    link->code = err_setv(&link->trouble, code, fmt, ap);
    va_end(ap);
    link->state = LINK_OVER;
    for (struct results *results = link->results; results; results = results->next)
        results_notify(results);
    if (link->options.in_loop)
        waitq_wake_all(&link->wake);
}

void link_send(struct link *link, const void *body, size_t body_len)
{
    if (link->state == LINK_OVER)
        return;
    zsock_send(link->socket, 0, link->scratch.data, link->scratch.len, body, body_len);
}

static void say_hello(struct link *link)
{
    struct msg_hello hello = {.version_min = PROTO_VERSION_MIN, .version_max = PROTO_VERSION_MAX};
    memcpy(hello.session, link->session, sizeof(hello.session));
    snprintf(hello.software, sizeof(hello.software), "fanmill %s", FM_VERSION);
    link->state = LINK_GREETING;
    buf_clear(&link->scratch);
    if (msg_put(&link->scratch, MSG_HELLO, &hello) == 0)
        link_send(link, NULL, 0);
}

static void send_request(struct link *link, const struct request *request)
{
    zsock_send(link->socket, 0, request->header.data, request->header.len, request->body,
               request->body_len);
}

static int on_welcome(struct link *link, const struct zmessage *m, struct err *err)
{
    struct msg_welcome welcome;
    int r = msg_get(m->header, m->header_len, MSG_WELCOME, &welcome, err);
    if (r < 0)
        return r;
    if (link->epoch && link->epoch != welcome.epoch) {
        link_fail(link, -ECONNRESET,
                  "the coordinator was started anew; without a journal its jobs are gone");
        return 0;
    }
    link->epoch = welcome.epoch;
    link->state = LINK_READY;
    zmessage_connection(m, &link->connection);
    for (struct request *request = link->requests; request; request = request->next)
        send_request(link, request);
    for (struct results *results = link->results; results; results = results->next)
        results_reopen(results);
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

static struct request *find_request(const struct link *link, uint64_t number)
{
    struct request *request = link->requests;
    while (request && request->number != number)
        request = request->next;
    return request;
}

static int on_answer(struct link *link, const struct zmessage *m, struct err *err)
{
    struct msg_answer answer;
    int r = msg_get(m->header, m->header_len, MSG_ANSWER, &answer, err);
    struct request *request = r < 0 ? NULL : find_request(link, answer.request);
    if (!request)
        return r;
    request->answer = answer;
    request->answered = true;
    if (request->feed && answer.code == 0)
        request->feed->job = answer.value; // its first WANT may be the next message
    return 0;
}

static int on_info(struct link *link, const struct zmessage *m, struct err *err)
{
    union {
        struct job_info job;
        struct worker_info worker;
        struct line_info line;
    } row;
    struct info_reader reader;
    int r = info_open(&reader, m->header, m->header_len, err);
    struct request *request = r < 0 ? NULL : find_request(link, reader.request);
    if (!request || !request->row || request->what != reader.what)
        return r;
    while ((r = info_next(&reader, &row, err)) == 1)
        request->row(request->arg, &row);
    request->answered = r == 0 && !reader.more;
    return r;
}

static int on_records(struct link *link, struct zmessage *m, struct err *err)
{
    struct records_reader reader;
    int r = records_open(&reader, m->header, m->header_len, m->body ? m->body->data : NULL,
                         m->body ? m->body->len : 0, err);
    struct results *results = r < 0 ? NULL : results_find(link, reader.stream);
    if (results)
        results_on_records(results, m, &reader);
    return r;
}

static int on_end(struct link *link, const struct zmessage *m, struct err *err)
{
    struct msg_end end;
    int r = msg_get(m->header, m->header_len, MSG_END, &end, err);
    struct results *results = r < 0 ? NULL : results_find(link, end.stream);
    if (results)
        results_on_end(results, end.code, &end.job);
    return r;
}

static int on_want(struct link *link, const struct zmessage *m, struct err *err)
{
    struct msg_want want;
    int r = msg_get(m->header, m->header_len, MSG_WANT, &want, err);
    struct feed *feed = r < 0 ? NULL : feed_find(link, want.job);
    if (feed)
        feed_on_want(feed, &want);
    return r;
}

static int on_fetch(struct link *link, const struct zmessage *m, struct err *err)
{
    struct msg_fetch fetch;
    int r = msg_get(m->header, m->header_len, MSG_FETCH, &fetch, err);
    struct feed *feed = r < 0 ? NULL : feed_find(link, fetch.job);
    if (feed)
        feed_on_fetch(feed, &fetch);
    return r;
}

static int dispatch(struct link *link, struct zmessage *m, struct err *err)
{
    int type = msg_type_of(m->header, m->header_len);
    if (type == MSG_REFUSE)
        return on_refuse(link, m, err);
    if (type == MSG_WELCOME)
        return on_welcome(link, m, err);
    if (type == MSG_HEARTBEAT || link->state == LINK_GREETING)
        return 0; // of before the break
    switch (type) {
    case MSG_ANSWER:
        return on_answer(link, m, err);
    case MSG_INFO:
        return on_info(link, m, err);
    case MSG_RECORDS:
        return on_records(link, m, err);
    case MSG_END:
        return on_end(link, m, err);
    case MSG_WANT:
        return on_want(link, m, err);
    case MSG_FETCH:
        return on_fetch(link, m, err);
    case MSG_BYE:
        link_fail(link, -EHOSTDOWN, "the coordinator has ended");
        return 0;
    default:
        return err_set(err, -EPROTO, "unexpected message %s", msg_name(type));
    }
}

// True when there may be more.
static bool read_some(struct link *link)
{
    for (int i = 0; i < LINK_MESSAGES_PER_TURN && link->state != LINK_OVER; i++) {
        struct zmessage m = {0};
        struct err err = {0};
        int r = zsock_recv(link->socket, &m);
        if (r == -EAGAIN)
            return false;
        if (r == 1) {
            link->last_heard = link_now(link);
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
    waitq_wake_all(&link->wake);
}

// Asks a silent coordinator whether it is there, and gives up after a while.
static void look(struct link *link, int64_t now)
{
    if (now - link->last_heard > LINK_PROBE_NS && zconnection_is_receiving(&link->connection))
        link->last_heard = now;
    int64_t silent = now - link->last_heard;
    if (silent > link->options.silence_ns) {
        if (link->epoch)
            link_fail(link, -EHOSTDOWN, "the coordinator at %s has been silent for %lld s",
                      link->options.endpoint, (long long)(silent / NS_PER_S));
        else
            link_fail(link, -EHOSTDOWN, "no coordinator answers at %s", link->options.endpoint);
    } else if (silent > LINK_PROBE_NS && now - link->last_asked > LINK_PROBE_NS &&
               link->state == LINK_READY) {
        link->last_asked = now;
        buf_clear(&link->scratch);
        if (msg_put(&link->scratch, MSG_HEARTBEAT, &(struct msg_heartbeat){0}) == 0)
            link_send(link, NULL, 0);
    }
}

static void on_timer(struct timer *timer)
{
    struct link *link = container_of(timer, struct link, timer);
    look(link, loop_now());
    if (link->state != LINK_OVER)
        timer_set(&link->timer, clock_after(loop_now(), NS_PER_S), on_timer);
}

int link_poll(struct link *link)
{
    if (!link->options.in_loop) {
        while (zsock_readable(link->socket) && read_some(link))
            ;
        look(link, clock_now());
    }
    return link->state == LINK_OVER ? link->code : 0;
}

static int block(struct link *link, int64_t deadline)
{
    int64_t now = clock_now();
    if (zsock_readable(link->socket)) {
        read_some(link);
        return 0;
    }
    if (deadline <= now)
        return -ETIMEDOUT;
    int64_t until = clock_after(now, NS_PER_S) < deadline ? now + NS_PER_S : deadline;
    struct pollfd fds[2] = {{.fd = zsock_fd(link->socket), .events = POLLIN},
                            {.fd = feed_waits_for(link), .events = POLLIN}};
    // Rounded up: to wake a little early would be to wake twice.
    int r = poll(fds, fds[1].fd < 0 ? 1 : 2, (int)((until - now + NS_PER_MS - 1) / NS_PER_MS));
    if (r < 0 && errno != EINTR)
        return -errno;
    if (fds[1].fd >= 0 && fds[1].revents)
        feed_readable(link);
    look(link, clock_now());
    return 0;
}

int link_wait(struct link *link, int64_t deadline)
{
    if (link->state == LINK_OVER)
        return link->code;
    int r = link->options.in_loop ? waitq_wait_until(&link->wake, deadline) : block(link, deadline);
    if (link->state == LINK_OVER)
        return link->code;
    return r;
}

static int greet(struct link *link, struct err *err)
{
    int r = 0;
    while (r == 0 && link->state == LINK_GREETING)
        r = link_wait(link, CLOCK_FOREVER);
    if (link->state == LINK_OVER)
        return err_set(err, link->code, "%s", link->trouble.text);
    return r < 0 ? err_set(err, r, "cancelled") : 0;
}

static int connect_socket(struct transport *transport, struct link *link, struct err *err)
{
    int r = link->options.in_loop
                ? zsock_open(transport, ZSOCK_DEALER, pump, link, &link->socket, err)
                : zsock_open_plain(transport, ZSOCK_DEALER, &link->socket, err);
    const struct access *access = link->options.access;
    if (r == 0 && access && access->keys.secret_key[0])
        r = zsock_set_client_keys(link->socket, access->coordinator, &access->keys, err);
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
    if (!link->options.silence_ns)
        link->options.silence_ns = LINK_SILENCE_NS;
    batch_reader_init(&link->reader);
    buf_init(&link->scratch, PROTO_HEADER_MAX);
    link->last_heard = link_now(link);
    link->connection.fd = -1;
    int r = 0;
    if (getrandom(link->session, sizeof(link->session), 0) != sizeof(link->session))
        r = err_set(err, -EIO, "no random numbers");
    if (r == 0)
        r = connect_socket(transport, link, err);
    if (r == 0) {
        say_hello(link);
        if (link->options.in_loop)
            timer_set(&link->timer, clock_after(loop_now(), NS_PER_S), on_timer);
        r = greet(link, err);
    }
    if (r < 0) {
        link_close(link);
        return r;
    }
    *ret = link;
    return 0;
}

struct link *link_close(struct link *link)
{
    if (!link)
        return NULL;
    if (link->state == LINK_READY) {
        buf_clear(&link->scratch);
        if (msg_put(&link->scratch, MSG_BYE, &(struct msg_bye){.reason = "done"}) == 0)
            link_send(link, NULL, 0);
        zsock_set_linger(link->socket, ZSOCK_BYE_MS);
    }
    if (link->options.in_loop)
        timer_cancel(&link->timer);
    zsock_close(link->socket);
    batch_reader_done(&link->reader);
    buf_done(&link->scratch);
    free(link);
    return NULL;
}
