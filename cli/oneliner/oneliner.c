#include "cli/oneliner/oneliner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/args/exit_code.h"
#include "cli/oneliner/commands.h"
#include "cli/oneliner/oneliner_help.h"
#include "cli/oneliner/oneliner_words.h"
#include "cli/text/escape.h"
#include "pipelines/input/matrix.h"

#define ROWS_MAX 64

struct rows {
    struct arg list[ROWS_MAX];
    size_t n;
};

static void add_rows(struct rows *rows, const struct arg *list, size_t n)
{
    for (size_t i = 0; i < n && rows->n < ROWS_MAX; i++)
        rows->list[rows->n++] = list[i];
}
#define ADD(rows, list) add_rows(rows, list, sizeof(list) / sizeof(list)[0])

// Where items come from and how they are told apart: map and call.
static void add_item_rows(struct oneliner *o, struct rows *rows)
{
    const struct arg list[] = {
        {'a', "arg-file", ARG_LIST, &o->files, "FILE",
         "items are its lines; else those of standard input"},
        {'0', "null", ARG_FLAG, &o->nul, NULL, "items end with a NUL byte: find -print0"},
        {'d', "delimiter", ARG_TEXT, &o->delimiter, "C", "items end with this byte"},
        {'C', "colsep", ARG_TEXT, &o->colsep, "SEP", "an item has columns {1} {2} between SEPs"},
        {0, "csv", ARG_FLAG, &o->inputs.is_csv, NULL, "items are rows of a table (RFC 4180)"},
        {0, "header", ARG_FLAG, &o->inputs.has_header, NULL,
         "the first row names the columns: {name}"},
        {0, "range", ARG_TEXT, &o->range, "A..B", "items are numbers, both ends included"},
    };
    ADD(rows, list);
}

static void add_map_rows(struct oneliner *o, struct rows *rows)
{
    const struct arg list[] = {
        {'n', "max-args", ARG_TEXT, &o->items, "N", "items for one command"},
        {'X', "xargs", ARG_FLAG, &o->many, NULL, "as many items for one command as fit"},
    };
    add_item_rows(o, rows);
    ADD(rows, list);
}

static void add_call_rows(struct oneliner *o, struct rows *rows)
{
    const struct arg list[] = {
        {'n', "items-per-chunk", ARG_TEXT, &o->items, "N",
         "items for one call; else as many as take 50 ms"},
        {0, "arg", ARG_LIST, &o->args, "NAME=VALUE", "a value for the kernel"},
    };
    add_item_rows(o, rows);
    ADD(rows, list);
}

static void add_pipe_rows(struct oneliner *o, struct rows *rows)
{
    const struct arg list[] = {
        {0, "block", ARG_TEXT, &o->block, "SIZE", "data in a chunk, up to a record's end; 4MiB"},
        {0, "lines", ARG_TEXT, &o->lines, "N", "lines in a chunk"},
        {'N', "records", ARG_TEXT, &o->records, "N", "records in a chunk"},
        {0, "parts", ARG_TEXT, &o->parts, "N|N%", "chunks in all; N% of the slots; for files"},
        {0, "record-end", ARG_TEXT, &o->record_end, "S", "what ends a record; \\n"},
        {0, "record-start", ARG_TEXT, &o->record_start, "S", "what begins one"},
    };
    ADD(rows, list);
}

static void add_common_rows(struct oneliner *o, struct rows *rows)
{
    const struct arg list[] = {
        {'j', "slots", ARG_SLOTS, &o->run.slots, "N",
         "chunks at once: N, N%, +N, -N; the CPUs of this process"},
        {0, "retries", ARG_TEXT, &o->retries, "N", "runs after the first that failed"},
        {0, "timeout", ARG_TEXT, &o->timeout, "TIME", "of one run: 90, 5m"},
        {0, "on-error", ARG_TEXT, &o->on_error, "WHAT", "continue, finish or stop"},
        {0, "reduce", ARG_TEXT, &o->reduce, "STAGE",
         "makes one result of all: builtin:sum, 'sort -m'"},
        {'o', "output", ARG_TEXT, &o->output, "FILE", "results go there, when it is whole"},
        {0, "out-dir", ARG_TEXT, &o->out_dir, "DIR", "a file for each chunk; its name: --name"},
        {0, "json", ARG_FLAG, &o->run.json, NULL, "an object for each chunk, failures too"},
    };
    ADD(rows, list);
}

static void add_tag_row(struct oneliner *o, struct rows *rows)
{
    const struct arg list[] = {
        {0, "tag", ARG_FLAG, &o->tag, NULL, "the item in front of each line of output"},
    };
    ADD(rows, list);
}

// Shown without a line of their own.
static void add_other_rows(struct oneliner *o, struct rows *rows)
{
    const struct arg list[] = {
        {'k', "keep-order", ARG_FLAG, &o->keep_order, NULL, "as it is anyway"},
        {0, "unordered", ARG_FLAG, &o->unordered, NULL, "results as they come"},
        {0, "max-failures", ARG_TEXT, &o->max_failures, "N|N%", "more of them end the job"},
        {0, "halt", ARG_TEXT, &o->halt, "WHEN", "never, soon,fail=N or now,fail=1"},
        {0, "fan-in", ARG_TEXT, &o->fan_in, "N|all", "results for one run of the reduce"},
        {0, "name", ARG_TEXT, &o->name, "TEMPLATE", "--out-dir: {#}.txt"},
        {0, "env", ARG_LIST, &o->env, "NAME[=VALUE]", "a variable of the commands"},
        {0, "workdir", ARG_TEXT, &o->workdir, "DIR", "where commands start"},
        {0, "cpus", ARG_TEXT, &o->cpus, "N", "that a chunk takes"},
        {0, "memory", ARG_TEXT, &o->memory, "SIZE", "that a chunk takes"},
        {0, "gpus", ARG_TEXT, &o->gpus, "N", "that a chunk takes"},
        RUN_ARGS(o->run),
    };
    ADD(rows, list);
}

static const struct arg_foreign foreign[] = {
    {"--pipe", "that is a command: fanmill pipe"},
    {"--pipepart", "write fanmill pipe --parts 100% -- COMMAND :::: FILE"},
    {"--joblog", "a journal is not in this version of fanmill"},
    {"--journal", "not in this version of fanmill"},
    {"--resume", "not in this version of fanmill"},
    {"--resume-failed", "not in this version of fanmill"},
    {"--results", "write --out-dir DIR"},
    {"--link", "write ::: a b :::+ 1 2"},
    {"--xapply", "write ::: a b :::+ 1 2"},
    {"--bar", "progress is shown by itself"},
    {"--eta", "progress is shown by itself"},
    {"--jobs", "write -j"},
    {"--max-procs", "write -j"},
    {"-P", "write -j"},
    {"-I", "the placeholder is {}"},
    {"-i", "the placeholder is {}"},
    {"-m", "write -X"},
    {"-L", "write -n N (items) or fanmill pipe --lines N"},
    {"-S", "write --host"},
    {"--sshlogin", "write --host"},
    {"--dryrun", "write --dry-run"},
    {"-t", "write -v or --dry-run"},
    {"-r", "no input is no work anyway"},
    {"--no-run-if-empty", "no input is no work anyway"},
    {"--group", "output is never mixed"},
    {"--will-cite", "nothing of the kind is asked for"},
    {0},
};

static const struct args frames[] = {
    [ONELINER_MAP] = {.usage = MAP_USAGE,
                      .about = MAP_ABOUT,
                      .more = ONELINER_MORE,
                      .examples = MAP_EXAMPLES,
                      .foreign = foreign,
                      .command_follows = true},
    [ONELINER_PIPE] = {.usage = PIPE_USAGE,
                       .about = PIPE_ABOUT,
                       .more = ONELINER_MORE,
                       .examples = PIPE_EXAMPLES,
                       .foreign = foreign,
                       .command_follows = true},
    [ONELINER_CALL] = {.usage = CALL_USAGE,
                       .about = CALL_ABOUT,
                       .more = ONELINER_MORE,
                       .examples = CALL_EXAMPLES,
                       .foreign = foreign,
                       .words_max = ARGS_WORDS_MAX},
};

static void gather_rows(struct oneliner *o, struct rows *rows, size_t *ret_explained)
{
    static void (*const own[])(struct oneliner *, struct rows *) = {
        [ONELINER_MAP] = add_map_rows,
        [ONELINER_PIPE] = add_pipe_rows,
        [ONELINER_CALL] = add_call_rows,
    };
    own[o->kind](o, rows);
    add_common_rows(o, rows);
    if (o->kind == ONELINER_MAP)
        add_tag_row(o, rows);
    *ret_explained = rows->n;
    add_other_rows(o, rows);
}

// One byte, "," or "\\t".
static int read_delimiter(const char *text, uint8_t *ret)
{
    char bytes[4];
    if (strlen(text) >= sizeof(bytes) || escape_read(text, bytes) != 1)
        return -EINVAL;
    *ret = (uint8_t)bytes[0];
    return 0;
}

// Rows of tables.
static int check_rows(struct oneliner *o)
{
    struct inputs *in = &o->inputs;
    size_t len = o->colsep ? strlen(o->colsep) : 0;
    if (o->colsep && (len == 0 || len > ROW_SPLIT_MAX))
        return args_mistake(o->command, "-C takes the 1 to %u bytes between two columns",
                            ROW_SPLIT_MAX);
    if (o->colsep) {
        len = escape_read(o->colsep, o->separator);
        if (in->is_csv && len > 1)
            return args_mistake(o->command, "-C with --csv takes one byte, not '%s'", o->colsep);
        if (memchr(o->separator, '\0', len))
            return args_mistake(o->command, "-C takes no NUL byte: '%s'", o->colsep);
        in->separator = o->separator;
    }
    if (in->has_header && !in->is_csv && !in->separator)
        return args_mistake(o->command, "--header goes with --csv or -C");
    for (size_t i = 0; i < in->n && (in->is_csv || in->has_header); i++)
        if (!in->lists[i].from_files)
            return args_mistake(o->command,
                                "%s is for files ('::::', -a) and standard input, not for ':::'",
                                in->is_csv ? "--csv" : "--header");
    return 0;
}

// -n 2 with {1} and {2}: a list is taken two by two.
static void check_group(struct oneliner *o)
{
    struct inputs *in = &o->inputs;
    uint64_t n;
    bool rows = in->n > 1 || in->separator || in->is_csv || o->range;
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
    // "-" was asked for: who types it knows what comes.
    return inputs_named(in) ? 0 : args_short_help(args);
}

// What does not go together, and what the loader can't judge.
static int check(struct oneliner *o, const struct args *args)
{
    struct inputs *in = &o->inputs;
    in->files = o->files.list;
    in->n_files = o->files.n;
    in->delimiter = o->nul ? '\0' : '\n';
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
    int r = check_rows(o);
    if (r)
        return r;
    if (o->items && o->many)
        return args_mistake(o->command, "-n and -X both say how many items a command gets");
    check_group(o);
    if (o->output && o->out_dir)
        return args_mistake(o->command, "-o and --out-dir both say where results go");
    if (o->name && !o->out_dir)
        return args_mistake(o->command, "--name goes with --out-dir");
    if (o->fan_in && !o->reduce)
        return args_mistake(o->command, "--fan-in goes with --reduce");
    if (o->tag && o->run.json)
        return args_mistake(o->command, "--json tells the item by itself; leave out --tag");
    if (!!o->block + !!o->lines + !!o->records + !!o->parts > 1)
        return args_mistake(o->command, "--block, --lines, -N and --parts: take one");
    for (size_t i = 0; o->kind == ONELINER_PIPE && i < in->n; i++)
        if (!in->lists[i].from_files || in->n > 1)
            return args_mistake(o->command,
                                "data come from standard input or from files behind one '::::'");
    return check_stdin(o, args);
}

int oneliner_read(struct oneliner *o, int argc, char **argv, int *ret_status)
{
    struct rows rows = {0};
    struct args args = frames[o->kind];
    struct words words;
    struct err err = {0};
    args.command = o->command;
    gather_rows(o, &rows, &args.n_explained);
    args.table = rows.list;
    args.n = rows.n;
    if (argc == 0) {
        *ret_status = args_short_help(&args);
        return -EINVAL;
    }
    int n = inputs_split(argc, argv, &o->inputs, &err);
    if (n < 0) {
        *ret_status = args_mistake(o->command, "%s", err.text);
        return n;
    }
    int r = args_parse(&args, n, argv, &words, ret_status);
    if (r != 0)
        return r;
    o->words = argv + words.rest;
    o->n_words = (size_t)(n - words.rest);
    o->kernel = words.n ? words.list[0] : NULL;
    if (!o->kernel && o->n_words == 0)
        *ret_status = args_mistake(o->command, "%s", oneliner_missing[o->kind]);
    else if (words.n > 1)
        *ret_status = args_mistake(o->command, "'%s' is one word too many; items come behind ':::'",
                                   words.list[1]);
    else
        *ret_status = check(o, &args);
    return *ret_status ? -EINVAL : 0;
}
