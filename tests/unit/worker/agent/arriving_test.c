// Steps that wait for their libraries, over a real pool.
#include "worker/agent/arriving.h"

#include <errno.h>

#include "async/loop.h"
#include "pipelines/library.h"
#include "tests/unit/worker/made.h"
#include "worker/pool/intake.h"
#include "worker/pool/pool.h"
#include "worker/zygote/zygote.h"

#define LIBRARY_BYTES "not a library, but it is not opened"

struct scene {
    struct zygote *zygote;
    struct pool *pool;
    struct arriving arriving;
    uint8_t digest[DIGEST_BYTES];
    struct msg_need asked;
    int n_asked;
    int n_ended;
    char error[PROTO_TEXT_MAX];
    void (*play)(struct scene *s);
};

static void on_result(void *arg, const struct result *result)
{
    struct scene *s = arg;
    s->n_ended++;
    cr_expect_eq(result->ending.outcome, OUTCOME_NOT_FOUND);
    snprintf(s->error, sizeof(s->error), "%.*s", (int)result->error_len, result->error);
}

static void on_broken(void *arg, int code, const char *text)
{
    (void)arg;
    cr_assert_fail("the pool broke: %d %s", code, text);
}

static void on_need(void *arg, const struct msg_need *need)
{
    struct scene *s = arg;
    s->asked = *need;
    s->n_asked++;
}

static int play(void *arg)
{
    struct scene *s = arg;
    static const struct pool_callbacks callbacks = {.result = on_result, .broken = on_broken};
    struct err err = {0};
    cr_assert_eq(pool_new(s->zygote, 1, &callbacks, s, &s->pool, &err), 0, "%s", err.text);
    arriving_init(&s->arriving, s->pool, on_need, s);
    s->play(s);
    arriving_done(&s->arriving);
    s->pool = pool_free(s->pool);
    return 0;
}

static void run_scene(void (*fn)(struct scene *s))
{
    struct scene s = {.play = fn};
    struct err err = {0};
    digest_bytes(LIBRARY_BYTES, strlen(LIBRARY_BYTES), s.digest);
    cr_assert_eq(zygote_fork(NULL, &s.zygote, &err), 0, "%s", err.text);
    cr_assert_eq(loop_run(play, &s), 0);
    zygote_free(s.zygote);
}

// A step of a kernel in a library that is nowhere on this machine.
static void arrive(struct scene *s, uint64_t job, uint32_t number)
{
    struct buf packed = made_packed_library("/nowhere/k.so", s->digest);
    struct err err = {0};
    const struct msg_step step = {
        .job = job, .step = number, .packed = packed.data, .packed_len = packed.len};
    cr_assert_eq(arriving_step(&s->arriving, &step, &err), 0, "%s", err.text);
    cr_expect(pool_knows(s->pool, job, number));
    buf_done(&packed);
}

static void lease(struct scene *s, uint64_t job, uint32_t step)
{
    const struct lease lease = {
        .job = job, .step = step, .attempt = 1, .count = 1, .items_per_chunk = 1, .item_end = 1};
    cr_assert_eq(pool_add(s->pool, &lease), 0);
}

static int bring(struct scene *s, int32_t code, const char *text, const char *bytes)
{
    struct msg_library library = {.code = code};
    struct err err = {0};
    memcpy(library.digest, s->digest, DIGEST_BYTES);
    snprintf(library.text, sizeof(library.text), "%s", text);
    return arriving_library(&s->arriving, &library, bytes, strlen(bytes), &err);
}

static bool placed(struct scene *s, uint64_t job, uint32_t step)
{
    size_t len;
    const void *packed = pool_packed(s->pool, job, step, &len);
    struct plan *plan = NULL;
    struct err err = {0};
    cr_assert_eq(plan_unpack_step(packed, len, &plan, &err), 0, "%s", err.text);
    bool at = plan_stage(plan, 0)->library_at != NULL;
    plan_free(plan);
    return at;
}

static void play_library(struct scene *s)
{
    arrive(s, 1, 0);
    arrive(s, 1, 1);
    arrive(s, 1, 1);
    arrive(s, 2, 0);
    cr_expect_eq(s->n_asked, 1, "one library, one question");
    cr_expect_arr_eq(s->asked.digest, s->digest, DIGEST_BYTES);
    cr_expect_not(placed(s, 1, 0));
    cr_assert_eq(bring(s, 0, "", LIBRARY_BYTES), 0);
    cr_expect(placed(s, 1, 0));
    cr_expect(placed(s, 1, 1));
    cr_expect(placed(s, 2, 0));
    cr_expect(LIST_EMPTY(&s->arriving.steps));
    arrive(s, 3, 0);
    cr_expect(placed(s, 3, 0), "it is here by now");
    cr_expect_eq(s->n_asked, 1);
}

Test(arriving, steps_wait_for_their_library)
{
    run_scene(play_library);
}

static void play_none(struct scene *s)
{
    arrive(s, 1, 0);
    lease(s, 1, 0);
    cr_assert_eq(bring(s, -ENOENT, "the client does not have it", ""), 0);
    cr_expect_eq(s->n_ended, 1);
    cr_expect_str_eq(s->error, "the client does not have it");
    lease(s, 1, 0);
    cr_expect_eq(s->n_ended, 2, "also those that come later");
}

Test(arriving, without_the_library_all_chunks_end)
{
    run_scene(play_none);
}

static void play_other(struct scene *s)
{
    arrive(s, 1, 0);
    cr_expect_eq(bring(s, 0, "", "other bytes"), -EPROTO);
}

Test(arriving, another_library_than_was_asked_for_is_refused)
{
    run_scene(play_other);
}

static void play_forget(struct scene *s)
{
    arrive(s, 1, 0);
    arrive(s, 2, 0);
    pool_forget(s->pool, 1);
    arriving_forget(&s->arriving, 1);
    cr_assert_eq(bring(s, 0, "", LIBRARY_BYTES), 0);
    cr_expect_not(pool_knows(s->pool, 1, 0));
    cr_expect(placed(s, 2, 0));
}

Test(arriving, a_forgotten_job_waits_no_more)
{
    run_scene(play_forget);
}
