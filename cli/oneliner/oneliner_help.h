// The texts of `fanmill map|pipe|call --help`. Only oneliner.c includes it.
#pragma once

#define MAP_EXAMPLES                                                                               \
    "  fanmill map gzip -9 ::: *.log                     a program for each file, no shell\n"      \
    "  find . -name '*.jpg' -print0 | fanmill map -0 'convert {} -resize 50% {.}_s.jpg'\n"         \
    "  fanmill map ./sim {1} {2} ::: 1 2 3 ::: a b       all six combinations\n"                   \
    "  fanmill map --csv --header echo {name} {age} :::: people.csv\n"                             \
    "  fanmill map -j 50% --retries 2 --timeout 5m curl -fsS {} :::: urls.txt\n"
#define MAP_USAGE                                                                                  \
    "[FLAG]... COMMAND [ARG]... [::: ITEM... | :::: FILE...]...\n"                                 \
    "       fanmill map [FLAG]... 'SCRIPT' [::: ITEM... | :::: FILE...]..."
#define MAP_ABOUT                                                                                  \
    "Runs a command for each item, as many at once as there are CPUs; results come in the order "  \
    "of the\nitems. Several words are run as they are typed, without a shell; one word is a "      \
    "script of the shell,\nwhich gets items as quoted values. {} {.} {/} {//} {/.} {#} {%} {1} "   \
    "{name} are filled in; without\nany, the item comes last.\n"

#define PIPE_EXAMPLES                                                                              \
    "  fanmill pipe --reduce builtin:sum -- wc -l < big            pieces of 4 MiB\n"              \
    "  fanmill pipe --parts 100% -- grep -c error :::: big.log     a part for each slot\n"         \
    "  fanmill pipe --lines 4000 -- ./a < x.fq\n"                                                  \
    "  zcat x.gz | fanmill pipe --reduce 'sort -m' -- sort\n"
#define PIPE_USAGE                                                                                 \
    "[FLAG]... [--] COMMAND [ARG]... [:::: FILE...]\n"                                             \
    "       fanmill pipe [FLAG]... [--] 'SCRIPT' [:::: FILE...]"
#define PIPE_ABOUT                                                                                 \
    "Cuts data, of standard input or of files, into chunks that end with a record, a line by "     \
    "default, and\nruns a command for each with the chunk on its standard input. Files are read "  \
    "by the workers, each\nits own piece.\n"

#define CALL_EXAMPLES                                                                              \
    "  fanmill call builtin:primes --range 1..1000000 --reduce builtin:sum\n"                      \
    "  fanmill call ./libpi.so:count_inside --arg samples=1000 --range 1..500\n"                   \
    "  seq 100 | fanmill call builtin:sum -n 10\n"
#define CALL_USAGE "[FLAG]... LIB.so:FUNCTION|builtin:NAME [::: ITEM... | :::: FILE...]..."
#define CALL_ABOUT                                                                                 \
    "Calls a C function with runs of items, in processes that are there already: "                 \
    "docs/guide/kernels.md.\n"

#define ONELINER_MORE                                                                              \
    "Exit status: 0 all well, 1 some chunk failed, 2 usage, 4 ended early, 5 output could not be " \
    "written,\n126 or 127 a command could not be run or was not found; "                           \
    "docs/guide/exit-status.md. "                                                                  \
    "Every flag:\ndocs/guide/one-liners.md.\n"

static const char *const oneliner_missing[] = {
    "which command? To run the items themselves: fanmill map sh -c {} ::: ...",
    "which command? It gets each piece of the data on its standard input",
    "which kernel? LIBRARY.so:FUNCTION or builtin:NAME",
};
