// What the agent brings to the pool: steps, and leases of their chunks.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/message.h"

struct pool;

// Defines a step; its bytes are pipelines/plan.h's packed step, checked here. Its chunks wait until
// pool_ready(). Does nothing when it is known. -EPROTO with text, -ENOMEM.
int pool_define(struct pool *pool, const struct msg_step *step, struct err *err);
bool pool_knows(const struct pool *pool, uint64_t job, uint32_t step);
// The packed bytes of a step that is known; NULL: it is not. Borrowed until pool_ready.
const void *pool_packed(const struct pool *pool, uint64_t job, uint32_t step, size_t *ret_len);
// Its libraries are on this machine, and these are its bytes from now on: its chunks may begin.
// -ENOMEM.
int pool_ready(struct pool *pool, uint64_t job, uint32_t step, const void *packed, size_t len);
// They never will be: its chunks end with OUTCOME_NOT_FOUND and the text, also those to come.
void pool_give_up(struct pool *pool, uint64_t job, uint32_t step, const char *text);
void pool_forget(struct pool *pool, uint64_t job);
// Takes a lease in: copies what it needs. -ENOENT: of an unknown step; -ENOMEM.
int pool_add(struct pool *pool, const struct lease *lease);
