// A recipe: a step as an executor needs it, with templates compiled, environment laid out and
// kernels found.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "fanmill/kernel.h"
#include "pipelines/plan.h"
#include "pipelines/template/template.h"

#define RECIPE_NUMBERS 5 // FANMILL_JOB, _CHUNK, _SEQ, _SLOT, _ATTEMPT
#define RECIPE_ITEM RECIPE_NUMBERS

// What a program is started with: words with placeholders, or one script for the stage's shell.
struct recipe_words {
    struct template **list; // n of them; NULL: none
    size_t n;
    char *const *texts; // as written
    char **own;         // `texts`, if they are not the stage's
    bool is_script;
};
void recipe_words_done(struct recipe_words *words);

struct recipe_stage {
    const struct stage *stage;
    struct recipe_words words;
    struct recipe_words bare; // the same without a shell, until that is settled (bare.h)
    struct template *workdir;
    char **env; // the whole environment; the first RECIPE_NUMBERS + 1 places are the chunk's own
    size_t n_env;
    char *path_found; // where `path_for` was found; kept while the word stays the same
    char *path_for;
    fm_kernel_fn *kernel;
    void *library;
    bool opened; // kernel: looked for
    int failed;  // kernel: negative errno; `text` says why
    char *text;
};

struct recipe {
    LIST_ENTRY(recipe) entry; // the holder's
    uint64_t job;
    uint32_t step;
    struct plan *plan;
    const char *directory; // where programs start: the job's folder; home, where that is not there
    const char **params;   // values, in the order of the plan
    struct recipe_stage *stages;
    size_t n_stages;
    bool only_kernels;
};

// Checks and compiles a packed step. The caller frees with recipe_free().
int recipe_new(uint64_t job, uint32_t step, const void *packed, size_t len, struct recipe **ret,
               struct err *err);
// Accepts NULL and half-built ones. Returns NULL.
struct recipe *recipe_free(struct recipe *recipe);
// Finds the stage's kernel, once. Blocking: it may load a library. 0, -ENOENT or
// another errno with text; -EMFILE, -ENFILE, -ENOMEM may pass.
int recipe_kernel(struct recipe_stage *stage, struct err *err);
// Before a run: makes the stage an argv if it is a bare script (bare.h) whose program is here.
// `directory`: where programs start. Blocking for a search of the PATH.
void recipe_settle(struct recipe_stage *stage, const char *directory);
