// What the kinds of sources share. Only source*.c include it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "pipelines/source/cutter.h"
#include "pipelines/source/source.h"

#define SOURCE_BLOCK (64u << 10)        // read at once
#define SOURCE_RUN_CHUNKS_MAX 65536u    // chunks in a run that carries payloads
#define SOURCE_AUTO_NS (50 * 1000000ll) // work that a chunk of CHUNK_AUTO aims at
#define SOURCE_AUTO_BYTES (1u << 20)    // items of CHUNK_AUTO fill a chunk up to here
#define SOURCE_AUTO_RANGE 64u // first chunks of a range: numbers are cheap, leases are not

struct source_ops {
    int (*next)(struct source_reader *r, const struct source_want *want, struct run *ret,
                struct err *err);
    int (*fd)(const struct source_reader *r);
    uint64_t (*total)(const struct source_reader *r);
    bool (*has_file)(const struct source_reader *r, const char *path); // NULL: it has none
    void (*close)(struct source_reader *r);                            // frees all, the reader too
};

// The first member of every kind's own struct.
struct source_reader {
    const struct source_ops *ops;
    const struct plan *plan;
    uint64_t chunks; // given so far
    bool ended;
};

// Open functions of the kinds; each returns 0 and a reader.
int source_open_counted(const struct plan *plan, struct source_reader **ret, struct err *err);
int source_open_lines(const struct plan *plan, struct source_reader **ret, struct err *err);
int source_open_data(const struct plan *plan, struct source_reader **ret, struct err *err);

// A list of paths that owns its strings. Zeroed by the user.
struct paths {
    char **names;
    size_t len;
    size_t cap;
};
void paths_done(struct paths *p);
// Appends a copy. -ENOMEM.
int paths_add(struct paths *p, const char *name);
// Sorts bytewise from `first` on; with `unique`, equal names are kept once.
void paths_sort(struct paths *p, size_t first, bool unique);
// Appends the files that a pattern means, sorted: *, ?, [...] within a name, ** for any number of
// folders. A pattern without these is the path itself. Hidden names need a written dot. Relative
// patterns begin at `directory` and give relative paths. -ENOENT when nothing matches.
int paths_glob(struct paths *p, const char *pattern, const char *directory, struct err *err);
// True when the path matches the pattern, for patterns that exclude.
bool path_matches(const char *pattern, const char *path);
// Takes away what the source's patterns with "!" in front mean.
void paths_exclude(struct paths *p, const struct source *source);
// Opens a path of the job for reading; "-" is (a duplicate of) standard input.
int source_open_path(const struct plan *plan, const char *path, struct err *err);

// How many items a chunk of CHUNK_AUTO takes.
struct auto_items {
    uint64_t items;       // now
    uint64_t chunks;      // given since the last change
    int64_t mean_then_ns; // mean run time at the last change; 0: none was known
};
// Looks at the want and returns the size of the next chunks. `remaining` items, UINT64_MAX:
// unknown.
uint64_t auto_items_next(struct auto_items *a, const struct source_want *want, uint64_t remaining);

// Chunks that a cutter made and nobody took yet; all but the last have `items_per_chunk` items.
struct source_queue {
    struct buf out;
    struct buf lens;
    size_t out_at; // taken already
    size_t lens_at;
    enum run_kind kind;
    uint64_t items_per_chunk;
    uint64_t item_at;  // first item of the next chunk
    uint64_t item_end; // one past the last item of all
};
void source_queue_done(struct source_queue *q);
static inline bool source_queue_empty(const struct source_queue *q)
{
    return q->lens_at == q->lens.len;
}
// Takes a run of what is there, within the want. The queue must not be empty.
int source_queue_take(struct source_queue *q, const struct source_want *want, struct run *ret);
// Reads up to SOURCE_BLOCK bytes into `block`; 0 at the end, -EAGAIN when nothing is there now.
// Never blocks on a pipe or terminal, whose flags stay as they are: others share them.
ssize_t source_read_block(int fd, uint8_t *block);
// Words for -EMSGSIZE and others of the cutter.
int source_cut_error(struct err *err, int code, const char *path);
