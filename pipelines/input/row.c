#include "pipelines/input/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void row_init(struct row *row)
{
    *row = (struct row){0};
    buf_init(&row->bytes, 0);
    buf_init(&row->ends, ROW_FIELDS_MAX * sizeof(size_t));
}

void row_done(struct row *row)
{
    buf_done(&row->bytes);
    buf_done(&row->ends);
    if (row->regex_of)
        regfree(&row->regex);
    free(row->regex_of);
    row->regex_of = NULL;
}

// Ends the field being written.
static int end_field(struct row *row)
{
    int r = buf_add(&row->ends, &row->bytes.len, sizeof(row->bytes.len));
    return r == -ENOBUFS ? -E2BIG : r;
}

int row_add(struct row *row, const void *data, size_t len)
{
    int r = buf_add(&row->bytes, data, len);
    return r < 0 ? r : end_field(row);
}

struct field row_field(const struct row *row, size_t index)
{
    const size_t *ends = (const size_t *)(const void *)row->ends.data;
    if (index >= row_count(row))
        return (struct field){"", 0};
    size_t begin = index ? ends[index - 1] : 0;
    return (struct field){row->bytes.data ? (const char *)row->bytes.data + begin : "",
                          ends[index] - begin};
}

// Reads the quoted field at `text`; *ret_len is its length with the quotes. -EINVAL when they are
// never closed.
static int take_quoted(const char *text, size_t len, struct row *row, size_t *ret_len)
{
    size_t at = 1;
    for (;;) {
        const char *quote = memchr(text + at, '"', len - at);
        if (!quote)
            return -EINVAL;
        size_t end = (size_t)(quote - text);
        bool doubled = end + 1 < len && text[end + 1] == '"';
        int r = buf_add(&row->bytes, text + at, end - at + doubled);
        if (r < 0)
            return r;
        at = end + 1 + doubled;
        if (!doubled) {
            *ret_len = at;
            return 0;
        }
    }
}

const char *row_trim(uint8_t trims, const char *text, size_t *len)
{
    while (trims & ROW_TRIM_LEFT && *len && strchr(" \t\r\n\v\f", *text) && *text)
        text++, --*len;
    while (trims & ROW_TRIM_RIGHT && *len && text[*len - 1] &&
           strchr(" \t\r\n\v\f", text[*len - 1]))
        --*len;
    return text;
}

static int split_csv(const struct row_rule *rule, const char *text, size_t len, struct row *row,
                     const char **ret_why)
{
    size_t at = 0;
    char delimiter = rule->delimiter;
    for (;;) {
        size_t used = 0;
        int r = 0;
        if (at < len && text[at] == '"') {
            r = take_quoted(text + at, len - at, row, &used);
            if (r == -EINVAL)
                *ret_why = "a quote is never closed";
        } else {
            const char *end = at < len ? memchr(text + at, delimiter, len - at) : NULL;
            used = (end ? (size_t)(end - text) : len) - at;
            size_t kept = used;
            const char *field = row_trim(rule->trims, text + at, &kept);
            r = buf_add(&row->bytes, field, kept);
        }
        if (r == 0)
            r = end_field(row);
        if (r < 0)
            return r;
        at += used;
        if (at == len)
            return 0;
        if (text[at] != delimiter) {
            *ret_why = "text after a closing quote";
            return -EINVAL;
        }
        at++;
    }
}

static int split_plain(const struct row_rule *rule, const char *text, size_t len, struct row *row)
{
    const char *separator = rule->split_at;
    size_t size = strlen(separator);
    for (;;) {
        const char *end = len ? memmem(text, len, separator, size) : NULL;
        size_t used = end ? (size_t)(end - text) : len;
        size_t kept = used;
        const char *field = row_trim(rule->trims, text, &kept);
        int r = row_add(row, field, kept);
        if (r < 0 || !end)
            return r;
        text += used + size;
        len -= used + size;
    }
}

// Kept from row to row, for it takes longer than to use it.
static int compile_regex(const char *text, struct row *row)
{
    if (row->regex_of && strcmp(row->regex_of, text) == 0)
        return 0;
    if (row->regex_of)
        regfree(&row->regex);
    free(row->regex_of);
    row->regex_of = NULL;
    if (regcomp(&row->regex, text, REG_EXTENDED) != 0)
        return -EINVAL;
    row->regex_of = strdup(text);
    if (!row->regex_of)
        regfree(&row->regex);
    return row->regex_of ? 0 : -ENOMEM;
}

static int split_regex(const struct row_rule *rule, const char *text, size_t len, struct row *row,
                       const char **ret_why)
{
    // Some regexec() look for a NUL even with REG_STARTEND.
    _free_ char *ended = malloc(len + 1);
    if (!ended)
        return -ENOMEM;
    memcpy(ended, text, len);
    ended[len] = '\0';
    int r = compile_regex(rule->split_at, row);
    if (r == -EINVAL)
        *ret_why = "the text that separates columns is no regular expression";
    for (size_t at = 0; r == 0;) {
        regmatch_t match = {.rm_so = 0, .rm_eo = (regoff_t)(len - at)};
        bool found = regexec(&row->regex, ended + at, 1, &match,
                             REG_STARTEND | (at ? REG_NOTBOL : 0)) == 0 &&
                     match.rm_eo > match.rm_so; // nothing separates nothing
        size_t kept = found ? (size_t)match.rm_so : len - at;
        const char *field = row_trim(rule->trims, text + at, &kept);
        r = row_add(row, field, kept);
        if (!found)
            break;
        at += (size_t)match.rm_eo;
    }
    return r;
}

int row_split(const struct row_rule *rule, const void *item, size_t len, struct row *row,
              const char **ret_why)
{
    // An empty row may come as a null pointer, and null + 0 is undefined before C2x.
    const char *text = item ? item : "";
    *ret_why = "";
    row_clear(row);
    if (rule->form == ROW_CSV)
        return split_csv(rule, text, len, row, ret_why);
    if (rule->form == ROW_WHOLE)
        return row_add(row, text, len);
    if (rule->form == ROW_SPLIT && rule->is_regex)
        return split_regex(rule, text, len, row, ret_why);
    return rule->form == ROW_SPLIT ? split_plain(rule, text, len, row) : 0;
}

bool row_regex_ok(const char *text)
{
    regex_t regex;
    bool is_ok = regcomp(&regex, text, REG_EXTENDED) == 0;
    if (is_ok)
        regfree(&regex);
    return is_ok;
}

bool row_delimiter_ok(char c)
{
    return c != '\0' && c != '"' && c != '\n' && c != '\r';
}
