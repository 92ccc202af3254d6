#include "pipelines/file/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/utf8.h"

#define SHOWN_MAX 100 // characters of a source line
#define SHOWN_BEFORE 60

void diag_init(struct diag *diag, const char *name, const char *text, size_t len)
{
    *diag = (struct diag){.name = name, .text = text, .len = len};
}

void diag_done(struct diag *diag)
{
    for (size_t i = 0; i < diag->n; i++) {
        free(diag->list[i].text);
        free(diag->list[i].hint);
    }
    free(diag->list);
    diag->list = NULL;
    diag->n = 0;
}

// Bytes of the line break at `text`: \n, \r, \r\n and the three that YAML takes from Unicode; 0
// if there is none.
static size_t line_break_at(const char *text, size_t len)
{
    if (len >= 2 && text[0] == '\r' && text[1] == '\n')
        return 2;
    if (len >= 1 && (text[0] == '\r' || text[0] == '\n'))
        return 1;
    if (len >= 2 && memcmp(text, "\xc2\x85", 2) == 0)
        return 2;
    if (len >= 3 && (memcmp(text, "\xe2\x80\xa8", 3) == 0 || memcmp(text, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

const char *line_find(const char *text, size_t len, uint32_t line, size_t *ret_len)
{
    size_t at = 0, end, skip = 0;
    for (uint32_t i = 1;; i++) {
        for (end = at; end < len && (skip = line_break_at(text + end, len - end)) == 0; end++)
            ;
        if (i == line || end == len) {
            *ret_len = i == line ? end - at : 0;
            return text + at;
        }
        at = end + skip;
    }
}

struct place place_of(const char *text, size_t len, size_t offset)
{
    struct place place = {1, 1};
    for (size_t i = 0; i < offset && i < len;) {
        uint32_t c;
        size_t skip = line_break_at(text + i, len - i);
        if (skip > 0) {
            place.line++;
            place.column = 1;
            i += skip;
            continue;
        }
        skip = utf8_read(text + i, len - i, &c);
        place.column++;
        i += skip ? skip : 1;
    }
    return place;
}

// Copies what a terminal may be shown, at most `max` bytes.
static char *printable(const char *text, size_t max)
{
    size_t len = strlen(text), n = 0;
    char *copy = malloc((len < max ? len : max) + sizeof("..."));
    if (!copy)
        return NULL;
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t size = utf8_read(text + i, len - i, &c);
        if (n + (size ? size : 1) > max) {
            memcpy(copy + n, "...", 3);
            n += 3;
            break;
        }
        if (size == 0 || utf8_is_control(c))
            copy[n++] = '?';
        else
            n = (size_t)((char *)mempcpy(copy + n, text + i, size) - copy);
        i += size ? size : 1;
    }
    copy[n] = '\0';
    return copy;
}

static void add_mistake(struct diag *diag, bool is_warning, struct place at, const char *hint,
                        const char *fmt, va_list ap)
{
    _free_ char *text = NULL;
    *(is_warning ? &diag->n_warnings : &diag->n_errors) += 1;
    if (diag->n >= DIAG_KEEP_MAX)
        return;
    if (grow(diag->list, diag->n, 1) < 0) {
        diag->error = -ENOMEM;
        return;
    }
    if (vasprintf(&text, fmt, ap) < 0) {
        text = NULL;
        diag->error = -ENOMEM;
        return;
    }
    struct mistake m = {.at = at, .number = diag->n, .is_warning = is_warning};
    m.text = printable(text, DIAG_MESSAGE_MAX);
    m.hint = hint ? printable(hint, DIAG_MESSAGE_MAX) : NULL;
    if (!m.text || (hint && !m.hint)) {
        free(m.text);
        free(m.hint);
        diag->error = -ENOMEM;
        return;
    }
    diag->list[diag->n++] = m;
}

void diag_error(struct diag *diag, struct place at, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_mistake(diag, false, at, hint, fmt, ap);
    va_end(ap);
}

void diag_warn(struct diag *diag, struct place at, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_mistake(diag, true, at, hint, fmt, ap);
    va_end(ap);
}

static int by_place(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (x->at.line != y->at.line)
        return x->at.line < y->at.line ? -1 : 1;
    if (x->at.column != y->at.column)
        return x->at.column < y->at.column ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

// The line, and a caret below the column. A long line is shown around the column.
static int print_source(const struct diag *diag, struct place at, struct buf *out)
{
    size_t len, from = at.column > SHOWN_BEFORE ? at.column - SHOWN_BEFORE : 1;
    const char *line = line_find(diag->text, diag->len, at.line, &len);
    char below[SHOWN_MAX + 8];
    size_t n_below = 0, column = 1;
    int r = buf_add_str(out, from > 1 ? "  ..." : "  ");
    if (from > 1)
        n_below = (size_t)((char *)mempcpy(below, "   ", 3) - below);
    for (size_t i = 0; i < len && r == 0; column++) {
        uint32_t c = 0;
        size_t size = utf8_read(line + i, len - i, &c);
        bool shown = column >= from && column < from + SHOWN_MAX;
        if (shown && column < at.column)
            below[n_below++] = c == '\t' ? '\t' : ' ';
        if (shown && c != '\t' && (size == 0 || utf8_is_control(c)))
            r = buf_add(out, "?", 1);
        else if (shown)
            r = buf_add(out, line + i, size);
        else if (column == from + SHOWN_MAX)
            r = buf_add_str(out, "...");
        i += size ? size : 1;
    }
    return r < 0 ? r : buf_printf(out, "\n  %.*s^\n", (int)n_below, below);
}

static int print_mistake(const struct diag *diag, const struct mistake *m, struct buf *out)
{
    const char *kind = m->is_warning ? "warning" : "error";
    int r;
    if (diag->is_command) {
        r = buf_printf(out, "%s: %s%s\n", diag->name, m->is_warning ? "warning: " : "", m->text);
    } else if (m->at.line == 0) {
        r = buf_printf(out, "%s: %s: %s\n", diag->name, kind, m->text);
    } else {
        r = buf_printf(out, "%s:%u:%u: %s: %s\n", diag->name, m->at.line, m->at.column, kind,
                       m->text);
        if (r == 0)
            r = print_source(diag, m->at, out);
    }
    if (r == 0 && m->hint)
        r = buf_printf(out, "  hint: %s\n", m->hint);
    return r;
}

int diag_print(struct diag *diag, size_t max, struct buf *out)
{
    size_t errors = 0, warnings = 0;
    int r = diag->error;
    if (diag->n > 0)
        qsort(diag->list, diag->n, sizeof(*diag->list), by_place);
    for (size_t i = 0; i < diag->n && r == 0; i++) {
        size_t *count = diag->list[i].is_warning ? &warnings : &errors;
        if (*count == max)
            continue;
        *count += 1;
        r = print_mistake(diag, &diag->list[i], out);
    }
    size_t more = diag->n_errors - errors;
    if (r == 0 && more)
        r = buf_printf(out, "%s: %zu more error%s\n", diag->name, more, more == 1 ? "" : "s");
    return r;
}
