// Rules of a plan that both the loader and the reader of packed steps hold a plan to.
#pragma once
#include <stdbool.h>

#include "pipelines/plan.h"

#define PLAN_NAME_MAX 63 // letters of a job's or stage's name

// True for [a-z0-9_-]{1,63}.
bool plan_name_ok(const char *name);
#define PLAN_LABEL_MAX 31 // letters of a label
// True for [a-z0-9_-]{1,31}.
bool plan_label_ok(const char *name);
// True when the step isn't 0 and every number of the range fits into int64_t.
bool plan_range_ok(const struct range *range);
// True for what may stand between two fields of a csv.
bool plan_delimiter_ok(char c);

// Whether {} and its forms mean something in the stage's words and workdir. The loader and the
// worker compile templates by it.
static inline bool stage_has_item(const struct stage *stage)
{
    return stage->kind == STAGE_COMMAND;
}
