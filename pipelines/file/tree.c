#include "pipelines/file/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 32768u

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

void arena_done(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}

void *arena_take(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!block || block->size - block->used < size) {
        size_t room = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
        block = calloc(1, sizeof(*block) + room);
        if (!block)
            return NULL;
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *taken = (char *)block->data + block->used;
    block->used += size;
    return taken;
}

static struct node *make(struct tree *tree, enum node_kind kind, const char *label)
{
    struct node *node = arena_take(tree->arena, sizeof(*node));
    if (!node) {
        tree->error = -ENOMEM;
        tree->none = (struct node){.text = ""};
        return &tree->none;
    }
    node->kind = kind;
    node->text = "";
    node->label = label;
    return node;
}

struct node *tree_map(struct tree *tree, const char *label)
{
    return make(tree, NODE_MAP, label);
}

struct node *tree_list(struct tree *tree, const char *label)
{
    return make(tree, NODE_LIST, label);
}

struct node *tree_text(struct tree *tree, const char *text, const char *label)
{
    struct node *node = make(tree, NODE_SCALAR, label);
    node->is_plain = true;
    node->text = text;
    node->len = strlen(text);
    return node;
}

struct node *tree_data(struct tree *tree, const char *text, const char *label)
{
    struct node *node = tree_text(tree, text, label);
    node->is_data = true;
    return node;
}

struct node *tree_append(struct node *list, struct node *value)
{
    value->parent = list;
    value->index = list->n++;
    if (list->last)
        list->last->next = value;
    else
        list->first = value;
    list->last = value;
    return value;
}

struct node *tree_put(struct tree *tree, struct node *map, const char *key, struct node *value)
{
    value->key = tree_text(tree, key, NULL);
    return tree_append(map, value);
}

struct node *node_get(const struct node *map, const char *key)
{
    if (map->kind != NODE_MAP)
        return NULL;
    for (struct node *value = map->first; value; value = value->next)
        if (strcmp(value->key->text, key) == 0)
            return value;
    return NULL;
}
