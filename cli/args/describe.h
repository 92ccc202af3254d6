// The commands and their flags described, out of the tables by which they read their words: for
// shells, which complete them, and for man.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/args/args.h"

// Each command of the program, "worker deploy-ssh" and help too; `about` is half a sentence.
// What it gets lives for the call.
typedef void describe_fn(void *arg, const char *about, const struct args *args);
void commands_describe(describe_fn *visit, void *arg);

enum hint_kind {
    HINT_NOTHING, // a name, a number: nothing to offer
    HINT_WORDS,
    HINT_FILE,
    HINT_JOB_FILE, // *.yaml
    HINT_FOLDER,
    HINT_PROGRAM,
    HINT_COMMAND, // of fanmill
};

// What may stand in a place.
struct hint {
    enum hint_kind kind;
    char words[128]; // HINT_WORDS: "auto always never"
};

// The value of a flag that takes one. Words come from a help that is nothing but a list of them,
// "auto, always or never", or from the value's name, "bash|zsh"; files and folders from names that
// say so.
struct hint hint_of_flag(const struct arg *flag);
// The words behind a command, as its usage names them; *ret_repeats: the last one may stand again.
#define HINT_PLACES_MAX 8
size_t hints_of_words(const struct args *args, struct hint ret[HINT_PLACES_MAX], bool *ret_repeats);

// Each appends a whole script, or page. 0, -ENOMEM or -ENOBUFS.
int completion_bash(struct buf *out);
int completion_zsh(struct buf *out);
int completion_fish(struct buf *out);
int man_fanmill(struct buf *out);
// `fanmill completion`.
int cli_completion(int argc, char **argv);
// `fanmill help --man PAGE`: "fanmill" or "job". Returns the exit status.
int give_man(const char *page);
