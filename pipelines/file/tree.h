// A job's tree made by hand, as yaml_read makes it of text: for jobs that come as words of a
// command line, whose bytes need not be UTF-8. The loader checks it like any other.
#pragma once
#include "pipelines/file/yaml.h"

// Everything lives in the arena. When memory is out the tree is of no use, and `error` says so.
struct tree {
    struct arena *arena;
    int error;        // -ENOMEM, sticky
    struct node none; // what functions give when memory is out
};

// None of these gives NULL. `label` (borrowed) is what messages call the node; NULL: its path.
struct node *tree_map(struct tree *tree, const char *label);
struct node *tree_list(struct tree *tree, const char *label);
// `text` is borrowed and ends with a NUL. Numbers and words are as if written without quotes.
struct node *tree_text(struct tree *tree, const char *text, const char *label);
// Bytes that stay as they are: no placeholders, no patterns.
struct node *tree_data(struct tree *tree, const char *text, const char *label);

// Both return `value`.
struct node *tree_put(struct tree *tree, struct node *map, const char *key, struct node *value);
struct node *tree_append(struct node *list, struct node *value);
