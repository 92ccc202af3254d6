// A kind of compression as unpack.c sees it: one table of functions. Only unpack*.c include it.
#pragma once
#include <stdbool.h>

#include "pipelines/unpack.h"

struct unpacker {
    const struct unpack_ops *ops;
    void *state; // the kind's own
    const uint8_t *in;
    size_t in_len;
    size_t in_at;         // used of them
    uint64_t used_before; // of those fed earlier
    bool inside;          // of a member or frame
    bool begun;           // there was one
    bool pending;         // it may hold plain bytes that did not fit
    int error;            // what comes after the bytes that were given last
};

struct unpack_ops {
    const char *name;
    // Makes u->state.
    int (*open)(struct unpacker *u, struct err *err);
    // Another member follows the first.
    int (*again)(struct unpacker *u);
    // Uses input, gives output; clears u->inside at the end of a member. May return bytes and set
    // u->error.
    ssize_t (*read)(struct unpacker *u, uint8_t *out, size_t size);
    void (*close)(struct unpacker *u); // frees u->state, which may be NULL
};
extern const struct unpack_ops unpack_gzip, unpack_zstd, unpack_xz, unpack_bzip2, unpack_lz4;

static inline size_t unpack_left(const struct unpacker *u)
{
    return u->in_len - u->in_at;
}
// The bytes given and what ended the call: both count.
static inline ssize_t unpack_gave(struct unpacker *u, size_t n, int error)
{
    if (n == 0)
        return error;
    u->error = error;
    return (ssize_t)n;
}

// Of a kind whose header was not there when fanmill was built: -ELIBACC with text.
int unpack_absent(struct unpacker *u, struct err *err);
void unpack_nothing(struct unpacker *u);

// A library that few runs need is opened when it is needed, so that no other run pays for it, and
// machines without it lack nothing else. -ELIBACC with text. Its caller closes it with dlclose().
struct unpack_symbol {
    const char *name;
    void *function; // address of a pointer to a function
};
int unpack_library(const char *file, const char *kind, const struct unpack_symbol *symbols,
                   void **ret, struct err *err);
