// `fanmill map`, `pipe` and `call`: their flags and their help.
#include "cli/oneliner/commands.h"
#include "cli/oneliner/from_parallel.h"
#include "cli/oneliner/oneliner.h"

static const char *const trim_words[] = {"n", "l", "r", "lr", "rl", NULL};

// Where items come from and what separates them: map and call.
static const struct arg item_flags[] = {
    {'a', "arg-file", SETS_LIST(struct oneliner, files), "FILE",
     "read items from the lines of FILE", .offer = OFFER_FILE},
    {'0', "null", SETS_FLAG(struct oneliner, nul), NULL,
     "items end with a NUL byte, as of find -print0"},
    {'d', "delimiter", SETS_TEXT(struct oneliner, delimiter), "C", "items end with this byte"},
    {'C', "colsep", SETS_TEXT(struct oneliner, colsep), "SEP",
     "split items into columns {1} {2} at SEP, a text or a regular expression"},
    {0, "csv", SETS_FLAG(struct oneliner, inputs.is_csv), NULL,
     "items are rows of a CSV table (RFC 4180)"},
    {0, "header", SETS_FLAG(struct oneliner, inputs.has_header), NULL,
     "the first row names the columns: {name}; of ':::' the first item the list"},
    {0, "range", SETS_TEXT(struct oneliner, range), "A..B", "items are the numbers from A to B"},
    {0},
};

// The same, seldom needed.
static const struct arg more_item_flags[] = {
    {0, "trim", SETS_TEXT(struct oneliner, trim), "WHERE",
     "drop blanks at the left, the right or both ends of items and columns", .words = trim_words},
    {0, "shuf", SETS_FLAG(struct oneliner, inputs.is_shuffled), NULL,
     "take the items of one list in random order"},
    {0, "seed", SETS_TEXT(struct oneliner, seed), "N",
     "of --shuf: the same number, the same order"},
    {0, "link", SETS_FLAG(struct oneliner, linked), NULL,
     "lists go along with each other, as ':::+'; the shortest decides"},
    {0, "arg-sep", SETS_TEXT(struct oneliner, arg_sep), "S", "begins a list instead of ':::'"},
    {0, "arg-file-sep", SETS_TEXT(struct oneliner, arg_file_sep), "S",
     "begins a list of files instead of '::::'"},
    {0},
};

static const struct arg map_flags[] = {
    {'n', "max-args", SETS_TEXT(struct oneliner, items), "N", "pass N items to each command"},
    {'X', "xargs", SETS_FLAG(struct oneliner, many), NULL,
     "pass as many items to each command as fit"},
    {0},
};

static const struct arg call_flags[] = {
    {'n', "items-per-chunk", SETS_TEXT(struct oneliner, items), "N", "pass N items to each call",
     "as many as take 50 ms"},
    {0, "arg", SETS_LIST(struct oneliner, args), "NAME=VALUE", "set an argument of the kernel"},
    {0},
};

static const struct arg pipe_flags[] = {
    {0, "block", SETS_TEXT(struct oneliner, block), "SIZE",
     "cut chunks at the end of the record after SIZE", "4MiB"},
    {0, "lines", SETS_TEXT(struct oneliner, lines), "N", "cut chunks of N lines"},
    {'N', "records", SETS_TEXT(struct oneliner, records), "N", "cut chunks of N records"},
    {0, "parts", SETS_TEXT(struct oneliner, parts), "N|N%",
     "cut files into N chunks in all; N% of the slots"},
    {0, "record-end", SETS_TEXT(struct oneliner, record_end), "S", "text that ends a record",
     "\\n"},
    {0, "cat", SETS_FLAG(struct oneliner, cat), NULL,
     "{} is the name of a file that holds the chunk"},
    {0, "fifo", SETS_FLAG(struct oneliner, fifo), NULL,
     "{} is the name of a pipe that gives the chunk once"},
    {0, "record-start", SETS_TEXT(struct oneliner, record_start), "S", "text that starts a record"},
    {0, "header", SETS_TEXT(struct oneliner, header_lines), "N",
     "begin each chunk with the first N lines of its file; : is 1"},
    {0, "remove-rec-sep", SETS_FLAG(struct oneliner, drops_end), NULL,
     "drop the text that ends each record"},
    {0},
};

static const char *const on_error_words[] = {"continue", "finish", "stop", NULL};
static const char *const fan_in_words[] = {"all", NULL};

static const struct arg common_flags[] = {
    {'j', "slots", SETS_SLOTS(struct oneliner, run.slots), "N",
     "run N chunks at once; N%, +N, -N: of the CPUs"},
    {0, "retries", SETS_TEXT(struct oneliner, retries), "N", "retry a failed chunk up to N times"},
    {0, "timeout", SETS_TEXT(struct oneliner, timeout), "TIME",
     "limit for one attempt, e.g. 90 or 5m"},
    {0, "on-error", SETS_TEXT(struct oneliner, on_error), "WHAT", "after a failed chunk",
     .words = on_error_words},
    {0, "reduce", SETS_TEXT(struct oneliner, reduce), "STAGE",
     "combine all results into one, e.g. 'sort', which gets them one after another",
     .offer = OFFER_KERNEL},
    {'o', "output", SETS_TEXT(struct oneliner, output), "FILE",
     "write results to FILE atomically: it appears once it is complete", .offer = OFFER_FILE},
    {0, "out-dir", SETS_TEXT(struct oneliner, out_dir), "DIR",
     "write each result to a file in DIR, see --name", .offer = OFFER_FOLDER},
    {0, "json", SETS_FLAG(struct oneliner, run.json), NULL,
     "print a JSON object per chunk, failed ones too"},
    {0},
};

static const struct arg tag_flags[] = {
    {0, "tag", SETS_FLAG(struct oneliner, tag), NULL,
     "begin each line of output with the item and a tab"},
    {0},
};

// Named in the help without a line of their own: the manual page explains them.
static const struct arg other_flags[] = {
    {'k', "keep-order", SETS_FLAG(struct oneliner, keep_order), NULL,
     "accepted for compatibility; this is the default"},
    {0, "unordered", SETS_FLAG(struct oneliner, unordered), NULL, "write results as they come"},
    {0, "retry-delay", SETS_TEXT(struct oneliner, retry_delay), "TIME",
     "wait before the first retry; twice as long before each further one", "1s"},
    {0, "max-failures", SETS_TEXT(struct oneliner, max_failures), "N|N%",
     "end the job when more chunks than these have failed"},
    {0, "halt", SETS_TEXT(struct oneliner, halt), "WHEN",
     "when to end, in GNU parallel's words: never, or now or soon with fail=N, success=N, done=N "
     "or N%: soon,fail=5%"},
    {0, "fan-in", SETS_TEXT(struct oneliner, fan_in), "N|all",
     "combine N results in one run of --reduce", "16, of a command all", .words = fan_in_words},
    {0, "name", SETS_TEXT(struct oneliner, name), "TEMPLATE", "names of the files in --out-dir",
     "{#}.txt"},
    {0, "results", SETS_TEXT(struct oneliner, results), "DIR",
     "write each result to a folder in DIR: stdout, stderr and seq; see --name",
     .offer = OFFER_FOLDER},
    {0, "files", SETS_FLAG(struct oneliner, lists), NULL,
     "print the names of the files that hold the results; --out-dir says where"},
    {0, "env", SETS_LIST(struct oneliner, env), "NAME[=VALUE]",
     "set a variable of the commands' environment, or pass on the one set here"},
    {0, "workdir", SETS_TEXT(struct oneliner, workdir), "DIR",
     "start commands in DIR, which is made if it is missing; may hold placeholders",
     .offer = OFFER_FOLDER},
    {0, "shell", SETS_TEXT(struct oneliner, shell), "SHELL",
     "what runs a script, e.g. bash or 'bash -eo pipefail'", "/bin/sh"},
    {0, "nice", SETS_TEXT(struct oneliner, nice), "N",
     "niceness of the commands, 0 to 19: higher yields to others"},
    {0, "delay", SETS_TEXT(struct oneliner, delay), "TIME", "time between two beginnings"},
    {0, "load", SETS_TEXT(struct oneliner, load), "N|N%",
     "begin none while so many processes run; N% of the CPUs"},
    {0, "memfree", SETS_TEXT(struct oneliner, memfree), "SIZE",
     "begin none while less memory is available"},
    {0, "leftovers", SETS_TEXT(struct oneliner, leftovers), "WHAT",
     "processes that outlive their command: wait=TIME, kill, keep or keep=forever", "wait=10s"},
    {0, "cpus", SETS_TEXT(struct oneliner, cpus), "N", "CPUs each chunk needs"},
    {0, "memory", SETS_TEXT(struct oneliner, memory), "SIZE", "memory each chunk needs"},
    {0, "gpus", SETS_TEXT(struct oneliner, gpus), "N", "GPUs each chunk needs"},
    {0},
};

#define OTHER_TABLES {.list = other_flags, .title = "More"}, RUN_TABLES(struct oneliner, run)
#define MORE                                                                                       \
    "Exit status: 0 success, 1 some chunk failed, 2 usage, 4 ended early, 5 output could not be "  \
    "written, 126 or 127 a command could not be run or was not found. Every flag, placeholder "    \
    "and limit: man fanmill.\n"

const struct args map_args = {
    .examples = "  fanmill map gzip -9 ::: *.log                a gzip for each file\n"
                "  find . -name '*.jpg' -print0 | fanmill map -0 'convert {} {.}.png'\n"
                "  fanmill map ./sim {1} {2} ::: 1 2 3 ::: a b  all six combinations\n"
                "  fanmill map --csv --header echo {name} {age} :::: people.csv\n"
                "  fanmill map -j 50% --retries 2 --timeout 5m curl -fsS {} :::: urls.txt\n",
    .usage = "[FLAG]... COMMAND [ARG]... [::: ITEM... | :::: FILE...]...\n"
             "       fanmill map [FLAG]... 'SCRIPT' [::: ITEM... | :::: FILE...]...",
    .about = "Runs a command for each item, as many at once as this process has CPUs. Results come "
             "in the order of the items. Several words are run as they are typed, without a "
             "shell; a single word is a shell script, which gets items as quoted values. {} {.} "
             "{/} {//} {/.} {#} {%} {1} {name} are replaced; without any, the item is appended.\n",
    .more = MORE,
    .tables = {{.list = item_flags, .title = "Items"},
               {.list = map_flags},
               {.list = common_flags, .title = "Running, and where results go"},
               {.list = tag_flags},
               {.list = more_item_flags},
               OTHER_TABLES},
    .operands = {{.offer = OFFER_PROGRAM}, {.offer = OFFER_FILE}},
    .n_operands = 2,
    .repeats = true,
    .command_follows = true,
    .foreign = from_parallel,
    .missing = "missing command. To run the items themselves: fanmill map sh -c {} ::: ..."};

const struct args pipe_args = {
    .examples = "  fanmill pipe --reduce builtin:sum -- wc -l < big    chunks of 4 MiB\n"
                "  fanmill pipe --parts 100% -- grep foo :::: big.log  a chunk per slot\n"
                "  fanmill pipe --lines 4000 -- ./a < x.fq\n"
                "  zcat x.gz | fanmill pipe --reduce sort -- sort\n",
    .usage = "[FLAG]... [--] COMMAND [ARG]... [:::: FILE...]\n"
             "       fanmill pipe [FLAG]... [--] 'SCRIPT' [:::: FILE...]",
    .about = "Cuts data, from standard input or from files, into chunks of whole records (by "
             "default lines), and runs a command for each chunk with the chunk on its standard "
             "input. Each worker reads its own parts of the files.\n",
    .more = MORE,
    .tables = {{.list = pipe_flags, .title = "Chunks"},
               {.list = common_flags, .title = "Running, and where results go"},
               OTHER_TABLES},
    .operands = {{.offer = OFFER_PROGRAM}, {.offer = OFFER_FILE}},
    .n_operands = 2,
    .repeats = true,
    .command_follows = true,
    .foreign = from_parallel,
    .missing = "missing command, which gets each chunk on its standard input"};

const struct args call_args = {
    .examples = "  fanmill call builtin:primes --range 1..1000000 --reduce builtin:sum\n"
                "  fanmill call ./libpi.so:count_inside --arg samples=1000 --range 1..500\n"
                "  seq 100 | fanmill call builtin:sum -n 10\n",
    .usage = "[FLAG]... LIB.so:FUNCTION|builtin:NAME\n                    [::: ITEM... | :::: "
             "FILE...]...",
    .about = "Calls a C function with runs of items, in long-lived processes. The function's "
             "interface is <fanmill/kernel.h>.\n",
    .more = MORE,
    .tables = {{.list = call_flags},
               {.list = item_flags, .title = "Items"},
               {.list = common_flags, .title = "Running, and where results go"},
               {.list = more_item_flags},
               OTHER_TABLES},
    .operands = {{.offer = OFFER_KERNEL}},
    .n_operands = 1,
    .foreign = from_parallel,
    .missing = "missing kernel: LIBRARY.so:FUNCTION or builtin:NAME",
    .surplus = "; items follow ':::'"};
