#include "cli/text/table.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/text/columns.h"

#define GAP 2u // columns between two of the table
#define CELL_MAX 1024u

void table_begin(struct table *table, const struct table_column *columns, size_t n)
{
    assert(n > 0 && n <= TABLE_COLUMNS_MAX);
    *table = (struct table){.columns = columns, .n = n};
}

void table_done(struct table *table)
{
    buf_done(&table->text);
}

void table_cell(struct table *table, const char *fmt, ...)
{
    char cell[CELL_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(cell, sizeof(cell), fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : strlen(cell);
    for (size_t i = 0; i < len; i++)
        if (cell[i] == '\n' || cell[i] == '\t')
            cell[i] = ' ';
    utf8_make_harmless(cell, len);
    cell[len] = '\0';
    if (table->error == 0)
        table->error = buf_add(&table->text, cell, len + 1);
    table->cells++;
}

struct layout {
    size_t widths[TABLE_COLUMNS_MAX]; // 0: left out
    const char **cells;               // those that are printed
    size_t n_cells;
};

static size_t total(const struct layout *l, size_t n)
{
    size_t ret = 0;
    for (size_t i = 0; i < n; i++)
        if (l->widths[i])
            ret += l->widths[i] + (ret ? GAP : 0);
    return ret;
}

// What the columns take when those that can be cut are.
static size_t least_total(const struct table *t, const struct layout *l)
{
    size_t ret = total(l, t->n);
    for (size_t i = 0; i < t->n; i++)
        if (t->columns[i].least && l->widths[i] > t->columns[i].least)
            ret -= l->widths[i] - t->columns[i].least;
    return ret;
}

static void measure(const struct table *t, struct layout *l)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t widest = 0;
        for (size_t at = i; at < l->n_cells; at += t->n) {
            size_t columns = text_columns(l->cells[at]);
            widest = columns > widest ? columns : widest;
        }
        size_t title = strlen(t->columns[i].title);
        l->widths[i] = widest && widest < title ? title : widest;
    }
}

static void drop(const struct table *t, struct layout *l, size_t width)
{
    while (least_total(t, l) > width) {
        size_t least = t->n;
        for (size_t i = 0; i < t->n; i++)
            if (l->widths[i] && t->columns[i].drop &&
                (least == t->n || t->columns[i].drop > t->columns[least].drop))
                least = i;
        if (least == t->n)
            return;
        l->widths[least] = 0;
    }
}

// The widest of those that can be cut gives a column at a time.
static void shrink(const struct table *t, struct layout *l, size_t width)
{
    while (total(l, t->n) > width) {
        size_t widest = t->n;
        for (size_t i = 0; i < t->n; i++)
            if (t->columns[i].least && l->widths[i] > t->columns[i].least &&
                (widest == t->n || l->widths[i] > l->widths[widest]))
                widest = i;
        if (widest == t->n)
            return;
        l->widths[widest]--;
    }
}

static void print_row(const struct table *t, const struct layout *l, const char *const *cells,
                      size_t width, FILE *out)
{
    size_t last = t->n, column = 0;
    for (size_t i = 0; i < t->n; i++)
        if (l->widths[i])
            last = i;
    for (size_t i = 0; i < t->n; i++) {
        char cut[CELL_MAX + 8];
        size_t room = l->widths[i];
        if (!room)
            continue;
        size_t gap = column ? GAP : 0;
        // What can't be made to fit ends at the edge all the same.
        if (width && column + gap + room > width)
            room = column + gap < width ? width - column - gap : 0;
        text_cut(cells[i], room, cut, sizeof(cut));
        size_t pad = room - text_columns(cut);
        bool pads_after = !t->columns[i].to_the_right && i != last;
        fprintf(out, "%*s%*s%s%*s", (int)(room ? gap : 0), "",
                t->columns[i].to_the_right ? (int)pad : 0, "", cut, pads_after ? (int)pad : 0, "");
        column += room ? gap + room : 0;
    }
    fputc('\n', out);
}

int table_print(const struct table *t, size_t first, size_t n, size_t width, FILE *out)
{
    size_t rows = table_rows(t);
    const char *titles[TABLE_COLUMNS_MAX];
    if (t->error < 0)
        return t->error;
    if (first > rows)
        first = rows;
    if (n > rows - first)
        n = rows - first;
    _free_ const char **cells = calloc(n ? n * t->n : 1, sizeof(*cells));
    if (!cells)
        return -ENOMEM;
    struct layout l = {.cells = cells, .n_cells = n * t->n};
    const char *at = (const char *)t->text.data;
    for (size_t i = 0; i < (first + n) * t->n; i++) {
        if (i >= first * t->n)
            cells[i - first * t->n] = at;
        at += strlen(at) + 1;
    }
    for (size_t i = 0; i < t->n; i++)
        titles[i] = t->columns[i].title;
    measure(t, &l);
    if (width) {
        drop(t, &l, width);
        shrink(t, &l, width);
    }
    print_row(t, &l, titles, width, out);
    for (size_t i = 0; i < n; i++)
        print_row(t, &l, cells + i * t->n, width, out);
    return 0;
}
