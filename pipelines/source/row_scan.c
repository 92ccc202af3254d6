#include "pipelines/source/row_scan.h"

#include <errno.h>
#include <string.h>

#include "pipelines/frame.h"

enum {
    AT_FIELD, // a field begins
    IN_FIELD,
    IN_QUOTES,
    AFTER_QUOTE, // a quote within quotes: their end, or half of a doubled one
};

void row_scan_init(struct row_scan *s, const struct row_rule *rule, char row_end)
{
    *s = (struct row_scan){
        .form = rule->form, .delimiter = rule->delimiter, .row_end = row_end, .line = 1};
    buf_init(&s->row, FRAME_ITEM_MAX);
}

void row_scan_done(struct row_scan *s)
{
    buf_done(&s->row);
}

// Number of bytes up to the row's end, inclusive; 0 if it is not among them.
static size_t find_csv(struct row_scan *s, const char *text, size_t len)
{
    unsigned state = s->state;
    size_t i = 0;
    for (; i < len; i++) {
        char c = text[i];
        s->breaks += c == '\n';
        if (state == IN_QUOTES) {
            if (c == '"')
                state = AFTER_QUOTE;
        } else if (c == '\n' || c == '\r') {
            i++;
            s->breaks += c == '\r';
            s->after_cr = c == '\r';
            s->state = AT_FIELD;
            return i;
        } else if (c == s->delimiter) {
            state = AT_FIELD;
        } else if (c == '"' && state != IN_FIELD) {
            state = IN_QUOTES;
        } else {
            state = IN_FIELD;
        }
    }
    s->state = state;
    return 0;
}

static size_t find_end(struct row_scan *s, const char *text, size_t len)
{
    if (s->form == ROW_CSV)
        return find_csv(s, text, len);
    const char *end = memchr(text, s->row_end, len);
    s->breaks += end != NULL;
    return end ? (size_t)(end - text) + 1 : 0;
}

static void trim(struct row_scan *s)
{
    bool trims = s->form == ROW_SPLIT && s->row_end == '\n' && !s->keeps_cr;
    if (trims && s->row.len && s->row.data[s->row.len - 1] == '\r')
        s->row.len--;
    if (s->line == 1 && s->row.len >= 3 && memcmp(s->row.data, "\xef\xbb\xbf", 3) == 0)
        buf_consume(&s->row, 3); // the mark that some programs write before UTF-8
}

int row_scan_feed(struct row_scan *s, const void *data, size_t len, size_t *ret_used)
{
    if (s->after_cr && len) {
        s->after_cr = false;
        if (*(const char *)data == '\n') {
            *ret_used = 1;
            return 0;
        }
    }
    size_t end = len ? find_end(s, data, len) : 0;
    *ret_used = end ? end : len;
    int r = buf_add(&s->row, data, end ? end - 1 : len);
    if (r < 0)
        return r == -ENOBUFS ? -EMSGSIZE : r;
    if (end)
        trim(s);
    return end != 0;
}

int row_scan_end(struct row_scan *s)
{
    if (s->state == IN_QUOTES)
        return -EINVAL;
    if (s->row.len == 0)
        return 0;
    trim(s);
    return 1;
}

void row_scan_next(struct row_scan *s)
{
    buf_clear(&s->row);
    s->line += s->breaks;
    s->breaks = 0;
    s->state = AT_FIELD;
}
