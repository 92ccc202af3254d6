// fm_pmap: a parallel map on workers. A task pushes the input's results as items of a job, whose
// results are the stream's.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "async/group.h"
#include "base/container.h"
#include "client/fm.h"

struct remote_map {
    struct stream stream;
    struct fm_stream *handle;
    struct fm_job *job;
    struct stream *in;
    struct stream *out;
    struct group group;    // the task that pushes
    struct semaphore room; // items that may still be on their way
    bool begun;
    int in_code;
};

static int push_all(struct remote_map *m)
{
    void *arg;
    int r;
    while ((r = semaphore_get(&m->room)) == 0 && (r = stream_next_patiently(m->in, &arg)) == 1) {
        struct fm_item *item = arg;
        r = feed_push(m->job->feed, item->result.data, item->result.size);
        fm_item_drop(item);
        if (r < 0 && task_check() == 0)
            fm_stream_fail(m->handle, r, "an item of fm_pmap can't be pushed: %s", strerror(-r));
        if (r < 0)
            break;
    }
    return r;
}

static int pushes(void *arg)
{
    struct remote_map *m = arg;
    m->in_code = push_all(m);
    feed_push_end(m->job->feed);
    return 0;
}

static int remote_next(struct stream *stream, void **ret)
{
    struct remote_map *m = container_of(stream, struct remote_map, stream);
    int r = m->begun ? 0 : group_spawn(&m->group, "pmap", pushes, m);
    if (r < 0)
        return r;
    m->begun = true;
    r = stream_next(m->out, ret);
    if (r == 1 && !((const struct fm_item *)*ret)->result.partial)
        semaphore_put(&m->room);
    return r == 0 ? m->in_code : r; // the input's error comes after its results
}

static void remote_close(struct stream *stream)
{
    struct remote_map *m = container_of(stream, struct remote_map, stream);
    group_end(&m->group);
    stream_close(m->out);
    fm_job_free(m->job);
    stream_close(m->in);
    free(m);
}

static struct remote_map *map_new(struct fm_stream *handle, struct fm_stream *in, size_t limit)
{
    static const struct stream_ops ops = {remote_next, remote_close};
    struct remote_map *m = calloc(1, sizeof(*m));
    struct stream *input = fm_stream_input(handle, in);
    if (!m || !input) {
        stream_close(input);
        free(m);
        return NULL;
    }
    m->stream = (struct stream){.ops = &ops, .drop = fm_item_drop};
    m->handle = handle;
    m->in = input;
    m->room.n = limit < UINT32_MAX ? (unsigned)limit : UINT32_MAX;
    handle->stream = &m->stream;
    return m;
}

static int begin_job(struct remote_map *m, const struct fm_spec *spec, size_t limit)
{
    const struct fm_stream_options options = {.size = sizeof(options), .window_items = limit};
    int r = fm_submit(m->handle->client, spec, NULL, &m->job);
    struct fm_stream *out = r == 0 ? fm_results(m->job, &options) : NULL;
    if (out)
        m->out = fm_stream_input(m->handle, out);
    return m->out ? 0 : -1;
}

FM_API struct fm_stream *fm_pmap(struct fm_stream *in, struct fm_client *client,
                                 const struct fm_spec *spec, size_t limit)
{
    struct visit visit;
    struct fm_stream *s = in ? fm_stream_new(client) : NULL;
    if (!s) {
        fm_stream_close(in);
        return NULL;
    }
    if (limit == 0)
        limit = 1;
    visit_begin(&visit, client->loop);
    struct remote_map *m = map_new(s, in, limit);
    if (m && begin_job(m, spec, limit) < 0) {
        fm_stream_end(s, FM_CANCEL_TERM, fm_deadline(FM_CLOSE_SECONDS));
        s = NULL; // fm_error() says what failed
    }
    visit_end(&visit);
    return s ? fm_stream_made(s) : NULL;
}
