#include "pipelines/source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/frame.h"
#include "pipelines/source/source_kinds.h"

// Chunks of one size after which the size may change in any case: about as many as are on their way
// between here and the workers.
#define AUTO_SETTLE_MIN 512u
#define AUTO_SETTLE_MAX 4096u
#define AUTO_AHEAD_NS (80 * 1000000ll) // work that is on its way for each slot
#define AUTO_GROW_MAX 8

int source_open(const struct plan *plan, struct source_reader **ret, struct err *err)
{
    switch (plan->source.kind) {
    case SOURCE_FILES:
    case SOURCE_ITEMS:
    case SOURCE_RANGE:
    case SOURCE_MATRIX:
        return source_open_counted(plan, ret, err);
    case SOURCE_LINES:
    case SOURCE_CSV:
        return source_open_lines(plan, ret, err);
    case SOURCE_DATA:
        return source_open_data(plan, ret, err);
    case SOURCE_PUSH:
        return err_set(err, -EINVAL, "source: a program pushes it; there is nothing to open");
    }
    return err_set(err, -EINVAL, "source: kind %d is not known", (int)plan->source.kind);
}

int source_next(struct source_reader *r, const struct source_want *want, struct run *ret,
                struct err *err)
{
    if (r->ended)
        return 0;
    struct source_want w = *want;
    if (w.chunks == 0)
        w.chunks = 1;
    if (w.slots == 0)
        w.slots = 1;
    struct run run = {0};
    int result = r->ops->next(r, &w, &run, err);
    if (result == 1) {
        r->chunks += run.count;
        *ret = run;
    } else {
        run_done(&run);
        r->ended = result == 0;
    }
    return result;
}

int source_fd(const struct source_reader *r)
{
    return r->ops->fd ? r->ops->fd(r) : -1;
}

uint64_t source_total(const struct source_reader *r)
{
    return r->ended ? r->chunks : r->ops->total(r);
}

bool source_has_file(const struct source_reader *r, const char *path)
{
    return r->ops->has_file && r->ops->has_file(r, path);
}

struct source_reader *source_close(struct source_reader *r)
{
    if (r)
        r->ops->close(r);
    return NULL;
}

int source_open_path(const struct plan *plan, const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0) {
        int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? err_sys(err, -errno, "standard input") : fd;
    }
    _close_ int dir = open(plan->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(err, -errno, "'%s'", plan->directory);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? err_sys(err, -errno, "'%s'", path) : fd;
}

ssize_t source_read_block(int fd, uint8_t *block)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        int ready = poll(&p, 1, 0);
        if (ready == 0)
            return -EAGAIN;
        if (ready > 0) {
            ssize_t n = read(fd, block, SOURCE_BLOCK);
            if (n >= 0)
                return n;
        }
        if (errno != EINTR)
            return -errno;
    }
}

static uint64_t settle_after(const struct source_want *want)
{
    int64_t mean = want->mean_run_ns > 0 ? want->mean_run_ns : 1;
    uint64_t n = (uint64_t)(AUTO_AHEAD_NS / mean) * want->slots;
    return n < AUTO_SETTLE_MIN ? AUTO_SETTLE_MIN : n < AUTO_SETTLE_MAX ? n : AUTO_SETTLE_MAX;
}

// The mean that we see is of chunks cut a while ago. So the size changes by a small factor, and
// again only when the mean shows the change, or after so many chunks that it would have shown: that
// of a program that takes longer to start than to run does not.
uint64_t auto_items_next(struct auto_items *a, const struct source_want *want, uint64_t remaining)
{
    int64_t mean = want->mean_run_ns;
    bool rose = a->mean_then_ns == 0 || mean - a->mean_then_ns >= a->mean_then_ns / 3;
    bool fell = a->mean_then_ns == 0 || a->mean_then_ns - mean >= a->mean_then_ns / 4;
    bool settled = a->chunks >= settle_after(want);
    uint64_t factor = 2;
    while (factor < AUTO_GROW_MAX && mean <= SOURCE_AUTO_NS / (int64_t)(2 * factor))
        factor *= 2;
    if (mean > 0 && mean <= SOURCE_AUTO_NS / 2 && (rose || settled) &&
        a->items <= UINT64_MAX / factor) {
        *a = (struct auto_items){.items = a->items * factor, .mean_then_ns = mean};
    } else if (mean >= SOURCE_AUTO_NS * 2 && a->items > 1 &&
               (fell || settled || a->chunks >= 4ull * want->slots)) {
        *a = (struct auto_items){.items = a->items / 2, .mean_then_ns = mean};
    }
    uint64_t items = a->items;
    if (remaining != UINT64_MAX && items > remaining / (4ull * want->slots))
        items = remaining / (4ull * want->slots);
    return items ? items : 1;
}

void source_queue_done(struct source_queue *q)
{
    buf_done(&q->out);
    buf_done(&q->lens);
    q->out_at = q->lens_at = 0;
}

int source_queue_take(struct source_queue *q, const struct source_want *want, struct run *ret)
{
    size_t n = 0;
    size_t bytes = 0;
    for (size_t at = q->lens_at; at < q->lens.len && n < want->chunks && n < SOURCE_RUN_CHUNKS_MAX;
         at += sizeof(uint32_t), n++) {
        uint32_t len;
        memcpy(&len, q->lens.data + at, sizeof(len));
        if (n && bytes + len > want->bytes)
            break;
        bytes += len;
    }
    struct run run = {.kind = q->kind,
                      .count = n,
                      .item_first = q->item_at,
                      .items_per_chunk = q->items_per_chunk};
    run.lens = calloc(n ? n : 1, sizeof(*run.lens));
    if (!run.lens || slice_copy(q->out.data + q->out_at, bytes, &run.body) < 0) {
        free(run.lens);
        return -ENOMEM;
    }
    memcpy(run.lens, q->lens.data + q->lens_at, n * sizeof(*run.lens));
    q->out_at += bytes;
    q->lens_at += n * sizeof(*run.lens);
    q->item_at += n * q->items_per_chunk;
    if (source_queue_empty(q)) {
        buf_clear(&q->out);
        buf_clear(&q->lens);
        q->out_at = q->lens_at = 0;
        q->item_at = q->item_end;
    }
    run.item_end = q->item_at;
    *ret = run;
    return 0;
}

int source_cut_error(struct err *err, int code, const char *path)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    if (code != -EMSGSIZE)
        return err_sys(err, code, "'%s'", name);
    return err_set(err, code,
                   "'%s': a line or chunk is longer than %u bytes, what one chunk carries", name,
                   CUTTER_CHUNK_MAX);
}
