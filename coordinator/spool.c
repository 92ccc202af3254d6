#include "coordinator/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/grow.h"

// The slab's bytes are the mapping. Each result in it is an owner, and so is the spool while it
// fills the segment.
struct spool_segment {
    struct slab slab;
    struct spool *spool;
    off_t at; // in the file
    size_t used;
};

struct spool {
    const char *directory;
    int fd;                        // -1: none yet
    struct spool_segment *filling; // NULL: none
    off_t *holes;                  // places of segments that are over; with room for all segments
    size_t n_holes;
    size_t segments;
    off_t end; // of the file
    uint64_t bytes;
};

int spool_new(const char *directory, struct spool **ret)
{
    struct spool *spool = calloc(1, sizeof(*spool));
    if (!spool)
        return -ENOMEM;
    spool->directory = directory;
    spool->fd = -1;
    *ret = spool;
    return 0;
}

void spool_reserve(struct spool *spool)
{
    if (spool->fd < 0)
        spool->fd = fd_open_unnamed(spool->directory);
}

static void segment_over(struct slab *slab)
{
    struct spool_segment *segment = (struct spool_segment *)(void *)slab;
    struct spool *spool = segment->spool;
    munmap(slab->data, SPOOL_SEGMENT);
    // Returns the room to the disk; where that is impossible, the next segment reuses it.
    int r = fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, segment->at,
                      SPOOL_SEGMENT);
    (void)r;
    spool->bytes -= segment->used;
    spool->holes[spool->n_holes++] = segment->at;
    free(segment);
}

static void stop_filling(struct spool *spool)
{
    if (spool->filling)
        slab_unref(&spool->filling->slab);
    spool->filling = NULL;
}

struct spool *spool_free(struct spool *spool)
{
    if (!spool)
        return NULL;
    stop_filling(spool);
    assert(spool->n_holes == spool->segments);
    free(spool->holes);
    if (spool->fd >= 0)
        close(spool->fd);
    free(spool);
    return NULL;
}

uint64_t spool_bytes(const struct spool *spool)
{
    return spool->bytes;
}

// A place in the file. Room for it in `holes` is made now, so that its end can't fail.
static int find_place(struct spool *spool, off_t *ret)
{
    if (spool->n_holes) {
        *ret = spool->holes[--spool->n_holes];
        return 0;
    }
    if (grow(spool->holes, spool->segments, 1) < 0)
        return -ENOMEM;
    *ret = spool->end;
    spool->end += SPOOL_SEGMENT;
    spool->segments++;
    return 0;
}

static int begin_segment(struct spool *spool)
{
    spool_reserve(spool);
    if (spool->fd < 0)
        return spool->fd;
    struct spool_segment *segment = calloc(1, sizeof(*segment));
    off_t at;
    int r = segment ? find_place(spool, &at) : -ENOMEM;
    if (r < 0) {
        free(segment);
        return r;
    }
    void *mapped = mmap(NULL, SPOOL_SEGMENT, PROT_READ, MAP_SHARED, spool->fd, at);
    if (mapped == MAP_FAILED) {
        r = -errno;
        spool->holes[spool->n_holes++] = at;
        free(segment);
        return r;
    }
    *segment = (struct spool_segment){
        .slab = {.refs = 1, .destroy = segment_over, .data = mapped, .len = SPOOL_SEGMENT},
        .spool = spool,
        .at = at};
    spool->filling = segment;
    return 0;
}

static int write_at(int fd, const uint8_t *data, size_t len, off_t at)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENOSPC;
        data += n;
        len -= (size_t)n;
        at += n;
    }
    return 0;
}

int spool_put(struct spool *spool, const struct slice *body, struct slice *ret)
{
    if (body->len > SPOOL_SEGMENT)
        return -EFBIG;
    if (spool->filling && body->len > SPOOL_SEGMENT - spool->filling->used)
        stop_filling(spool);
    int r = spool->filling ? 0 : begin_segment(spool);
    struct spool_segment *segment = spool->filling;
    if (r < 0 || !segment)
        return r;
    // Written, not copied into the mapping: a full disk is then an error instead of a signal.
    r = write_at(spool->fd, body->data, body->len, segment->at + (off_t)segment->used);
    if (r < 0) {
        stop_filling(spool);
        return r;
    }
    *ret = slice_of(&segment->slab, segment->used, body->len);
    segment->used += body->len;
    spool->bytes += body->len;
    return 0;
}
