// The pool over a real zygote and real executors.
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/loop.h"
#include "async/scope.h"
#include "async/waitq.h"
#include "base/clock.h"
#include "tests/unit/worker/made.h"
#include "worker/pool/intake.h"
#include "worker/pool/pool.h"
#include "worker/zygote/zygote.h"

#define CHUNKS_MAX 4096
#define LIMIT_NS (60 * NS_PER_S)

struct scene {
    struct zygote *zygote;
    struct pool *pool;
    uint32_t slots;
    struct event_flag changed;
    unsigned ended[CHUNKS_MAX]; // how often each chunk came to an end
    uint8_t outcome[CHUNKS_MAX];
    int32_t code[CHUNKS_MAX];
    uint64_t n_ended;
    int broken;
    void (*play)(struct scene *s);
};

static void on_result(void *arg, const struct result *result)
{
    struct scene *s = arg;
    if (result->more)
        return;
    cr_assert_lt(result->chunk, CHUNKS_MAX);
    s->ended[result->chunk]++;
    s->outcome[result->chunk] = result->ending.outcome;
    s->code[result->chunk] = result->ending.code;
    s->n_ended++;
    event_flag_set(&s->changed);
}

static void on_broken(void *arg, int code, const char *text)
{
    struct scene *s = arg;
    (void)text;
    s->broken = code;
    event_flag_set(&s->changed);
}

static const struct pool_callbacks callbacks = {.result = on_result, .broken = on_broken};

static int play(void *arg)
{
    struct scene *s = arg;
    struct err err = {0};
    struct scope scope;
    scope_enter(&scope, clock_after(loop_now(), LIMIT_NS));
    cr_assert_eq(pool_new(s->zygote, s->slots, &callbacks, s, &s->pool, &err), 0, "%s", err.text);
    s->play(s);
    s->pool = pool_free(s->pool);
    scope_leave(&scope);
    return 0;
}

static void run_scene(struct scene *s, uint32_t slots, void (*fn)(struct scene *s))
{
    struct err err = {0};
    *s = (struct scene){.slots = slots, .play = fn};
    cr_assert_eq(zygote_fork(NULL, &s->zygote, &err), 0, "%s", err.text);
    cr_assert_eq(loop_run(play, s), 0);
    s->zygote = zygote_free(s->zygote);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

static void define_as(struct scene *s, uint64_t job, struct buf packed, bool ready)
{
    struct err err = {0};
    const struct msg_step message = {.job = job, .packed = packed.data, .packed_len = packed.len};
    cr_assert_eq(pool_define(s->pool, &message, &err), 0, "%s", err.text);
    if (ready)
        cr_assert_eq(pool_ready(s->pool, job, 0, packed.data, packed.len), 0);
    buf_done(&packed);
}

static void define(struct scene *s, uint64_t job, const char *kernel, const char *arg,
                   const char *value, int64_t timeout_ns)
{
    define_as(s, job, made_packed(kernel, arg, value, timeout_ns), true);
}

static void add(struct scene *s, uint64_t job, uint64_t first, uint32_t count, uint32_t attempt)
{
    struct lease lease = {.job = job,
                          .attempt = attempt,
                          .first = first,
                          .count = count,
                          .kind = RUN_RANGE,
                          .item_first = first,
                          .items_per_chunk = 1,
                          .item_end = first + count};
    cr_assert_eq(pool_add(s->pool, &lease), 0);
}

static void wait_for(struct scene *s, uint64_t n)
{
    while (s->n_ended < n && !s->broken) {
        s->changed = (struct event_flag){0};
        cr_assert_eq(event_flag_wait(&s->changed), 0, "%llu of %llu chunks ended",
                     (unsigned long long)s->n_ended, (unsigned long long)n);
    }
}

static void wait_running(struct scene *s, uint32_t n)
{
    while (pool_running(s->pool) < n)
        cr_assert_eq(task_sleep(NS_PER_MS), 0);
}

static void play_many(struct scene *s)
{
    define(s, 1, "identity", NULL, NULL, 0);
    for (uint64_t i = 0; i < 4000; i += 500)
        add(s, 1, i, 500, 1);
    wait_for(s, 4000);
    cr_expect_eq(pool_running(s->pool), 0);
    cr_expect_eq(pool_backlog(s->pool), 0);
    cr_expect_gt(pool_mean_run_ns(s->pool), 0);
}

Test(pool, every_chunk_ends_once)
{
    struct scene s;
    run_scene(&s, 3, play_many);
    for (int i = 0; i < 4000; i++) {
        cr_assert_eq(s.ended[i], 1, "chunk %d", i);
        cr_assert_eq(s.outcome[i], OUTCOME_OK);
    }
}

static void play_crash(struct scene *s)
{
    define(s, 1, "identity", NULL, NULL, 0);
    define(s, 2, "crash", NULL, NULL, 0);
    add(s, 1, 0, 400, 1);
    add(s, 2, 400, 3, 1);
    add(s, 1, 403, 400, 1);
    wait_for(s, 803);
}

Test(pool, a_crash_is_blamed_on_the_chunk_that_ran_and_on_no_other)
{
    struct scene s;
    run_scene(&s, 1, play_crash);
    for (int i = 0; i < 803; i++) {
        bool crashes = i >= 400 && i < 403;
        cr_assert_eq(s.ended[i], 1, "chunk %d", i);
        cr_assert_eq(s.outcome[i], crashes ? OUTCOME_CRASH : OUTCOME_OK, "chunk %d", i);
        cr_assert_eq(s.code[i], crashes ? SIGSEGV : 0);
    }
}

static void play_timeout(struct scene *s)
{
    define(s, 1, "sleep", "time", "60s", 50 * NS_PER_MS);
    add(s, 1, 0, 3, 1);
    wait_for(s, 3);
}

Test(pool, a_kernel_over_its_timeout_is_killed)
{
    struct scene s;
    run_scene(&s, 2, play_timeout);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(s.outcome[i], OUTCOME_TIMEOUT, "chunk %d", i);
}

static void play_kill(struct scene *s)
{
    define(s, 1, "sleep", "time", "60s", 0);
    add(s, 1, 0, 2, 1);
    wait_running(s, 2);
    pool_cancel(s->pool, 1, true);
    wait_for(s, 2);
}

Test(pool, a_cancelled_chunk_ends_as_cancelled)
{
    struct scene s;
    run_scene(&s, 2, play_kill);
    cr_expect_eq(s.outcome[0], OUTCOME_CANCELLED);
    cr_expect_eq(s.outcome[1], OUTCOME_CANCELLED);
}

static void count_back(void *arg, const struct msg_return *run)
{
    *(uint64_t *)arg += run->count;
}

static void play_return(struct scene *s)
{
    uint64_t back = 0;
    define(s, 1, "sleep", "time", "60s", 0);
    add(s, 1, 0, 50, 1);
    wait_running(s, 2);
    pool_return_queued(s->pool, 1, false, count_back, &back);
    cr_expect_eq(back, 48);
    cr_expect_eq(pool_backlog(s->pool), 0);
    pool_cancel(s->pool, 1, true);
    wait_for(s, 2);
}

Test(pool, what_no_executor_has_can_be_given_back)
{
    struct scene s;
    run_scene(&s, 2, play_return);
    cr_expect_eq(s.n_ended, 2);
}

// Short chunks first, so that many are sent ahead; then one that takes long stands before others.
static void play_stuck(struct scene *s)
{
    define(s, 1, "identity", NULL, NULL, 0);
    add(s, 1, 0, 1000, 1);
    wait_for(s, 1000);
    define(s, 2, "sleep", "time", "60s", 0);
    add(s, 2, 2000, 1, 1);
    add(s, 1, 1000, 600, 1);
    wait_for(s, 1600);
    cr_expect_eq(pool_running(s->pool), 1);
    pool_cancel(s->pool, 2, true);
    wait_for(s, 1601);
}

Test(pool, nothing_waits_for_a_long_chunk_while_a_slot_is_idle)
{
    struct scene s;
    run_scene(&s, 2, play_stuck);
    for (int i = 0; i < 1600; i++)
        cr_assert_eq(s.ended[i], 1, "chunk %d", i);
    cr_expect_eq(s.outcome[2000], OUTCOME_CANCELLED);
}

static void play_zygote_dies(struct scene *s)
{
    define(s, 1, "sleep", "time", "60s", 0);
    add(s, 1, 0, 2, 1);
    wait_running(s, 2);
    kill(zygote_keeper(s->zygote), SIGKILL);
    while (!s->broken) {
        s->changed = (struct event_flag){0};
        cr_assert_eq(event_flag_wait(&s->changed), 0);
    }
}

Test(pool, a_killed_zygote_is_noticed_and_leaves_nothing)
{
    struct scene s;
    run_scene(&s, 2, play_zygote_dies);
    cr_expect_lt(s.broken, 0);
}

static void play_forget(struct scene *s)
{
    define(s, 1, "identity", NULL, NULL, 0);
    add(s, 1, 0, 10, 1);
    wait_for(s, 10);
    pool_forget(s->pool, 1);
    struct lease lease = {.job = 1, .count = 1, .kind = RUN_RANGE};
    cr_expect_eq(pool_add(s->pool, &lease), -ENOENT);
    define(s, 1, "noop", NULL, NULL, 0);
    add(s, 1, 10, 10, 1);
    wait_for(s, 20);
}

Test(pool, a_forgotten_job_is_unknown_and_its_number_may_be_used_again)
{
    struct scene s;
    run_scene(&s, 2, play_forget);
    cr_expect_eq(s.n_ended, 20);
}

static void count_returned(void *arg, const struct msg_return *run)
{
    *(uint64_t *)arg += run->count;
}

static void play_not_ready(struct scene *s)
{
    uint64_t returned = 0;
    define_as(s, 1, made_packed("identity", NULL, NULL, 0), false);
    define_as(s, 2, made_packed("identity", NULL, NULL, 0), false);
    define(s, 3, "identity", NULL, NULL, 0);
    cr_expect(pool_knows(s->pool, 1, 0) && !pool_knows(s->pool, 4, 0));
    add(s, 1, 0, 10, 1);
    add(s, 2, 10, 10, 1);
    add(s, 3, 20, 10, 1);
    wait_for(s, 10); // those after them are not held up
    cr_expect_eq(pool_backlog(s->pool), 20);
    struct buf packed = made_packed("identity", NULL, NULL, 0);
    cr_assert_eq(pool_ready(s->pool, 1, 0, packed.data, packed.len), 0);
    buf_done(&packed);
    add(s, 1, 30, 10, 1);
    wait_for(s, 30);
    // What waits can be given back.
    pool_return_queued(s->pool, 2, false, count_returned, &returned);
    cr_expect_eq(returned, 10);
    cr_expect_eq(pool_backlog(s->pool), 0);
    add(s, 2, 10, 10, 1);
    pool_give_up(s->pool, 2, 0, "no such library");
    wait_for(s, 40);
    add(s, 2, 40, 1, 1); // and those to come
    wait_for(s, 41);
}

Test(pool, chunks_of_a_step_that_is_not_ready_wait_or_end)
{
    struct scene s;
    run_scene(&s, 2, play_not_ready);
    for (int i = 0; i < 41; i++) {
        bool hopeless = i / 10 == 1 || i == 40;
        cr_assert_eq(s.ended[i], 1, "chunk %d", i);
        cr_assert_eq(s.outcome[i], hopeless ? OUTCOME_NOT_FOUND : OUTCOME_OK, "chunk %d", i);
    }
}

static void play_bad_step(struct scene *s)
{
    struct err err = {0};
    const struct msg_step message = {
        .job = 1, .packed = (const uint8_t *)"nonsense", .packed_len = 8};
    cr_expect_lt(pool_define(s->pool, &message, &err), 0);
    cr_expect_neq(err.text[0], '\0');
}

Test(pool, a_step_that_can_t_be_read_is_refused)
{
    struct scene s;
    run_scene(&s, 1, play_bad_step);
}
