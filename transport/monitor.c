#include "transport/monitor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <zmq.h>

#include "transport/zsock_own.h"

#define EVENTS_PER_TURN 1024

struct monitor {
    struct looped looped;
    void *watched; // the socket; borrowed
    void (*report)(void *arg, enum monitor_event event, const char *what);
    void *arg;
    int last_fd; // the highest number that a connection may have
    struct monitor_counts counts;
};

static void report_event(struct monitor *m, enum monitor_event event, const char *what)
{
    if (m->report)
        m->report(m->arg, event, what);
}

static void take_event(struct monitor *m, uint16_t event, uint32_t value)
{
    char what[64];
    switch (event) {
    case ZMQ_EVENT_ACCEPTED:
        m->counts.accepted++;
        // Numbers are assigned from the lowest: a high one shows how many are taken.
        if ((int)value > m->last_fd) {
            shutdown((int)value, SHUT_RDWR);
            m->counts.no_files++;
            report_event(m, MONITOR_NO_FILES,
                         "too many connections for the open files allowed (ulimit -n)");
        }
        return;
    case ZMQ_EVENT_ACCEPT_FAILED:
        m->counts.no_files += value == EMFILE || value == ENFILE;
        report_event(m, MONITOR_NO_FILES, strerror((int)value));
        return;
    case ZMQ_EVENT_DISCONNECTED:
        m->counts.disconnected++;
        return;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        m->counts.greeted++;
        report_event(m, MONITOR_GREETED, "");
        return;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        m->counts.refused++;
        report_event(m, MONITOR_REFUSED, "its key is not on the list");
        return;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        m->counts.failed++;
        snprintf(what, sizeof(what), "not our protocol, or the wrong coordinator's key (%x)",
                 value);
        report_event(m, MONITOR_FAILED, what);
        return;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        m->counts.failed++;
        report_event(m, MONITOR_FAILED, strerror((int)value));
        return;
    default:
        return;
    }
}

static void on_events(void *arg)
{
    struct monitor *m = arg;
    for (int i = 0; i < EVENTS_PER_TURN; i++) {
        char frame[8] = "";
        bool more = false;
        uint16_t event;
        uint32_t value;
        int n = socket_recv_text(m->looped.socket, frame, sizeof(frame), &more);
        if (n < 0)
            return;
        memcpy(&event, frame, sizeof(event));
        memcpy(&value, frame + sizeof(event), sizeof(value));
        socket_skip(m->looped.socket, more);
        if (n == sizeof(event) + sizeof(value))
            take_event(m, event, value);
    }
    m->looped.again = true;
}

static int last_fd(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur > INT_MAX)
        return INT_MAX;
    int n = (int)files.rlim_cur;
    return n - (n / 4 < MONITOR_RESERVE ? n / 4 : MONITOR_RESERVE);
}

int monitor_open(struct transport *t, struct zsock *socket,
                 void (*report)(void *arg, enum monitor_event event, const char *what), void *arg,
                 struct monitor **ret, struct err *err)
{
    char endpoint[64];
    struct monitor *m = calloc(1, sizeof(*m));
    if (!m)
        return err_set(err, -ENOMEM, "out of memory");
    m->watched = socket->socket;
    m->report = report;
    m->last_fd = last_fd();
    m->arg = arg;
    snprintf(endpoint, sizeof(endpoint), "inproc://monitor-%llu",
             (unsigned long long)++t->monitors);
    void *pair = zmq_socket(t->context, ZMQ_PAIR);
    int r = pair ? socket_set_int(pair, ZMQ_LINGER, 0) : -errno;
    if (r == 0 &&
        zmq_socket_monitor(m->watched, endpoint,
                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) < 0)
        r = -errno;
    if (r == 0 && zmq_connect(pair, endpoint) < 0)
        r = -errno;
    if (r == 0)
        r = looped_add(&m->looped, pair, on_events, m);
    if (r < 0) {
        if (pair)
            zmq_close(pair);
        free(m);
        return err_sys(err, r, "can't watch connections");
    }
    *ret = m;
    return 0;
}

struct monitor *monitor_close(struct monitor *m)
{
    if (!m)
        return NULL;
    zmq_socket_monitor(m->watched, NULL, 0);
    looped_done(&m->looped);
    free(m);
    return NULL;
}

void monitor_counts(const struct monitor *m, struct monitor_counts *ret)
{
    *ret = m->counts;
}
