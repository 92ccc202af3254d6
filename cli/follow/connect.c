#include "cli/follow/connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async/loop.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/args/exit_code.h"
#include "client/find.h"
#include "transport/zsock.h"

#define ANSWER_NS (30 * NS_PER_S)

const struct arg connect_flags[] = {
    {0, "connect", SETS_TEXT(struct connect, where), "WHERE",
     "coordinator: access file, state folder or address", .offer = OFFER_FILE},
    {0, "key", SETS_TEXT(struct connect, key), "FILE",
     "take the keys for an address from this access file", .offer = OFFER_FILE},
    {0},
};

int64_t connect_deadline(void)
{
    return clock_after(clock_now(), ANSWER_NS);
}

bool connect_lost(int r)
{
    return r == -EHOSTDOWN || r == -ECONNRESET || r == -ECONNREFUSED;
}

int connect_failed(struct link *link, const struct err *err, int r)
{
    const char *why = link ? link_trouble(link) : "";
    fprintf(stderr, "fanmill: %s\n", why[0] ? why : err->text);
    return connect_lost(r) || r == -ETIMEDOUT ? EXIT_LOST : EXIT_USAGE;
}

static void keep_job(void *arg, const void *row)
{
    *(struct job_info *)arg = *(const struct job_info *)row;
}

int connect_job(struct link *link, uint64_t first, uint64_t last, int64_t deadline,
                struct job_info *ret, struct err *err)
{
    const struct msg_query query = {.what = QUERY_JOBS, .first = first, .last = last};
    *ret = (struct job_info){0};
    int r = link_query(link, &query, keep_job, ret, deadline, err);
    return r == 0 && !ret->id ? err_set(err, -ENOENT, "no such job") : r;
}

static void on_notice(void *arg, const char *endpoint, int64_t silent_ns)
{
    char text[128] = "the coordinator answers again";
    (void)arg;
    if (silent_ns)
        snprintf(text, sizeof(text), "the coordinator has been silent for %lld s: waiting for it",
                 (long long)(silent_ns / NS_PER_S));
    log_warn(text, "at=%s", endpoint);
}

int connect_link(struct transport *transport, const struct access *access, struct link **ret,
                 struct err *err)
{
    int r = -EINVAL;
    for (size_t i = 0; i < access->n_endpoints; i++) {
        const struct link_options options = {
            .endpoint = access->endpoints[i], .access = access, .notice = on_notice};
        r = link_open(transport, &options, ret, err);
        if (r != -EHOSTDOWN)
            break;
    }
    return r;
}

struct connecting {
    const struct connect *connect;
    connect_fn *work;
    void *arg;
};

static int main_task(void *arg)
{
    const struct connecting *c = arg;
    struct transport *transport = NULL;
    struct link *link = NULL;
    struct access access;
    struct err err = {0};
    int status = EXIT_LOST;
    int r = find_coordinator_soon(c->connect->where, c->connect->key, &access, &err);
    if (r == 0)
        r = transport_new(&transport, &err);
    if (r == 0)
        r = connect_link(transport, &access, &link, &err);
    access_done(&access);
    if (r == 0)
        status = c->work(link, c->arg);
    else
        fprintf(stderr, "fanmill: %s\n", err.text);
    link_close(link);
    transport_free(transport);
    return status;
}

int connect_run(const struct connect *connect, connect_fn *work, void *arg)
{
    struct connecting c = {.connect = connect, .work = work, .arg = arg};
    int status = loop_run(main_task, &c);
    return status < 0 ? EXIT_FAULT : status;
}
