// What the completion scripts of all shells share. A script is data made of the commands' tables,
// and a few functions that read it.
#pragma once
#include "base/buf.h"
#include "cli/args/command.h"

// Each appends a whole script. 0, -ENOMEM or -ENOBUFS.
int completion_bash(const struct command_list *commands, struct buf *out);
int completion_zsh(const struct command_list *commands, struct buf *out);
int completion_fish(const struct command_list *commands, struct buf *out);

// ---- between the scripts

struct script {
    struct buf *out;
    const struct command_list *commands;
    int error; // sticky
};

void script_put(struct script *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// "auto always never"
void script_put_words(struct script *s, const char *const *words);
// "builtin:sum builtin:noop ..."
void script_put_kernels(struct script *s);
// How a shell wants a character within a text.
typedef void script_quote_fn(struct script *s, char c);
// The text, or what a flag does; newlines become blanks.
void script_put_quoted(struct script *s, const char *text, script_quote_fn *quote);
void script_put_help(struct script *s, const struct arg *flag, script_quote_fn *quote);
