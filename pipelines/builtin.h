// The built-in kernels: one table of names and arguments. The loader checks jobs against it; the
// worker has the functions (worker/executor/builtin*.c).
#pragma once
#include <stddef.h>

#include "base/err.h"

enum builtin_arg_kind { BUILTIN_ARG_TEXT, BUILTIN_ARG_COUNT, BUILTIN_ARG_DURATION };

struct builtin_arg {
    const char *name; // NULL ends the list
    enum builtin_arg_kind kind;
    const char *help;
};

#define BUILTIN_ARGS_MAX 4

struct builtin {
    const char *name;
    const char *help; // one line
    struct builtin_arg args[BUILTIN_ARGS_MAX];
};

extern const struct builtin builtins[];
extern const size_t n_builtins;

// NULL if none has this name.
const struct builtin *builtin_find(const char *name);
