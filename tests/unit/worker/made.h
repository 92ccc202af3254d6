// Steps and leases for tests of the worker.
#pragma once
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/plan.h"
#include "pipelines/run.h"
#include "worker/pool/lease_copy.h"

// The packed step of one stage; the caller frees.
static inline struct buf made_packed_of(struct stage stage)
{
    struct step spec = {.stages = &stage,
                        .n_stages = 1,
                        .chunking = {CHUNK_ITEMS, 1},
                        .cpus = 1,
                        .retry = {.backoff = 1}};
    char name[] = "t", directory[] = "/";
    const struct plan plan = {.name = name,
                              .directory = directory,
                              .steps = &spec,
                              .n_steps = 1,
                              .source = {.kind = SOURCE_RANGE, .range = {0, 1, 1000000}}};
    struct buf packed = {0};
    cr_assert_eq(plan_pack_step(&plan, 0, NULL, &packed), 0);
    return packed;
}

// The packed step of one built-in kernel, with an argument or NULL; the caller frees.
static inline struct buf made_packed(const char *kernel, const char *arg, const char *value,
                                     int64_t timeout_ns)
{
    struct plan_pair pair = {strdup(arg ? arg : "x"), strdup(value ? value : "x")};
    struct stage stage = {.kind = STAGE_KERNEL,
                          .function = strdup(kernel),
                          .args = &pair,
                          .n_args = arg ? 1 : 0,
                          .timeout_ns = timeout_ns};
    struct buf packed = made_packed_of(stage);
    free(stage.function);
    free(pair.name);
    free(pair.value);
    return packed;
}

// The packed step of a kernel in a library; the caller frees.
static inline struct buf made_packed_library(const char *path, const uint8_t digest[DIGEST_BYTES])
{
    char function[] = "f";
    struct stage stage = {.kind = STAGE_KERNEL, .function = function, .library = strdup(path)};
    memcpy(stage.digest, digest, DIGEST_BYTES);
    struct buf packed = made_packed_of(stage);
    free(stage.library);
    return packed;
}

// A step that 70 slots may know.
static inline struct pool_step *made_step(uint64_t job)
{
    struct buf packed = made_packed("noop", NULL, NULL, 5);
    struct pool_step *step = NULL;
    struct err err = {0};
    const struct msg_step message = {.job = job, .packed = packed.data, .packed_len = packed.len};
    cr_assert_eq(pool_step_new(&message, 70, &step, &err), 0, "%s", err.text);
    buf_done(&packed);
    return step;
}

// At most four chunks, with payloads "a", "bb", "ccc", "dddd".
static inline struct lease_copy *made_lease(struct pool_step *step, uint64_t first, uint32_t count)
{
    static const uint32_t lens[] = {1, 2, 3, 4};
    const struct lease lease = {.job = step->job,
                                .attempt = 1,
                                .first = first,
                                .count = count,
                                .kind = RUN_BYTES,
                                .lens = lens,
                                .body = (const uint8_t *)"abbcccdddd",
                                .body_len = count * (count + 1) / 2};
    struct lease_copy *copy = NULL;
    cr_assert_leq(count, 4);
    cr_assert_eq(lease_copy_new(step, &lease, &copy), 0);
    return copy;
}
