// A growing array of bytes with a maximum.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; // growing past this fails with -ENOBUFS; 0 means BUF_MAX_DEFAULT
};

#define BUF_MAX_DEFAULT ((size_t)1 << 30)

void buf_init(struct buf *buf, size_t max);
// Frees the bytes and leaves an empty, usable buffer. Also the cleanup function of a local.
void buf_done(struct buf *buf);
// Forgets the bytes, keeps the memory.
static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
}

// Makes room for `more` bytes after the end. -ENOBUFS past max, -ENOMEM.
int buf_reserve(struct buf *buf, size_t more);
// Appends. -ENOBUFS past max, -ENOMEM; nothing is appended on failure.
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_add_str(struct buf *buf, const char *text);
int buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Gives back the room that is not used.
void buf_trim(struct buf *buf);
// Drops the first `len` bytes and moves the rest to the front.
void buf_consume(struct buf *buf, size_t len);
