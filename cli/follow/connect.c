#include "cli/follow/connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async/loop.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/args/exit_code.h"
#include "client/find.h"
#include "transport/zsock.h"

int connect_link(struct transport *transport, const struct access *access, struct link **ret,
                 struct err *err)
{
    int r = -EINVAL;
    for (size_t i = 0; i < access->n_endpoints; i++) {
        const struct link_options options = {
            .endpoint = access->endpoints[i], .access = access};
        r = link_open(transport, &options, ret, err);
        if (r != -EHOSTDOWN)
            break;
    }
    return r;
}

struct run {
    const struct connect *connect;
    connect_fn *work;
    void *arg;
};

static int main_task(void *arg)
{
    const struct run *run = arg;
    struct transport *transport = NULL;
    struct link *link = NULL;
    struct access access;
    struct err err = {0};
    int status = EXIT_LOST;
    int r = find_coordinator(run->connect->where, run->connect->key, &access, &err);
    if (r == 0)
        r = transport_new(&transport, &err);
    if (r == 0)
        r = connect_link(transport, &access, &link, &err);
    access_done(&access);
    if (r == 0)
        status = run->work(link, run->arg);
    else
        fprintf(stderr, "fanmill: %s\n", err.text);
    link_close(link);
    transport_free(transport);
    return status;
}

int connect_run(const struct connect *connect, connect_fn *work, void *arg)
{
    struct run run = {.connect = connect, .work = work, .arg = arg};
    int status = loop_run(main_task, &run);
    return status < 0 ? EXIT_FAULT : status;
}

int select_jobs(const char *word, uint64_t *ret_first, uint64_t *ret_last)
{
    char first[24];
    const char *dash = strchr(word, '-');
    if (strcmp(word, "last") == 0) {
        *ret_first = *ret_last = 0;
        return 0;
    }
    if (strcmp(word, "all") == 0) {
        *ret_first = 1;
        *ret_last = UINT64_MAX;
        return 0;
    }
    snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - word) : (int)sizeof(first), word);
    if (parse_u64(first, ret_first) < 0 || *ret_first == 0)
        return -EINVAL;
    if (!dash) {
        *ret_last = *ret_first;
        return 0;
    }
    return parse_u64(dash + 1, ret_last) < 0 || *ret_last < *ret_first ? -EINVAL : 0;
}
