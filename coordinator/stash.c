#include "coordinator/stash.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

// The slab's bytes are the mapping; it has an owner for each result in it, and the stash itself
// while it is being filled.
struct segment {
    struct slab slab;
    struct stash *stash;
    off_t at; // in the file
    size_t used;
};

struct stash {
    const char *directory;
    int fd;                  // -1: none yet
    struct segment *filling; // NULL: none
    off_t *holes;            // places of segments that are over
    size_t n_holes;
    size_t holes_cap; // never less than the segments there are
    size_t segments;
    off_t end; // of the file
    uint64_t bytes;
};

int stash_new(const char *directory, struct stash **ret)
{
    struct stash *stash = calloc(1, sizeof(*stash));
    if (!stash)
        return -ENOMEM;
    stash->directory = directory;
    stash->fd = -1;
    *ret = stash;
    return 0;
}

static void segment_over(struct slab *slab)
{
    struct segment *segment = (struct segment *)(void *)slab;
    struct stash *stash = segment->stash;
    munmap(slab->data, STASH_SEGMENT);
    // The disk gets its room back; where that can't be done, the next segment here uses it.
    int r = fallocate(stash->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, segment->at,
                      STASH_SEGMENT);
    (void)r;
    stash->bytes -= segment->used;
    stash->holes[stash->n_holes++] = segment->at;
    free(segment);
}

static void stop_filling(struct stash *stash)
{
    if (stash->filling)
        slab_unref(&stash->filling->slab);
    stash->filling = NULL;
}

struct stash *stash_free(struct stash *stash)
{
    if (!stash)
        return NULL;
    stop_filling(stash);
    assert(stash->n_holes == stash->segments);
    free(stash->holes);
    if (stash->fd >= 0)
        close(stash->fd);
    free(stash);
    return NULL;
}

uint64_t stash_bytes(const struct stash *stash)
{
    return stash->bytes;
}

// A place in the file; room for it among the holes is made here, so that its end can't fail.
static int find_place(struct stash *stash, off_t *ret)
{
    if (stash->n_holes) {
        *ret = stash->holes[--stash->n_holes];
        return 0;
    }
    if (stash->segments == stash->holes_cap) {
        size_t cap = stash->holes_cap ? stash->holes_cap * 2 : 16;
        off_t *holes = reallocarray(stash->holes, cap, sizeof(*holes));
        if (!holes)
            return -ENOMEM;
        stash->holes = holes;
        stash->holes_cap = cap;
    }
    *ret = stash->end;
    stash->end += STASH_SEGMENT;
    stash->segments++;
    return 0;
}

static int begin_segment(struct stash *stash)
{
    if (stash->fd < 0)
        stash->fd = fd_open_unnamed(stash->directory);
    if (stash->fd < 0)
        return stash->fd;
    struct segment *segment = calloc(1, sizeof(*segment));
    off_t at;
    int r = segment ? find_place(stash, &at) : -ENOMEM;
    if (r < 0) {
        free(segment);
        return r;
    }
    void *mapped = mmap(NULL, STASH_SEGMENT, PROT_READ, MAP_SHARED, stash->fd, at);
    if (mapped == MAP_FAILED) {
        r = -errno;
        stash->holes[stash->n_holes++] = at;
        free(segment);
        return r;
    }
    *segment = (struct segment){
        .slab = {.refs = 1, .destroy = segment_over, .data = mapped, .len = STASH_SEGMENT},
        .stash = stash,
        .at = at};
    stash->filling = segment;
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

int stash_put(struct stash *stash, const struct slice *body, struct slice *ret)
{
    if (body->len > STASH_SEGMENT)
        return -EFBIG;
    if (stash->filling && body->len > STASH_SEGMENT - stash->filling->used)
        stop_filling(stash);
    int r = stash->filling ? 0 : begin_segment(stash);
    struct segment *segment = stash->filling;
    if (r < 0 || !segment)
        return r;
    // Written, not copied into the mapping: a full disk is an error here, and a signal there.
    r = write_at(stash->fd, body->data, body->len, segment->at + (off_t)segment->used);
    if (r < 0) {
        stop_filling(stash);
        return r;
    }
    *ret = slice_of(&segment->slab, segment->used, body->len);
    segment->used += body->len;
    stash->bytes += body->len;
    return 0;
}
