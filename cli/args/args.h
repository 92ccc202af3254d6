// A command's flags and words as a table of constants: the parser, --help, the manual page and the
// completions read the same one.
//
// Flags come in any order, as `--flag value`, `--flag=value`, `-f value`, `-fvalue`; letters
// without a value may be joined; `--` ends them. No abbreviations. A mistake is reported on
// stderr with the nearest flag. Reading ends where a command of the user's begins: its flags are
// its own.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum arg_kind {
    ARG_FLAG,     // bool
    ARG_COUNT,    // int, one more each time
    ARG_TEXT,     // const char *, borrowed from argv
    ARG_WORD,     // an enum or unsigned: which one of .words
    ARG_NUMBER,   // uint64_t
    ARG_SIZE,     // uint64_t, bytes, at least 1
    ARG_SLOTS,    // uint32_t, 1..65536; N%, +N and -N are of the CPUs of this process
    ARG_DURATION, // int64_t, ns
    ARG_PARAM,    // struct args_params: NAME=VALUE, many
    ARG_LIST,     // struct args_list, many
};

// What a shell may offer for a value or a word that has no list of words.
enum arg_offer {
    OFFER_NOTHING, // a name or a number
    OFFER_FILE,
    OFFER_JOB_FILE, // *.yaml
    OFFER_FOLDER,
    OFFER_PROGRAM,
    OFFER_COMMAND, // of fanmill
    OFFER_KERNEL,  // builtin:NAME, or a library's file
};

struct arg {
    char letter;      // 0: none
    const char *name; // without its dashes; NULL ends a table
    enum arg_kind kind;
    size_t offset;            // of what it sets, in the struct of its table
    const char *value;        // what its value is called; NULL: it takes none
    const char *help;         // half a sentence, in the imperative where it does something
    const char *by_default;   // its default, as help shows it; NULL: none to show
    const char *const *words; // what the value may be, ends with NULL. ARG_TEXT: others, too
    enum arg_offer offer;
};

// Kind and offset of a flag, for a static initializer: ARG_SETS(ARG_TEXT, const char *, struct
// connect, where). Does not compile when the member is of another type.
#define ARG_SETS(kind_, type, s, member)                                                           \
    .kind = (kind_), .offset = offsetof(s, member) + 0 * sizeof(&((s *)0)->member == (type *)0)
#define SETS_FLAG(s, member) ARG_SETS(ARG_FLAG, bool, s, member)
#define SETS_COUNT(s, member) ARG_SETS(ARG_COUNT, int, s, member)
#define SETS_TEXT(s, member) ARG_SETS(ARG_TEXT, const char *, s, member)
#define SETS_WORD(s, member) ARG_SETS(ARG_WORD, unsigned, s, member)
#define SETS_NUMBER(s, member) ARG_SETS(ARG_NUMBER, uint64_t, s, member)
#define SETS_SIZE(s, member) ARG_SETS(ARG_SIZE, uint64_t, s, member)
#define SETS_SLOTS(s, member) ARG_SETS(ARG_SLOTS, uint32_t, s, member)
#define SETS_DURATION(s, member) ARG_SETS(ARG_DURATION, int64_t, s, member)
#define SETS_PARAM(s, member) ARG_SETS(ARG_PARAM, struct args_params, s, member)
#define SETS_LIST(s, member) ARG_SETS(ARG_LIST, struct args_list, s, member)

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

// Flags of a command: its own, or some that it shares with others.
struct arg_table {
    const struct arg *list; // ends with one without a name; NULL ends the tables
    size_t offset;          // of the struct that they set, in the command's options
    const char *title;      // heading in help, "Messages"; NULL: they belong to those before
};

// A word of a command other than a flag: an operand.
struct arg_operand {
    enum arg_offer offer;
    const char *const *words; // ends with NULL; NULL: see `offer`
};

// A flag of another tool that people type, and what stands for it here. A flag of the command's own
// goes first.
struct arg_foreign {
    const char *words; // its spellings, separated by spaces: "--jobs -P --max-procs"
    // The name of a flag that means the same, and is set if the command has it; "": what it asks
    // for is so anyway, nothing is done. NULL: refused.
    const char *same;
    const char *here; // what to write instead, or the difference: half a sentence
};

#define ARGS_TABLES_MAX 10
#define ARGS_OPERANDS_MAX 2
#define ARGS_WORDS_MAX 64

struct args {
    const char *usage;    // after the name: "[-j N] JOB.yaml"; more lines as they are to be printed
    const char *about;    // what it does: paragraphs
    const char *more;     // after the flags; NULL
    const char *examples; // the help begins with them; NULL
    struct arg_table tables[ARGS_TABLES_MAX + 1];
    struct arg_operand operands[ARGS_OPERANDS_MAX];
    size_t n_operands;
    bool repeats; // the last operand may be repeated
    size_t n_required;
    const char *missing;               // what to say when operands are missing
    const char *surplus;               // what to add to "one word too many"; NULL
    bool command_follows;              // the operands are those of a command of the user's
    const char *const *commands;       // one of ours, if it is the first word; ends with NULL. NULL
    const struct arg_foreign *foreign; // ends with NULL words; NULL: none
};

// Each flag of a command, with its table.
#define ARGS_EACH(args, table, each)                                                               \
    for (const struct arg_table *table = (args)->tables; table->list; table++)                     \
        for (const struct arg *each = table->list; each->name; each++)

// The words other than flags.
struct word_list {
    const char *list[ARGS_WORDS_MAX];
    size_t n;
    int rest; // where in argv a command that follows begins; argc: nowhere
};

// Reads argv, which begins after the command's name, into `options`, the struct that the tables'
// offsets are of. 0: go on. 1: help was asked for and printed; *ret_status is the exit status.
// -EINVAL: a mistake, reported; likewise.
int args_parse(const char *command, const struct args *args, void *options, int argc, char **argv,
               struct word_list *ret, int *ret_status);
void args_params_done(struct args_params *params);
// "fanmill COMMAND: ..." and where to find help. Returns the status for a usage error.
int args_mistake(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
