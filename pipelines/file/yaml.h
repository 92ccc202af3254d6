// YAML text to a small tree of nodes with their places. Types are never guessed: a scalar is text
// and a style. Whatever makes a job file harder to read or dangerous to load is refused: anchors,
// aliases, merge keys, tags, duplicate keys, a second document.
#pragma once
#include "pipelines/file/tree.h"

#define YAML_TEXT_MAX (1u << 20) // bytes
#define YAML_DEPTH_MAX 32        // nesting
#define YAML_NODES_MAX 100000
#define YAML_KEYS_MAX 4096 // in one mapping

// Reads diag's text. Mistakes go to the diag; *ret_root is NULL if they leave no tree to go on
// with. Returns 0 or -ENOMEM.
int yaml_read(struct diag *diag, struct arena *arena, struct node **ret_root);
