#include "pipelines/file/tree.h"

#include <errno.h>
#include <string.h>

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
