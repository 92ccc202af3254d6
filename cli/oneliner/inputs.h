// Where the items or data of a one-liner come from: lists after `:::` and `::::` at the end of the
// command line, -a, --range, or standard input.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pipelines/plan.h"

#define INPUT_LISTS_MAX 64u
#define INPUT_STDIN_MAX (12u << 20) // bytes of items that go with a detached job

struct input_list {
    bool from_files; // `::::`: the words name files, their lines are the values
    bool is_linked;  // `:::+`, `::::+`: goes along with the list before
    char **words;    // borrowed from argv
    size_t n;
};

struct inputs {
    struct input_list lists[INPUT_LISTS_MAX];
    size_t n;
    // from flags
    const char *const *files; // -a, n_files of them
    size_t n_files;
    uint8_t delimiter;     // of items in files and on standard input; '\n'
    bool keeps_cr;         // -d: a CR before it belongs to the item
    const char *separator; // -C; NULL
    bool is_regex;         // it is an extended regular expression
    bool is_csv;
    bool has_header;
    uint8_t trims;                      // --trim: ROW_TRIM_*
    bool is_shuffled;                   // --shuf
    uint64_t seed;                      // of it
    const char *arg_sep, *arg_file_sep; // instead of ':::' and '::::'; NULL
    uint32_t group; // -n, when {1} {2}.. are used: items of a list that make a row; 0: not used
};

// Finds the lists in argv. Returns how many words come before them, which are the command's, or
// -EINVAL with text.
// --arg-sep and --arg-file-sep decide what separates them, so they are looked for here.
int inputs_split(int argc, char **argv, struct inputs *ret, struct err *err);

// Refuses a pipe or standard input that is named twice: it can be read only once. -EINVAL with
// text.
int inputs_check_names(const struct inputs *inputs, struct err *err);
// Whether anything but standard input was named.
bool inputs_named(const struct inputs *inputs);
// Whether standard input is to be read; "-" names it, too.
bool inputs_from_stdin(const struct inputs *inputs);

// The source of items. `by_number`: {1} is used. `keeps_stdin`: what is on standard input becomes
// part of the plan, for a submitted job; else only what must be known beforehand is
// read (blocking): files of products and links, headers of tables. The caller owns *ret in any case
// (inputs_source_done). Negative errno with text.
int inputs_source(const struct inputs *inputs, bool by_number, bool keeps_stdin, struct source *ret,
                  struct err *err);
// The numbers of a range that is written with leading zeros, "001..100", which are kept; 0: it is
// not, and *ret is untouched. 1, or negative errno with text.
int inputs_padded_range(const char *text, struct source *ret, struct err *err);
void inputs_source_done(struct source *source);
// How many items it has; UINT64_MAX: not known before the end.
uint64_t inputs_count(const struct source *source);
