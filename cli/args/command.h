// A command of the program: a row of cli/commands.c.
#pragma once
#include "cli/args/args.h"

struct command {
    const char *name;     // "status", "worker deploy-ssh"
    const char *group;    // heading in `fanmill help`
    const char *synopsis; // how `fanmill help` shows it; NULL: not in the list
    const char *summary;  // half a sentence, in the imperative
    const struct args *args;
    int (*run)(int argc, char **argv); // argv begins after the name; returns the exit status
};

// All of them, those of two words last.
struct command_list {
    const struct command *list;
    size_t n;
};

// The command's two words apart: "worker", "deploy-ssh"; "" when it is one.
struct command_words {
    char first[24];
    char second[24];
};
struct command_words command_words(const struct command *command);

#define COMMANDS_EACH(commands, each)                                                              \
    for (const struct command *each = (commands)->list; each < (commands)->list + (commands)->n;   \
         each++)
