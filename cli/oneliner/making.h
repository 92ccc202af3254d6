// A one-liner while it becomes a tree: what oneliner_plan.c and oneliner_words.c share.
#pragma once
#include "cli/oneliner/oneliner.h"
#include "pipelines/file/tree.h"

#define LABEL_MAX 80 // bytes of a word in a message

struct making {
    const struct oneliner *o;
    struct arena arena;
    struct tree tree;
    struct source source; // of items
    char chunks[24];      // a number that is not on the command line
};

// Frees what it holds.
void making_done(struct making *m);
// Prints it on stderr, and where to find help. Returns -EINVAL.
int making_mistake(const struct oneliner *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
// A text that lives as long as the tree; "" when out of memory, which the tree remembers.
const char *making_text(struct making *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
// A key of a map. `text` NULL: the flag was not given, nothing is put.
void making_put(struct making *m, struct node *map, const char *key, const char *text,
                const char *label);
