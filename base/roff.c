#include "base/roff.h"

#include <stdbool.h>
#include <string.h>

static int add_char(struct buf *out, char c, bool at_start, bool *is_bold)
{
    switch (c) {
    case '\\':
        return buf_add(out, "\\e", 2);
    case '-':
        return buf_add(out, "\\-", 2);
    case '`':
        *is_bold = !*is_bold;
        return buf_add(out, *is_bold ? "\\fB" : "\\fR", 3);
    case '.':
    case '\'':
        return buf_printf(out, "%s%s", at_start ? "\\&" : "", c == '.' ? "." : "\\(aq");
    case '~':
        return buf_add(out, "\\(ti", 4);
    case '^':
        return buf_add(out, "\\(ha", 4);
    default:
        return buf_add(out, &c, 1);
    }
}

static int add_line(struct buf *out, const char *line, size_t len)
{
    bool is_bold = false;
    int r = 0;
    for (size_t i = 0; i < len && r == 0; i++)
        r = add_char(out, line[i], i == 0 || line[i - 1] == '\n', &is_bold);
    return r;
}

int roff_text(struct buf *out, const char *text)
{
    return add_line(out, text, strlen(text));
}

int roff_paragraphs(struct buf *out, const char *lines)
{
    bool is_fixed = false;
    int r = 0;
    for (const char *line = lines; *line && r == 0;) {
        size_t len = strcspn(line, "\n");
        bool fixed = len > 0 && line[0] == ' ';
        if (fixed != is_fixed)
            r = buf_add_str(out, fixed ? ".PP\n.nf\n" : len > 0 ? ".fi\n.PP\n" : ".fi\n");
        is_fixed = fixed;
        if (r == 0 && len == 0 && line[1] && line[1] != ' ')
            r = buf_add_str(out, ".PP\n");
        if (r == 0 && len > 0)
            r = add_line(out, line, len);
        if (r == 0 && len > 0)
            r = buf_add(out, "\n", 1);
        line += len + (line[len] == '\n');
    }
    if (r == 0 && is_fixed)
        r = buf_add_str(out, ".fi\n");
    return r;
}
