// YAML text to a small tree of nodes with their places. Types are never guessed: a scalar is text
// and a style. What only makes a job file harder to read or dangerous to load is refused: anchors,
// aliases, merge keys, tags, duplicate keys, a second document.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "pipelines/file/diag.h"

#define YAML_NODES_MAX 100000
#define YAML_KEYS_MAX 4096 // in one mapping

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

// All of it lives in the arena.
struct node {
    enum node_kind kind;
    bool is_plain; // scalar: not quoted and not a block
    bool is_flow;  // list, map: written with brackets
    bool is_bad;   // a mistake was told about it: no more of them
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
    // What a message calls it instead of its path: the flag that it was on a command line. NULL.
    const char *label;
};

struct arena_block;
struct arena {
    struct arena_block *blocks;
};
void arena_done(struct arena *arena);
// Zeroed memory until arena_done. NULL when memory is out.
void *arena_take(struct arena *arena, size_t size);

// Reads diag's text. Mistakes go to the diag; *ret_root is NULL when there is no tree to go on
// with. Returns 0 or -ENOMEM.
int yaml_read(struct diag *diag, struct arena *arena, struct node **ret_root);

// The value of a key, or NULL.
struct node *node_get(const struct node *map, const char *key);
