#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

static inline size_t max_of(const struct buf *buf)
{
    return buf->max ? buf->max : BUF_MAX_DEFAULT;
}

// The common case of all that is added in small pieces.
static inline bool has_room(const struct buf *buf, size_t more)
{
    return more <= buf->cap - buf->len && buf->len + more <= max_of(buf);
}

int buf_reserve(struct buf *buf, size_t more)
{
    size_t max = max_of(buf);
    if (has_room(buf, more))
        return 0;
    if (more > max || buf->len > max - more)
        return -ENOBUFS;
    size_t need = buf->len + more;
    size_t cap = buf->cap ? buf->cap : BUF_FIRST;
    while (cap < need)
        cap *= 2;
    uint8_t *data = realloc(buf->data, cap);
    if (!data)
        return -ENOMEM;
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
    int r = has_room(buf, len) ? 0 : buf_reserve(buf, len);
    if (r < 0)
        return r;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return 0;
}

int buf_add_str(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = NULL;
    int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        return -ENOMEM;
    int r = buf_add(buf, text, len);
    free(text);
    return r;
}

void buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len -= len;
    if (buf->len)
        memmove(buf->data, buf->data + len, buf->len);
}

void buf_trim(struct buf *buf)
{
    if (buf->cap == buf->len)
        return;
    if (!buf->len) {
        buf_done(buf);
        return;
    }
    uint8_t *data = realloc(buf->data, buf->len);
    if (data) {
        buf->data = data;
        buf->cap = buf->len;
    }
}
