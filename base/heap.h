// An intrusive binary min-heap of deadlines. Equal deadlines leave in the order they came in, so
// that a run with the same events is the same run.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t deadline;
    uint64_t order; // set by heap_push
    size_t index;   // place in the heap + 1; 0 when the node is in no heap
};

struct heap {
    struct heap_node **nodes;
    size_t len;
    size_t cap;
    uint64_t next_order;
};

void heap_init(struct heap *heap);
// Frees the heap's own array, not the nodes.
void heap_done(struct heap *heap);
// Borrows the node until it is removed. O(log n). -ENOMEM.
int heap_push(struct heap *heap, struct heap_node *node, int64_t deadline);
// The earliest node, or NULL.
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->len ? heap->nodes[0] : NULL;
}
// O(log n). A node that is in no heap is ignored.
void heap_remove(struct heap *heap, struct heap_node *node);
static inline int heap_holds(const struct heap_node *node)
{
    return node->index != 0;
}
