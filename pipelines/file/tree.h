// The tree of a job file: nodes with their places. yaml_read() makes it of text. A job that comes
// as words of a command line or from a program gets one by hand: its bytes need not be UTF-8, and
// the loader checks it like any other.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipelines/file/diag.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

// All of it lives in the arena.
struct node {
    enum node_kind kind;
    bool is_plain; // scalar: not quoted and not a block
    bool is_flow;  // list, map: written with brackets
    bool is_bad;   // a mistake was reported about it: report no more
    bool has_nul;  // scalar: "\0" stands in it
    bool is_data;  // scalar: bytes as they are, where others have placeholders and patterns
    struct place at;
    struct place end;
    const char *text; // scalar: NUL-terminated
    size_t len;
    struct node *parent;    // NULL: the root
    const struct node *key; // in a map: the key's scalar
    size_t index;           // in a list or map, from 0
    struct node *first;     // list, map: the values
    struct node *last;
    struct node *next;
    size_t n;
    uint32_t hash; // scalar: of its text
    // What messages call it instead of its path: its flag on a command line; NULL: the path.
    const char *label;
};

struct arena_block;
struct arena {
    struct arena_block *blocks;
};
void arena_done(struct arena *arena);
// Zeroed memory until arena_done. NULL when out of memory.
void *arena_take(struct arena *arena, size_t size);

// The value of a key, or NULL.
struct node *node_get(const struct node *map, const char *key);

// Makes a tree by hand.

// Everything lives in the arena. When out of memory the tree is useless, and `error` is set.
struct tree {
    struct arena *arena;
    int error;        // -ENOMEM, sticky
    struct node none; // returned when out of memory
};

// None of these returns NULL. `label` (borrowed) is what messages call the node; NULL: its path.
struct node *tree_map(struct tree *tree, const char *label);
struct node *tree_list(struct tree *tree, const char *label);
// `text` is borrowed and ends with a NUL. Numbers and words are as if written without quotes.
struct node *tree_text(struct tree *tree, const char *text, const char *label);
// Bytes that stay as they are: no placeholders, no patterns.
struct node *tree_data(struct tree *tree, const char *text, const char *label);

// Both return `value`.
struct node *tree_put(struct tree *tree, struct node *map, const char *key, struct node *value);
struct node *tree_append(struct node *list, struct node *value);
