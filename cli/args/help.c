#include "cli/args/help.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/exit_code.h"
#include "cli/text/fill.h"

#define FLAG_COLUMNS 29u // what a flag does begins there

struct helping {
    struct buf *out;
    int error; // sticky
};

static void note(struct helping *h, int r)
{
    if (h->error == 0)
        h->error = r;
}

int help_of_flag(const struct arg *flag, struct buf *out)
{
    int r = buf_add_str(out, flag->help);
    for (size_t i = 0; flag->words && flag->words[i] && r == 0; i++)
        r = buf_printf(out, "%s%s",
                       i == 0               ? ": "
                       : flag->words[i + 1] ? ", "
                                            : " or ",
                       flag->words[i]);
    if (r == 0 && flag->by_default)
        r = buf_printf(out, " (default: %s)", flag->by_default);
    return r;
}

static void spell(const struct arg *flag, char *ret, size_t size)
{
    snprintf(ret, size, "%c%c%c --%s%s%s", flag->letter ? '-' : ' ',
             flag->letter ? flag->letter : ' ', flag->letter ? ',' : ' ', flag->name,
             flag->value ? " " : "", flag->value ? flag->value : "");
}

static void put_flag(struct helping *h, const struct arg *flag)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    char spelled[64];
    spell(flag, spelled, sizeof(spelled));
    int n = snprintf(NULL, 0, "  %-26s ", spelled);
    note(h, buf_printf(h->out, "  %-26s ", spelled));
    note(h, help_of_flag(flag, &text));
    note(h, buf_add(&text, "", 1));
    if (h->error == 0)
        note(h, fill(h->out, (const char *)text.data, (size_t)n, FLAG_COLUMNS));
}

static void put_flags(struct helping *h, const struct args *args)
{
    for (const struct arg_table *table = args->tables; table->list; table++) {
        if (table->title || table == args->tables)
            note(h, buf_add_str(h->out, "\n"));
        if (table->title)
            note(h, buf_printf(h->out, "%s:\n", table->title));
        for (const struct arg *flag = table->list; flag->name; flag++)
            put_flag(h, flag);
    }
}

int help_print(const char *command, const struct args *args)
{
    _cleanup_(buf_done)
    struct buf out = {0};
    struct helping h = {.out = &out};
    if (args->examples)
        note(&h, buf_printf(&out, "Examples:\n%s\n", args->examples));
    note(&h, buf_printf(&out, "Usage: fanmill %s%s%s\n\n", command, *args->usage ? " " : "",
                        args->usage));
    note(&h, fill(&out, args->about, 0, 0));
    put_flags(&h, args);
    if (args->more) {
        note(&h, buf_add_str(&out, "\n"));
        note(&h, fill(&out, args->more, 0, 0));
    }
    if (h.error < 0)
        return EXIT_FAULT;
    return fd_write_all(STDOUT_FILENO, out.data, out.len) < 0 ? EXIT_OUTPUT : EXIT_ALL_WELL;
}

int help_print_short(const char *command, const struct args *args)
{
    const char *end = args->examples;
    for (int i = 0; i < 2 && end && *end; i++)
        end = strchrnul(end, '\n') + 1;
    fprintf(stderr, "Usage: fanmill %s %s\n\nExamples:\n%.*s\nMore: fanmill %s --help\n", command,
            args->usage, end ? (int)(end - args->examples) : 0, args->examples, command);
    return EXIT_USAGE;
}
