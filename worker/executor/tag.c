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

int tag_add(struct buf *out, bool *mid_line, const void *tag, size_t tag_len, const void *data,
            size_t len)
{
    const uint8_t *at = data, *end = at + len;
    int r = 0;
    while (at < end && r == 0) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *next = newline ? newline + 1 : end;
        if (!*mid_line)
            r = add_tag(out, tag, tag_len);
        if (r == 0)
            r = buf_add(out, at, (size_t)(next - at));
        *mid_line = !newline;
        at = next;
    }
    return r;
}

int tag_lines(struct buf *out, size_t begin, const void *tag, size_t len)
{
    size_t n = out->len - begin;
    bool mid_line = false;
    if (!n)
        return 0;
    _free_ uint8_t *text = malloc(n);
    if (!text)
        return -ENOMEM;
    memcpy(text, out->data + begin, n);
    out->len = begin;
    return tag_add(out, &mid_line, tag, len, text, n);
}
