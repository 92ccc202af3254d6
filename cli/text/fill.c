#include "cli/text/fill.h"

#include <stdbool.h>
#include <string.h>

struct filling {
    struct buf *out;
    size_t columns;
    size_t indent;
    size_t column;
    unsigned breaks; // to come before what follows
    bool begun;      // this line is not empty
    int error;       // sticky
};

static void put(struct filling *f, const char *text, size_t len)
{
    if (f->error == 0)
        f->error = buf_add(f->out, text, len);
    f->column += len;
}

static void break_lines(struct filling *f)
{
    if (f->breaks == 0)
        return;
    for (; f->breaks > 0; f->breaks--)
        put(f, "\n", 1);
    if (f->error == 0)
        f->error = buf_printf(f->out, "%*s", (int)f->indent, "");
    f->column = f->indent;
    f->begun = false;
}

// A word with those that must stay on its line: the ones after it that begin with a dash.
static size_t piece(const char *text)
{
    size_t len = strcspn(text, " \n");
    while (text[len] == ' ' && text[len + 1] == '-')
        len += 1 + strcspn(text + len + 1, " \n");
    return len;
}

static void put_words(struct filling *f, const char *text, size_t end)
{
    for (size_t i = 0; i < end;) {
        size_t len = piece(text + i);
        if (f->begun && f->breaks == 0 && f->column + 1 + len > f->columns)
            f->breaks = 1;
        break_lines(f);
        if (f->begun)
            put(f, " ", 1);
        put(f, text + i, len);
        f->begun = true;
        i += len + (text[i + len] == ' ');
    }
}

int fill(struct buf *out, const char *text, size_t at, size_t indent)
{
    return fill_to(out, text, at, indent, FILL_COLUMNS);
}

int fill_to(struct buf *out, const char *text, size_t at, size_t indent, size_t columns)
{
    struct filling f = {.out = out, .columns = columns, .indent = indent, .column = at};
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (len == 0) {
            f.breaks = 2;
        } else if (*text == ' ') {
            f.breaks += f.begun && f.breaks == 0;
            break_lines(&f);
            put(&f, text, len);
            f.breaks = 1;
        } else {
            put_words(&f, text, len);
        }
        text += len + (text[len] == '\n');
    }
    put(&f, "\n", 1);
    return f.error;
}
