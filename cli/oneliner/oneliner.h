// A job from the words of a command line: `fanmill map`, `pipe` and `call`. It becomes the same
// checked plan that a job file becomes, by the same loader; from there on it is run the same way.
#pragma once
#include "cli/args/args.h"
#include "cli/oneliner/inputs.h"
#include "cli/run/run.h"
#include "pipelines/plan.h"

enum oneliner_kind { ONELINER_MAP, ONELINER_PIPE, ONELINER_CALL };

// What the command line says. Texts are borrowed from argv; NULL: not given. The loader checks
// them.
struct oneliner {
    enum oneliner_kind kind;
    const char *command; // "map", "submit pipe": for messages
    bool detached;       // the job is submitted: standard input is read now
    struct run_options run;
    char **words; // the program and its arguments, or a script
    size_t n_words;
    const char *kernel; // call
    struct inputs inputs;
    struct args_list files; // -a
    bool nul;               // -0
    const char *delimiter;  // -d
    const char *colsep;     // -C
    char separator[ROW_SPLIT_MAX + 1];
    const char *range;
    const char *items; // -n
    bool many;         // -X
    const char *trim, *seed, *arg_sep, *arg_file_sep;
    bool linked; // --link: lists go along with each other
    const char *block, *lines, *records, *parts, *record_start, *record_end, *header_lines;
    bool drops_end; // --remove-rec-sep
    const char *retries, *retry_delay, *timeout, *on_error, *max_failures, *halt;
    bool keep_order, unordered;
    const char *output, *out_dir, *name;
    bool tag;
    const char *leftovers;
    struct args_list env, args;
    const char *results;
    bool lists;     // --files
    bool fifo, cat; // pipe: the chunk has a name
    const char *shell, *nice, *delay, *load, *memfree;
    const char *workdir, *cpus, *memory, *gpus;
    const char *reduce, *fan_in;
};

// Reads the words after the command's name. 0: go on; else *ret_status is the exit status, and
// everything was reported.
int oneliner_read(struct oneliner *ret, int argc, char **argv, int *ret_status);
// Makes the plan; the caller frees it. Mistakes are reported on stderr: -EINVAL and others.
// Blocking: reads what must be known beforehand.
int oneliner_plan(const struct oneliner *o, struct plan **ret);
