#include "cli/oneliner/oneliner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/args/exit_code.h"
#include "cli/args/help.h"
#include "cli/oneliner/commands.h"
#include "cli/oneliner/oneliner_words.h"
#include "cli/text/escape.h"
#include "pipelines/input/matrix.h"

static const struct args *const all_args[] = {
    [ONELINER_MAP] = &map_args,
    [ONELINER_PIPE] = &pipe_args,
    [ONELINER_CALL] = &call_args,
};

// One byte, "," or "\\t".
static int read_delimiter(const char *text, uint8_t *ret)
{
    char bytes[4];
    if (strlen(text) >= sizeof(bytes) || escape_read(text, bytes) != 1)
        return -EINVAL;
    *ret = (uint8_t)bytes[0];
    return 0;
}

// One character is itself, and so is a text without what only expressions have.
static bool is_regex(const char *text, size_t len)
{
    return len > 1 && (strchr(text, '[') || strchr(text, '\\') || strpbrk(text + 1, "*+?{") ||
                       (strchr(text + 1, '|') && text[0] != '|'));
}

// Rows of tables.
static int check_rows(struct oneliner *o)
{
    struct inputs *in = &o->inputs;
    size_t len = o->colsep ? strlen(o->colsep) : 0;
    if (o->colsep && (len == 0 || len > ROW_SPLIT_MAX))
        return args_mistake(o->command, "-C takes 1 to %u bytes that separate columns",
                            ROW_SPLIT_MAX);
    if (o->colsep) {
        len = escape_read(o->colsep, o->separator);
        if (in->is_csv && len > 1)
            return args_mistake(o->command, "-C with --csv takes one byte, not '%s'", o->colsep);
        if (memchr(o->separator, '\0', len))
            return args_mistake(o->command, "-C takes no NUL byte: '%s'", o->colsep);
        in->separator = o->separator;
        in->is_regex = !in->is_csv && is_regex(o->separator, len);
        if (in->is_regex && !row_regex_ok(o->separator))
            return args_mistake(o->command,
                                "-C: '%s' is no regular expression; a text goes into "
                                "brackets: [|][+]",
                                o->colsep);
    }
    for (size_t i = 0; i < in->n && (in->is_csv || (in->has_header && in->separator)); i++)
        if (!in->lists[i].from_files)
            return args_mistake(o->command,
                                "%s is for files ('::::', -a) and standard input, not for ':::'",
                                in->is_csv ? "--csv" : "--header");
    return 0;
}

// Flags that change the items themselves.
static int check_items(struct oneliner *o)
{
    struct inputs *in = &o->inputs;
    if (o->trim && (!o->trim[0] || strspn(o->trim, "nlr") != strlen(o->trim) || o->trim[1] == 'n' ||
                    strlen(o->trim) > 2))
        return args_mistake(o->command, "--trim takes n, l, r or lr, not '%s'", o->trim);
    if (o->trim && strcmp(o->trim, "n") != 0)
        in->trims = (uint8_t)((strchr(o->trim, 'l') ? ROW_TRIM_LEFT : 0) |
                              (strchr(o->trim, 'r') ? ROW_TRIM_RIGHT : 0));
    for (size_t i = 1; o->linked && i < in->n; i++)
        in->lists[i].is_linked = true;
    if (o->seed && !in->is_shuffled)
        return args_mistake(o->command, "--seed goes with --shuf");
    if (!in->is_shuffled)
        return 0;
    if (in->n > 1 || in->is_csv || in->has_header || o->range)
        return args_mistake(o->command, "--shuf takes one list; for others write shuf FILE | "
                                        "fanmill map ...");
    if (o->seed && parse_u64(o->seed, &in->seed) < 0)
        return args_mistake(o->command, "--seed takes a whole number, not '%s'", o->seed);
    if (!o->seed && getrandom(&in->seed, sizeof(uint32_t), 0) < 0)
        return args_mistake(o->command, "--shuf: no random numbers: %s", strerror(errno));
    if (!o->seed && !o->run.report.quiet)
        fprintf(stderr, "fanmill: this order again: --shuf --seed %llu\n",
                (unsigned long long)in->seed);
    return 0;
}

// -n 2 with {1} and {2}: a list is read two by two.
static void check_group(struct oneliner *o)
{
    struct inputs *in = &o->inputs;
    uint64_t n;
    bool rows = in->n > 1 || in->separator || in->is_csv || in->has_header || o->range;
    if (o->kind == ONELINER_MAP && o->items && !rows && parse_u64(o->items, &n) == 0 && n > 1 &&
        n <= MATRIX_AXES_MAX && words_use_number(o))
        in->group = (uint32_t)n;
}

static int check_stdin(const struct oneliner *o, const struct args *args)
{
    const struct inputs *in = &o->inputs;
    bool named = inputs_named(in) || o->range;
    if (named && !inputs_from_stdin(in))
        return 0;
    if (o->range || !isatty(STDIN_FILENO))
        return 0;
    // "-" was asked for: the user knows what comes.
    return inputs_named(in) ? 0 : help_print_short(o->command, args);
}

// Flags that don't go together, and what the loader can't check.
static int check(struct oneliner *o, const struct args *args)
{
    struct inputs *in = &o->inputs;
    in->files = o->files.list;
    in->n_files = o->files.n;
    in->delimiter = o->nul ? '\0' : '\n';
    in->keeps_cr = o->delimiter != NULL;
    if (o->nul && o->delimiter)
        return args_mistake(o->command, "-0 and -d both say how items end");
    if (o->delimiter && read_delimiter(o->delimiter, &in->delimiter) < 0)
        return args_mistake(o->command, "-d takes one byte, or \\n, \\t, \\0, not '%s'",
                            o->delimiter);
    if (in->n && in->n_files)
        return args_mistake(o->command, "-a and ':::' both say where items come from");
    if (o->range && inputs_named(in))
        return args_mistake(o->command, "--range and '%s' both say where items come from",
                            in->n ? ":::" : "-a");
    struct err err;
    if (inputs_check_names(in, &err) < 0)
        return args_mistake(o->command, "%s", err.text);
    int r = check_rows(o);
    if (r == 0)
        r = check_items(o);
    if (r)
        return r;
    if (o->items && o->many)
        return args_mistake(o->command, "-n and -X both say how many items a command gets");
    check_group(o);
    if (!!o->output + !!o->out_dir + !!o->results > 1)
        return args_mistake(
            o->command, "use only one of -o, --out-dir and --results: all say where results go");
    if (o->name && !o->out_dir && !o->results)
        return args_mistake(o->command, "--name goes with --out-dir and --results");
    if (o->lists && (o->output || o->run.json || o->detached))
        return args_mistake(o->command, "--files %s",
                            o->detached
                                ? "prints names here, but a submitted job writes elsewhere; omit it"
                                : "goes with --out-dir or --results, and prints only names");
    if (o->cat && o->fifo)
        return args_mistake(o->command, "use only one of --cat and --fifo");
    if (o->fan_in && !o->reduce)
        return args_mistake(o->command, "--fan-in goes with --reduce");
    if (o->tag && o->run.json)
        return args_mistake(o->command, "--json includes the item; omit --tag");
    if (!!o->block + !!o->lines + !!o->records + !!o->parts > 1)
        return args_mistake(o->command, "use only one of --block, --lines, -N and --parts");
    for (size_t i = 0; o->kind == ONELINER_PIPE && i < in->n; i++)
        if (!in->lists[i].from_files || in->n > 1)
            return args_mistake(o->command,
                                "data come from standard input or from files after one '::::'");
    return check_stdin(o, args);
}

int oneliner_read(struct oneliner *o, int argc, char **argv, int *ret_status)
{
    const struct args *args = all_args[o->kind];
    struct word_list words;
    struct err err = {0};
    if (argc == 0) {
        *ret_status = help_print_short(o->command, args);
        return -EINVAL;
    }
    int n = inputs_split(argc, argv, &o->inputs, &err);
    if (n < 0) {
        *ret_status = args_mistake(o->command, "%s", err.text);
        return n;
    }
    int r = args_parse(o->command, args, o, n, argv, &words, ret_status);
    if (r != 0)
        return r;
    o->words = argv + words.rest;
    o->n_words = (size_t)(n - words.rest);
    // GNU parallel's --header has a value, ":".
    if (o->inputs.has_header && o->n_words > 1 && strcmp(o->words[0], ":") == 0) {
        o->words++;
        o->n_words--;
    }
    o->kernel = words.n ? words.list[0] : NULL;
    if (!o->kernel && o->n_words == 0)
        *ret_status = args_mistake(o->command, "%s", args->missing);
    else
        *ret_status = check(o, args);
    return *ret_status ? -EINVAL : 0;
}
