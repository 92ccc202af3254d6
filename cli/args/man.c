#include "cli/args/man.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/roff.h"
#include "cli/args/help.h"

static void note(struct man_page *page, int r)
{
    if (page->error == 0)
        page->error = r;
}

static void put(struct man_page *page, const char *roff)
{
    note(page, buf_add_str(page->out, roff));
}

void man_begin(struct man_page *page, const char *name, int section, const char *what)
{
    note(page, buf_printf(page->out,
                          ".TH FANMILL %d \"\" \"fanmill " FM_VERSION "\" \"fanmill\"\n.nh\n.ad l\n"
                          ".SH NAME\n%s \\- ",
                          section, name));
    note(page, roff_text(page->out, what));
    put(page, "\n");
}

void man_section(struct man_page *page, const char *name)
{
    note(page, buf_printf(page->out, ".SH %s\n", name));
}

static void put_formatted(struct man_page *page, int (*put_roff)(struct buf *out, const char *text),
                          const char *fmt, va_list ap)
{
    _free_ char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0) {
        text = NULL;
        note(page, -ENOMEM);
    } else {
        note(page, put_roff(page->out, text));
    }
}

void man_text(struct man_page *page, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put_formatted(page, roff_paragraphs, fmt, ap);
    va_end(ap);
}

void man_item(struct man_page *page, const char *term, const char *fmt, ...)
{
    va_list ap;
    put(page, ".TP\n.B ");
    note(page, roff_text(page->out, term));
    put(page, "\n");
    va_start(ap, fmt);
    put_formatted(page, roff_text, fmt, ap);
    va_end(ap);
    put(page, "\n");
}

static void put_flag(struct man_page *page, const struct arg *flag)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    put(page, ".TP\n");
    if (flag->letter)
        note(page, buf_printf(page->out, "\\fB\\-%c\\fR, ", flag->letter));
    put(page, "\\fB\\-\\-");
    note(page, roff_text(page->out, flag->name));
    put(page, "\\fR");
    if (flag->value) {
        put(page, " \\fI");
        note(page, roff_text(page->out, flag->value));
        put(page, "\\fR");
    }
    put(page, "\n");
    note(page, help_of_flag(flag, &text));
    note(page, buf_add(&text, "", 1));
    if (page->error == 0)
        note(page, roff_text(page->out, (const char *)text.data));
    put(page, "\n");
}

// Its further lines are indented for a terminal.
static void put_usage(struct man_page *page, const struct command *command)
{
    const char *usage = command->args->usage;
    put(page, ".nf\nfanmill ");
    note(page, roff_text(page->out, command->name));
    put(page, *usage ? " " : "");
    for (const char *line = usage; *line;) {
        size_t len = strcspn(line, "\n");
        char text[256];
        snprintf(text, sizeof(text), "%.*s", (int)len, line);
        note(page, roff_text(page->out, text));
        line += len + strspn(line + len, "\n ");
        put(page, *line ? "\n" : "");
    }
    put(page, "\n.fi\n.PP\n");
}

void man_command(struct man_page *page, const struct command *command)
{
    const struct args *args = command->args;
    put(page, ".SS fanmill ");
    note(page, roff_text(page->out, command->name));
    put(page, "\n");
    put_usage(page, command);
    man_text(page, "%s", args->about);
    ARGS_EACH (args, table, flag)
        put_flag(page, flag);
    if (args->examples) {
        put(page, ".PP\nExamples:\n");
        man_text(page, "%s", args->examples);
    }
    if (args->more && args->more[0] != ' ')
        put(page, ".PP\n");
    if (args->more)
        man_text(page, "%s", args->more);
}
