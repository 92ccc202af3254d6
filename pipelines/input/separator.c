#include "pipelines/input/separator.h"

#include <string.h>

void separator_init(const struct separator_rule *rule, struct separator *ret)
{
    *ret = (struct separator){.len = (size_t)rule->end_len + rule->start_len, .cut = rule->end_len};
    memcpy(ret->bytes, rule->end, rule->end_len);
    memcpy(ret->bytes + rule->end_len, rule->start, rule->start_len);
}

size_t separator_find(const struct separator *s, const void *data, size_t len, size_t from)
{
    const char *text = data;
    if (s->len == 0)
        return from <= len ? from : SEPARATOR_NONE;
    size_t at = from > s->cut ? from - s->cut : 0;
    if (at > len || len - at < s->len)
        return SEPARATOR_NONE;
    const char *found = memmem(text + at, len - at, s->bytes, s->len);
    return found ? (size_t)(found - text) + s->cut : SEPARATOR_NONE;
}

size_t separator_strip(const struct separator_rule *rule, void *data, size_t len)
{
    struct separator mark;
    char *text = data;
    size_t at = 0, kept = 0;
    if (!rule->drops_end || !rule->end_len)
        return len;
    separator_init(rule, &mark);
    while (at < len) {
        size_t next = separator_find(&mark, text, len, separator_after(&mark, at));
        size_t end = next == SEPARATOR_NONE ? len : next;
        size_t size = end - at;
        if (size >= rule->end_len &&
            memcmp(text + end - rule->end_len, rule->end, rule->end_len) == 0)
            size -= rule->end_len;
        memmove(text + kept, text + at, size);
        kept += size;
        at = end;
    }
    return kept;
}

bool separator_rule_ok(const struct separator_rule *rule)
{
    return rule->end_len <= SEPARATOR_MARK_MAX && rule->start_len <= SEPARATOR_MARK_MAX &&
           rule->header_lines <= SEPARATOR_HEADER_MAX && (!rule->drops_end || rule->end_len);
}

size_t separator_header(const struct separator_rule *rule, const void *data, size_t len)
{
    const char *text = data;
    size_t at = 0;
    for (uint32_t i = 0; i < rule->header_lines; i++) {
        const char *end = at < len ? memchr(text + at, '\n', len - at) : NULL;
        if (!end)
            return SEPARATOR_NONE;
        at = (size_t)(end - text) + 1;
    }
    return at;
}
