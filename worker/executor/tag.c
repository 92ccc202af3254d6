#include "worker/executor/tag.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

// A tag is one line too: what would end it is shown as '?'.
static int add_tag(struct buf *out, const uint8_t *tag, size_t len)
{
    int r = buf_add(out, tag, len);
    for (size_t i = 0; r == 0 && i < len; i++)
        if (tag[i] == '\n' || tag[i] == '\t')
            out->data[out->len - len + i] = '?';
    return r < 0 ? r : buf_add(out, "\t", 1);
}

int tag_lines(struct buf *out, size_t begin, const void *tag, size_t len)
{
    size_t n = out->len - begin;
    if (!n)
        return 0;
    _free_ uint8_t *text = malloc(n);
    if (!text)
        return -ENOMEM;
    memcpy(text, out->data + begin, n);
    out->len = begin;
    int r = 0;
    for (size_t at = 0; at < n && r == 0;) {
        const uint8_t *end = memchr(text + at, '\n', n - at);
        size_t line = end ? (size_t)(end - text) + 1 - at : n - at;
        r = add_tag(out, tag, len);
        if (r == 0)
            r = buf_add(out, text + at, line);
        at += line;
    }
    return r;
}
