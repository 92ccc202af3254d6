// Reads a job file: YAML text to a checked plan, or a list of mistakes with their places. Nothing
// is started or changed; files that the job names are looked at.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pipelines/plan.h"

#define LOAD_MISTAKES_MAX 20 // reported at once

struct load_options {
    const struct plan_pair *params; // -p name=value, in order of the command line; the last wins
    size_t n_params;
    uint32_t parallelism;  // -j; 0: as the job says
    struct source *source; // moved into the plan in place of the job's own; NULL: its own
    bool reads_stdin; // the job will run here: the header of a csv on standard input may be read
};

// The mistakes found. Zero it before the first use; load_report_done frees.
struct load_report {
    struct buf text; // for stderr: file:line:col: error|warning: ..., source line, caret, hint
    size_t n_errors; // all of them, also those past LOAD_MISTAKES_MAX
    size_t n_warnings;
};
void load_report_done(struct load_report *report);

// 0 with a plan that the caller frees (plan_free); -EINVAL when the report has errors; -ENOENT,
// -EACCES, ... when the file can't be read (the report says so, too); -ENOMEM. Warnings are not
// failures. `path` "-" reads standard input; relative paths in it then mean the current directory.
int load_file(const char *path, const struct load_options *options, struct plan **ret,
              struct load_report *report);
// The same from memory. `name` stands in messages, `directory` is where relative paths begin.
int load_text(const char *name, const char *directory, const char *text, size_t len,
              const struct load_options *options, struct plan **ret, struct load_report *report);
// The same from a tree made by hand (pipelines/file/tree.h) of the words of a command, "fanmill
// map", which stands in messages: "fanmill map: --timeout: ...".
struct node;
int load_tree(const char *command, const char *directory, struct node *root,
              const struct load_options *options, struct plan **ret, struct load_report *report);
