// Connecting and disconnecting of the C interface.
#include <errno.h>
#include <stdlib.h>

#include "client/find.h"
#include "client/fm.h"
#include "transport/access.h"
#include "transport/zsock.h"

// Of the loop and of its tasks, which functions of the program run in (fm_merge, fm_pmap). Only
// what is touched costs memory.
#define STACK_BYTES ((size_t)1 << 20)

void fm_client_adopt(struct fm_client *client, struct fm_job *job)
{
    job->client = client;
    LIST_INSERT_HEAD(&client->jobs, job, entry);
}

static int connect_any(struct fm_client *client, const struct access *access, struct err *err)
{
    struct visit visit;
    int r = -EINVAL;
    visit_begin(&visit, client->loop);
    for (size_t i = 0; i < access->n_endpoints; i++) {
        const struct link_options options = {.endpoint = access->endpoints[i], .access = access};
        r = link_open(client->transport, &options, &client->link, err);
        if (r != -EHOSTDOWN)
            break;
    }
    visit_end(&visit);
    return r;
}

FM_API int fm_connect(const char *where, struct fm_client **ret_client)
{
    const struct loop_options options = {.stack_bytes = STACK_BYTES};
    struct access access = {0};
    struct err err = {0};
    struct fm_client *client = calloc(1, sizeof(*client));
    if (!client)
        return fm_failf(-ENOMEM, "out of memory");
    int r = find_coordinator(where, NULL, &access, &err);
    if (r == 0)
        r = transport_new(&client->transport, &err);
    if (r == 0 && (r = loop_new(&options, &client->loop)) < 0)
        err_sys(&err, r, "can't start the client's loop");
    if (r == 0)
        r = connect_any(client, &access, &err);
    access_done(&access);
    if (r < 0) {
        loop_free(client->loop);
        transport_free(client->transport);
        free(client);
        return fm_fail(r, &err);
    }
    *ret_client = client;
    return 0;
}

FM_API void fm_disconnect(struct fm_client *client)
{
    struct fm_stream *s;
    struct fm_job *job;
    struct visit visit;
    if (!client)
        return;
    visit_begin(&visit, client->loop);
    while ((s = LIST_FIRST(&client->streams)))
        fm_stream_abandon(s);
    // Handles that the program still has are of no use any more, and do no harm.
    LIST_FOREACH (job, &client->jobs, entry) {
        job->feed = feed_close(job->feed);
        job->client = NULL;
    }
    link_close(client->link);
    visit_end(&visit);
    loop_free(client->loop);
    transport_free(client->transport);
    free(client);
}
