#include "cli/manual.h"
#include "cli/oneliner/inputs.h"
#include "pipelines/input/matrix.h"
#include "proto/limits.h"
#include "worker/executor/words.h"

static void put_command(struct man_page *page)
{
    man_section(page, "ONE-LINERS");
    man_text(page,
             "`fanmill map` runs a command for each item, `fanmill pipe` for each chunk of data on "
             "its standard input, `fanmill call` calls a C function with runs of items. `fanmill "
             "submit map ...` hands the same line to a coordinator and returns.\n"
             "\n"
             "Several words are a program and its arguments, run exactly as typed. A single word "
             "is a script for /bin/sh; one that is only a program's name (and items) is started "
             "without a shell. Without a placeholder the item is appended; for a script of "
             "several lines, or one that ends where a command would begin, write {} where the item "
             "belongs. Flags come before the command: from its first word on they are the "
             "command's.\n"
             "  fanmill map gzip -9 {} ::: *.log\n"
             "  fanmill map 'gzip -9 <{} >{.}.gz && echo {/}' ::: *.log\n"
             "An item is data, never code: in a script each placeholder becomes a quoted argument "
             "(\"$1\") whatever quotes stand around it. A placeholder that no quoting could "
             "protect, as in $(( {} )), is refused. `--dry-run` prints every command.\n");
}

static void put_placeholders(struct man_page *page)
{
    man_section(page, "PLACEHOLDERS");
    man_text(page, "For the item dir/photo.jpg:\n");
    man_item(page, "{}", "the item: dir/photo.jpg");
    man_item(page, "{.}", "without its extension: dir/photo");
    man_item(page, "{/}", "its base name: photo.jpg");
    man_item(page, "{//}", "its folder: dir");
    man_item(page, "{/.}", "its base name without the extension: photo");
    man_item(page, "{..}, {...}, {/..}", "without two or three extensions");
    man_item(page, "{+/}, {+.}, {+..}",
             "its folder, \"\" if there is none; its extension; its last two");
    man_item(page, "{#}", "the item's number, from 1; of several items the first one's");
    man_item(page, "{%}", "the slot, from 1");
    man_item(page, "{1}, {2} ... {-1}", "the item of the first, second, last list; a column");
    man_item(page, "{name}", "a column by its name");
    man_item(page, "{1/.}, {name.} ...", "the forms above, of these");
    man_item(page, "{@q}, {1@q} ...",
             "quoted once more, for a shell inside the command: ssh host \"ls {@q}\"");
    man_item(page, "{{}}", "{} itself; words in braces that are no placeholder stay as they are");
}

static void put_items(struct man_page *page)
{
    man_section(page, "ITEMS");
    man_item(page, "::: a b c", "these words");
    man_item(page, ":::: FILE ..., -a FILE",
             "the lines of files, one file after another; - is standard input");
    man_item(page, "no list", "the lines of standard input");
    man_item(page, "--range A..B, A..B..STEP", "numbers, both ends included");
    man_item(page, "::: a b ::: 1 2",
             "all combinations, as {1} and {2}; the last list varies fastest");
    man_item(page, "::: a b :::+ 1 2",
             "linked to the list before: a 1, b 2. The shortest list decides how many there are");
    man_item(page, ":::: FILE ::: 1 2, ::::+ FILE", "the same with lines of files");
    man_item(page, "-0, -d C",
             "items end with a NUL byte, or with the byte C (\\t, \\0 ...), instead of a newline");
    man_item(page, "-C SEP, --csv, --header",
             "items have columns: separated by SEP; as in RFC 4180, with -C ';' for another "
             "delimiter than the comma; named by the first row");
    man_item(
        page, "-n N, -X",
        "N items for one command, or as many as fit into %u KiB. Each word with a placeholder "
        "is repeated: `fanmill map -n 2 echo {} {.}.bak` runs echo a.x b.x a.bak b.bak; a script "
        "gets the items as \"$@\". With {1} and {2}, -n 2 takes a list two by two.",
        BATCH_BYTES_MAX >> 10);
    man_text(page,
             "\nA single list, a file or a range has no limit; lists that are combined may have "
             "%u MiB in all, in up to %u lists.\n",
             MATRIX_BYTES_MAX >> 20, INPUT_LISTS_MAX);
}

static void put_data(struct man_page *page)
{
    man_section(page, "DATA");
    man_text(page,
             "`fanmill pipe` cuts standard input, or the files after ::::, between records. A "
             "record ends with --record-end (a newline), or starts with --record-start (> for "
             "FASTA).\n");
    man_item(page, "--block SIZE",
             "a chunk ends with the first record that ends at SIZE or later. 4M is 4 MiB, 4MB "
             "is 4,000,000 bytes");
    man_item(page, "--lines N, -N N", "N lines, N records; a pass over the file finds them");
    man_item(page, "--parts N, --parts 100%",
             "N chunks in all, or one for each slot: for files, whose size is known");
    man_item(page, "--reduce",
             "combines all results into one. A kernel (builtin:sum) works as a tree, --fan-in "
             "results at a time; a script ('sort') gets all results at once, up to %u MiB, "
             "unless --fan-in says that it can take its own output as input",
             PROTO_BODY_MAX >> 20);
}

static void put_outcomes(struct man_page *page)
{
    man_section(page, "FAILURES AND RESULTS");
    man_item(page, "--retries N", "GNU parallel counts the first attempt, too; fanmill does not");
    man_item(
        page, "--retry-delay TIME",
        "wait before the first retry, e.g. 10 or 5m; twice as long before each further one, up "
        "to 60s. Without --retries: one retry. Default 1s");
    man_item(page, "--timeout TIME",
             "of one attempt: 90 (seconds), 5m, 2h, 1d. TERM, and KILL 5 s later, to everything "
             "it started");
    man_item(
        page, "--on-error WHAT",
        "continue: go on (default); finish: start no more chunks; stop: also end running ones");
    man_item(page, "--max-failures N, N%", "end the job when more chunks than this have failed");
    man_item(
        page, "--halt WHEN",
        "in the words of GNU parallel: never; now, (what runs is ended, too) or soon, then fail=N, "
        "success=N or done=N, or N%% of all: now,success=1");
    man_item(page, "-o FILE",
             "is written atomically: the file appears once it is complete, and an old one stays "
             "until then");
    man_item(page, "--out-dir DIR",
             "a file for each chunk, named by --name: {#}.txt, or e.g. {/.}.webp");
    man_item(page, "--json",
             "a line of JSON for each chunk, failed ones too: v, seq, offset, step, chunk, item, "
             "outcome, exit, signal, error, attempts, start, seconds, maxrss, worker, stdout, "
             "stderr. Text that is not UTF-8 comes in base64, under NAME_base64");
    man_text(page,
             "\nWhat a command wrote before it failed is shown in its place, like all other "
             "output. If a non-zero status is not a failure, say so: `fanmill map 'grep -c foo {} "
             "|| test $? = 1'`.\n");
}

void manual_oneliners(struct man_page *page)
{
    put_command(page);
    put_placeholders(page);
    put_items(page);
    put_data(page);
    put_outcomes(page);
}
