// A stream as an input of another. One of another client stays what it is: that client's loop is
// visited for what has arrived, and its stream's descriptor is waited for in our own loop.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "async/io.h"
#include "base/cleanup.h"
#include "base/container.h"
#include "client/fm.h"

struct foreign_stream {
    struct stream stream;
    struct fm_stream *in;   // of the other client; owned
    struct fm_stream *home; // that it is an input of
};

static int fail_next(const struct foreign_stream *f, int r)
{
    return fm_stream_fail(f->home, r, "%s",
                          f->in->trouble.text[0] ? f->in->trouble.text : strerror(-r));
}

static int foreign_next(struct stream *stream, void **ret)
{
    struct foreign_stream *f = container_of(stream, struct foreign_stream, stream);
    for (;;) {
        struct fm_item *item;
        if (!f->in->client)
            return fm_stream_fail(f->home, -ENOTCONN, "the client of an input was disconnected");
        int r = fm_stream_pull(f->in, 0, &item);
        if (r == 1)
            *ret = item;
        if (r != -ETIMEDOUT)
            return r < 0 ? fail_next(f, r) : r;
        int fd = fm_stream_fd(f->in);
        if (fd < 0)
            return fail_next(f, fd);
        r = io_wait(fd, EPOLLIN);
        if (r < 0)
            return r;
    }
}

static void foreign_close(struct stream *stream)
{
    struct foreign_stream *f = container_of(stream, struct foreign_stream, stream);
    struct fm_stream *top = fm_stream_top(f->home);
    int r = fm_stream_end(
        f->in, top->how, top->close_deadline ? top->close_deadline : fm_deadline(FM_CLOSE_SECONDS));
    if (r < 0 && top->closed == 0)
        top->closed = r;
    free(f);
}

static struct stream *foreign_new(struct fm_stream *in, struct fm_stream *s)
{
    static const struct stream_ops ops = {foreign_next, foreign_close};
    struct foreign_stream *f = calloc(1, sizeof(*f));
    if (!f) {
        fm_stream_end(in, FM_CANCEL_TERM, fm_deadline(FM_CLOSE_SECONDS));
        return NULL;
    }
    f->stream = (struct stream){.ops = &ops, .drop = fm_item_drop};
    f->in = in;
    f->home = s;
    in->borrowed = true;
    return &f->stream;
}

struct stream *fm_stream_input(struct fm_stream *s, struct fm_stream *in)
{
    if (in->client != s->client)
        return foreign_new(in, s);
    LIST_REMOVE(in, entry);
    LIST_INSERT_HEAD(&s->inputs, in, entry);
    in->into = s;
    return take(in->stream);
}
