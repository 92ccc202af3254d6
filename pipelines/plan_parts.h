// What plan*.c share: how many fields each part of a packed plan has, and the source's part.
#pragma once
#include "base/pack.h"
#include "pipelines/plan.h"

#define PLAN_FIELDS 7
#define STEP_FIELDS 19
#define STAGE_FIELDS 16
#define KERNEL_FIELDS 4
#define WHOLE_FIELDS 18
#define SINK_FIELDS 8

// `whole`: with the paths, delimiters and items, which a worker does not need. Of steps that the
// source does not feed, `feeds` is false and the worker learns nothing of it.
void plan_source_pack(struct pack_writer *w, const struct source *source, bool whole, bool feeds);
// Bounded and checked. What was read belongs to the source, even if the reader failed.
void plan_source_unpack(struct pack_reader *r, struct source *source, bool whole);

// The reader has failed unless an array of `n` follows.
void plan_expect_array(struct pack_reader *r, uint32_t n);
// A list of texts, NULL-terminated; at most `max` of them. *ret_n is right at any time.
void plan_get_words(struct pack_reader *r, uint32_t max, char ***ret, size_t *ret_n);
void plan_put_words(struct pack_writer *w, char *const *words, size_t n);
void plan_free_words(char **words, size_t n);
