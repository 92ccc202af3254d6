#include "base/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_done(struct heap *heap)
{
    free(heap->nodes);
    *heap = (struct heap){0};
}

static int earlier(const struct heap_node *a, const struct heap_node *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->order < b->order;
}

static void place(struct heap *heap, size_t at, struct heap_node *node)
{
    heap->nodes[at] = node;
    node->index = at + 1;
}

static void sift_up(struct heap *heap, size_t at)
{
    struct heap_node *node = heap->nodes[at];
    while (at > 0) {
        size_t up = (at - 1) / 2;
        if (!earlier(node, heap->nodes[up]))
            break;
        place(heap, at, heap->nodes[up]);
        at = up;
    }
    place(heap, at, node);
}

static void sift_down(struct heap *heap, size_t at)
{
    struct heap_node *node = heap->nodes[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->len)
            break;
        if (child + 1 < heap->len && earlier(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!earlier(heap->nodes[child], node))
            break;
        place(heap, at, heap->nodes[child]);
        at = child;
    }
    place(heap, at, node);
}

int heap_push(struct heap *heap, struct heap_node *node, int64_t deadline)
{
    assert(!heap_holds(node));
    if (heap->len == heap->cap) {
        size_t cap = heap->cap ? heap->cap * 2 : 16;
        struct heap_node **nodes = reallocarray(heap->nodes, cap, sizeof(struct heap_node *));
        if (!nodes)
            return -ENOMEM;
        heap->nodes = nodes;
        heap->cap = cap;
    }
    node->deadline = deadline;
    node->order = heap->next_order++;
    place(heap, heap->len++, node);
    sift_up(heap, heap->len - 1);
    return 0;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (!heap_holds(node))
        return;
    size_t at = node->index - 1;
    assert(at < heap->len && heap->nodes[at] == node);
    node->index = 0;
    struct heap_node *last = heap->nodes[--heap->len];
    if (last == node)
        return;
    place(heap, at, last);
    sift_up(heap, at);
    sift_down(heap, last->index - 1);
}
