#include "pipelines/source/source_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/frame.h"
#include "pipelines/source/row_scan.h"
#include "pipelines/source/source_input.h"
#include "pipelines/source/source_kinds.h"

struct source_rows {
    const struct source *source;
    struct row_scan scan;
    struct row row;
    const char *path;
    bool wants_header;
    uint64_t n_columns; // of every row; 0: not known yet, or any
};

struct source_rows *source_rows_new(const struct source *source)
{
    struct source_rows *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->source = source;
    row_init(&s->row);
    row_scan_init(&s->scan, &source->rows, (char)source->delimiter);
    s->scan.keeps_cr = source->keeps_cr;
    return s;
}

struct source_rows *source_rows_free(struct source_rows *s)
{
    if (!s)
        return NULL;
    row_scan_done(&s->scan);
    row_done(&s->row);
    free(s);
    return NULL;
}

static const char *name_of(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static int row_error(const struct source_rows *s, int code, const char *why, struct err *err)
{
    return err_set(err, code, "%s:%llu: %s", name_of(s->path), (unsigned long long)s->scan.line,
                   why);
}

static int code_error(const struct source_rows *s, int code, struct err *err)
{
    char text[96];
    if (code == -EMSGSIZE)
        snprintf(text, sizeof(text), "a row is longer than %u MiB, the most that an item can have",
                 FRAME_ITEM_MAX >> 20);
    else if (code == -E2BIG)
        snprintf(text, sizeof(text), "a row has more than %u fields", ROW_FIELDS_MAX);
    else
        snprintf(text, sizeof(text), "%s", strerror(-code));
    return row_error(s, code, text, err);
}

void source_rows_begin(struct source_rows *s, const char *path)
{
    const struct row_rule *rule = &s->source->rows;
    s->path = path;
    row_scan_next(&s->scan);
    s->scan.after_cr = false;
    s->wants_header = rule->has_header && !(rule->header_is_read && path == s->source->texts[0]);
    s->scan.line = rule->has_header && !s->wants_header ? 2 : 1;
    if (rule->has_header && !s->wants_header)
        s->scan.after_cr = rule->header_has_cr;
    // Lines without a header may have any number of fields.
    s->n_columns = rule->has_header || rule->form == ROW_CSV ? rule->n_columns : 0;
}

static int split(struct source_rows *s, struct err *err)
{
    const char *why;
    int r = row_split(&s->source->rows, s->scan.row.data, s->scan.row.len, &s->row, &why);
    if (r == -EINVAL)
        return row_error(s, r, why, err);
    return r < 0 ? code_error(s, r, err) : 0;
}

// The header of each file must be that of the first.
static int check_header(struct source_rows *s, struct err *err)
{
    const struct row_rule *rule = &s->source->rows;
    size_t n = row_count(&s->row);
    bool same = n == rule->n_columns;
    for (size_t i = 0; i < n && same; i++) {
        struct field field = row_field(&s->row, i);
        same = strlen(rule->columns[i]) == field.len &&
               memcmp(rule->columns[i], field.at, field.len) == 0;
    }
    if (rule->n_columns && !same)
        return row_error(s, -EINVAL, "its header differs from that of the first file", err);
    return 0;
}

static int check_fields(struct source_rows *s, struct err *err)
{
    const struct row_rule *rule = &s->source->rows;
    size_t n = row_count(&s->row);
    if (rule->form == ROW_CSV && !s->n_columns) {
        s->n_columns = n;
        return 0;
    }
    if (!s->n_columns || n == s->n_columns)
        return 0;
    char text[96];
    snprintf(text, sizeof(text), "%zu field%s, %s has %llu", n, n == 1 ? "" : "s",
             rule->has_header ? "header" : "the first row", (unsigned long long)s->n_columns);
    return row_error(s, -EINVAL, text, err);
}

static int take_row(struct source_rows *s, struct cut_into *into, struct err *err)
{
    const struct buf *text = &s->scan.row;
    // An empty line is not a row of a table with several columns.
    if (text->len == 0 && s->source->rows.form == ROW_CSV && s->n_columns != 1)
        return 0;
    int r = split(s, err);
    if (r < 0)
        return r;
    if (s->wants_header) {
        s->wants_header = false;
        return check_header(s, err);
    }
    r = check_fields(s, err);
    if (r < 0)
        return r;
    r = cutter_add(into->cutter, text->data ? text->data : (const uint8_t *)"", text->len,
                   into->out, into->lens, into->items);
    return r < 0 ? code_error(s, r, err) : 0;
}

int source_rows_feed(struct source_rows *s, const void *data, size_t len, struct cut_into *into,
                     struct err *err)
{
    const uint8_t *at = data;
    while (len) {
        size_t used;
        int r = row_scan_feed(&s->scan, at, len, &used);
        if (r < 0)
            return code_error(s, r, err);
        at += used;
        len -= used;
        if (r == 0)
            continue;
        r = take_row(s, into, err);
        if (r < 0)
            return r;
        row_scan_next(&s->scan);
    }
    return 0;
}

int source_rows_end(struct source_rows *s, struct cut_into *into, struct err *err)
{
    int r = row_scan_end(&s->scan);
    if (r == -EINVAL)
        return row_error(s, r, "a quote is never closed", err);
    return r == 1 ? take_row(s, into, err) : 0;
}

// 1 when the bytes complete a row, after leading empty lines; else 0.
static int scan_first(struct row_scan *scan, const void *data, size_t len)
{
    for (size_t at = 0, used; at < len; at += used) {
        int r = row_scan_feed(scan, (const char *)data + at, len - at, &used);
        if (r < 0 || (r == 1 && scan->row.len))
            return r;
        if (r == 1)
            row_scan_next(scan);
    }
    return scan->row.len > ROW_HEADER_MAX ? -EMSGSIZE : 0;
}

// From a stream, without reading a byte too many. 1, 0 if it has no row, or negative errno.
static int read_first(int fd, struct row_scan *scan)
{
    for (;;) {
        char c;
        // Without a writer yet a pipe would look like one that has ended.
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, -1) < 0 ? -1 : read(fd, &c, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return -errno;
        int r = n ? scan_first(scan, &c, 1) : row_scan_end(scan);
        if (n == 0 || r != 0)
            return r;
    }
}

// The same from a file; *ret_has_text when the error has its text already.
static int read_file(const struct plan *plan, const char *path, struct row_scan *scan,
                     bool *ret_has_text, struct err *err)
{
    struct source_input *in = NULL;
    int r = source_input_open(plan, path, &in, err);
    *ret_has_text = r < 0;
    if (r == 0 && plan->source.delimiter == '\n')
        source_input_is_text(in);
    while (r == 0) {
        const uint8_t *data;
        ssize_t n = source_input_read(in, &data, err);
        *ret_has_text = n < 0;
        r = n < 0 ? (int)n : n ? scan_first(scan, data, (size_t)n) : row_scan_end(scan);
        if (n == 0)
            break;
    }
    source_input_close(in);
    return r;
}

static int keep_columns(struct row_rule *rule, const struct row *row)
{
    size_t n = row_count(row);
    rule->columns = calloc(n + 1, sizeof(*rule->columns));
    if (!rule->columns)
        return -ENOMEM;
    for (; rule->n_columns < n; rule->n_columns++) {
        struct field field = row_field(row, rule->n_columns);
        char *name = rule->has_header ? strndup(field.at, field.len) : strdup("");
        if (!name)
            return -ENOMEM;
        rule->columns[rule->n_columns] = name;
    }
    return 0;
}

static int find_columns(struct plan *plan, const char *path, int fd, bool is_stream,
                        struct source_rows *s, struct err *err)
{
    struct row_rule *rule = &plan->source.rows;
    bool has_text = false;
    source_rows_begin(s, path);
    int r = is_stream ? read_first(fd, &s->scan) : read_file(plan, path, &s->scan, &has_text, err);
    if (has_text)
        return r;
    if (r == 0)
        return 0; // an empty file has no columns
    if (r == -EINVAL)
        return row_error(s, r, "a quote is never closed", err);
    if (r == -EMSGSIZE)
        return row_error(s, r, "the first row is too long", err);
    if (r < 0)
        return err_sys(err, r, "'%s'", name_of(path));
    size_t mark;
    r = source_check_text(path, s->scan.row.data, s->scan.row.len, &mark, err);
    if (r == 0)
        r = split(s, err);
    if (r < 0)
        return r;
    r = keep_columns(rule, &s->row);
    rule->header_is_read = r == 0 && is_stream;
    rule->header_has_cr = s->scan.after_cr;
    return r < 0 ? err_sys(err, r, "the source") : 0;
}

static int look_for_columns(struct plan *plan, bool reads_stdin, struct err *err)
{
    const struct source *source = &plan->source;
    const struct row_rule *rule = &source->rows;
    if (source->kind != SOURCE_CSV || rule->n_columns || !source->n_texts ||
        (!rule->has_header && rule->form != ROW_CSV))
        return 0;
    const char *path = source->texts[0];
    struct stat st;
    int r = source_look_path(plan, path, &st, err);
    if (r < 0)
        return r;
    bool is_stream = strcmp(path, "-") == 0 || !S_ISREG(st.st_mode);
    // Without a header the columns could only be counted, and the row would be gone.
    if (is_stream && !(rule->has_header && reads_stdin))
        return 0;
    _close_ int fd = source_open_path(plan, path, err);
    if (fd < 0)
        return fd;
    struct source_rows *s = source_rows_new(source);
    r = s ? find_columns(plan, path, fd, is_stream, s, err) : err_sys(err, -ENOMEM, "the source");
    source_rows_free(s);
    if (r == 0 && rule->header_is_read && strcmp(path, "-") != 0)
        plan->source.opened = take_fd(fd);
    return r;
}

int source_find_columns(struct plan *plan, bool reads_stdin, struct err *err)
{
    return source_named(plan, look_for_columns(plan, reads_stdin, err), err);
}
