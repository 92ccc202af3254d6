// Between the reading of a stage and the forming of steps.
#pragma once
#include "pipelines/build/build.h"

// A stage with what decides about its step.
struct draft {
    struct node *node;
    struct stage stage;
    bool has_chunk;
    struct chunking chunk;
    bool has_retry;
    struct retry_policy retry;
    bool has_time;
    int64_t time_ns;
    bool has_resources;
    struct throttle throttle;
    uint32_t timeout_percent;
    double cpus;
    uint64_t memory_bytes;
    double gpus;
    bool is_first;             // of the step that the source feeds
    const struct node *labels; // checked; NULL: none
};

// Reads a stage or the reduce; what it allocates belongs to draft->stage. False when the kind of
// the stage isn't known.
bool stage_read(struct builder *b, struct node *node, enum section section, struct draft *ret);
// Checks placeholders, once the step is known.
void stage_check_texts(struct builder *b, const struct draft *draft);
