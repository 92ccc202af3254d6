// The words behind a command's name, by a table: flags in any order, `--flag=value` and
// `--flag value`, `--` ends them. No abbreviations. A mistake is told on stderr, with the nearest
// flag. Where a command of the user's begins, reading ends: its flags are its own.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGS_WORDS_MAX 64

enum arg_kind {
    ARG_FLAG,     // bool
    ARG_COUNT,    // int, one more each time
    ARG_TEXT,     // const char *
    ARG_NUMBER,   // uint64_t
    ARG_SLOTS,    // uint32_t, 1..65536; N%, +N and -N are of the CPUs of this process
    ARG_DURATION, // int64_t, ns
    ARG_WHEN,     // enum color: auto, always, never
    ARG_PARAM,    // struct args_params: NAME=VALUE, many
    ARG_LIST,     // struct args_list, many
};

struct arg {
    char letter;      // 0: none
    const char *name; // without its dashes
    enum arg_kind kind;
    void *value;
    const char *meta; // what its value is called; NULL: it has none
    const char *help;
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct plan_pair;
#define ARGS_PARAMS_MAX 256
struct args_params {
    struct plan_pair *list; // names are malloc'd, values borrowed from argv
    size_t n;
};

#define ARGS_LIST_MAX 256
struct args_list {
    const char *list[ARGS_LIST_MAX]; // borrowed from argv
    size_t n;
};

// A flag of other tools that people type, and what to write instead.
struct arg_foreign {
    const char *word; // "--pipe"
    const char *cure; // "use: fanmill pipe"
};

// What a command takes, for reading and for its help.
struct args {
    const char *command;
    const char *usage;    // behind the name: "[-j N] JOB.yaml"
    const char *about;    // what it does; whole lines
    const char *more;     // exit statuses; NULL
    const char *examples; // the help begins with them; NULL
    const struct arg *table;
    size_t n;
    size_t n_explained; // help has a line for each of the first so many flags; 0: for all
    const struct arg_foreign *foreign; // ends with a NULL word; NULL: none
    bool command_follows;              // the first word begins a command of the user's
    const char *const *commands;       // one of ours, if it is the first word; ends with NULL. NULL
    size_t words_min, words_max;
    const char *missing; // what to say when words are missing
};

struct words {
    const char *list[ARGS_WORDS_MAX];
    size_t n;
    int rest; // where in argv the command begins that follows; argc: nowhere
};

// 0: go on. 1: help was asked for and given; *ret_status is the exit status. -EINVAL: a mistake,
// told; likewise.
int args_parse(const struct args *args, int argc, char **argv, struct words *ret, int *ret_status);
// Calls `visit` with what a command takes instead of running it: the command is asked for help, and
// args_parse() hands its table over in place of giving it. What `visit` gets lives for the call.
typedef void args_visit_fn(void *arg, const struct args *args);
void args_describe(int (*command)(int argc, char **argv), args_visit_fn *visit, void *arg);
void args_params_done(struct args_params *params);
// What of it a person needs first, for a command that was called without what it works on. Returns
// the status for a usage error.
int args_short_help(const struct args *args);
// "fanmill COMMAND: ..." and where to find help. Returns the status for a usage error.
int args_mistake(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// May escape sequences be written to stderr? Obeys --color, NO_COLOR, CLICOLOR_FORCE, CLICOLOR
// and TERM=dumb, in this order.
bool use_color(enum color when);
