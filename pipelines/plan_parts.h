// What plan*.c share: how many fields each part of a packed plan has, and the source's part.
#pragma once
#include "base/pack.h"
#include "pipelines/plan.h"

#define PLAN_FIELDS 7
#define STEP_FIELDS 13
#define STAGE_FIELDS 12
#define KERNEL_FIELDS 4
#define WHOLE_FIELDS 13
#define SINK_FIELDS 6

// `whole`: with the paths, delimiters and items, which a worker does not need. Of steps that the
// source does not feed, `feeds` is false and the worker learns nothing of it.
void plan_source_pack(struct pack_writer *w, const struct source *source, bool whole, bool feeds);
// Bounded and checked. What was read belongs to the source, even if the reader failed.
void plan_source_unpack(struct pack_reader *r, struct source *source, bool whole);
