// The source's part of a packed plan. Only plan*.c include it.
#pragma once
#include "base/pack.h"
#include "pipelines/plan.h"

// Frees what the source owns.
void plan_source_done(struct source *source);

// `whole`: with the paths, delimiters and items, which a worker does not need. Of steps that the
// source does not feed, `feeds` is false and the worker learns nothing of it.
void plan_source_pack(struct pack_writer *w, const struct source *source, bool whole, bool feeds);
// Bounded and checked. What was read belongs to the source, also when the reader failed.
void plan_source_unpack(struct pack_reader *r, struct source *source, bool whole);
