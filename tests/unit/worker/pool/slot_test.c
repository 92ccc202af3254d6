// A slot by its events: an owner that notes what it is asked, and a test that plays the executor.
#include "worker/pool/slot.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/scope.h"
#include "async/waitq.h"
#include "base/clock.h"
#include "base/grow.h"
#include "tests/unit/worker/made.h"
#include "worker/pool/slot_control.h"

#define LIMIT_NS (60 * NS_PER_S)

enum note_kind { DELIVERED, REQUEUED, GIVEN_BACK, ASKED };
struct slot_note {
    enum note_kind kind;
    uint64_t what; // chunk, or request
    uint8_t outcome;
    int32_t code;
    bool more;
};

struct scene {
    struct slot slot;
    struct page page;
    struct pool_step *step;
    struct lease_copy *lease; // chunks 10 .. 13
    int executor;             // the executor's end of the socket
    struct event_flag woken;
    struct slot_note *notes;
    size_t n;
    size_t seen;
    void (*play)(struct scene *s);
};

static void note(struct scene *s, struct slot_note one)
{
    cr_assert_eq(grow(s->notes, s->n, 1), 0);
    s->notes[s->n++] = one;
}

static void deliver(void *owner, struct lease_copy *copy, const struct result *result)
{
    struct scene *s = owner;
    cr_expect_eq(copy, s->lease);
    note(s, (struct slot_note){DELIVERED, result->chunk, result->ending.outcome,
                               result->ending.code, result->more});
}

static void requeue(void *owner, struct lease_copy *copy, uint32_t index)
{
    note(owner, (struct slot_note){REQUEUED, copy->lease.first + index, 0, 0, false});
}

static void ask(void *owner, struct slot *slot, enum zygote_request request)
{
    struct scene *s = owner;
    cr_expect_eq(slot, &s->slot);
    note(s, (struct slot_note){ASKED, request, 0, 0, false});
}

static void wake(void *owner)
{
    event_flag_set(&((struct scene *)owner)->woken);
}

static void give_back(void *owner, struct lease_copy *copy, uint32_t index)
{
    note(owner, (struct slot_note){GIVEN_BACK, copy->lease.first + index, 0, 0, false});
}

static void refused(void *owner, struct slot *slot, int code)
{
    (void)owner;
    (void)slot;
    (void)code;
}

static const struct slot_ops ops = {deliver, requeue, give_back, ask, refused, wake};

static void expect(struct scene *s, enum note_kind kind, uint64_t what)
{
    cr_assert_lt(s->seen, s->n, "nothing more happened");
    cr_assert_eq(s->notes[s->seen].kind, kind, "note %zu is %d", s->seen, s->notes[s->seen].kind);
    cr_assert_eq(s->notes[s->seen].what, what, "note %zu is about %llu", s->seen,
                 (unsigned long long)s->notes[s->seen].what);
    s->seen++;
}

static void expect_end(struct scene *s, uint64_t chunk, enum outcome outcome, int code)
{
    expect(s, DELIVERED, chunk);
    cr_expect_eq(s->notes[s->seen - 1].outcome, outcome);
    cr_expect_eq(s->notes[s->seen - 1].code, code);
    cr_expect_not(s->notes[s->seen - 1].more);
}

static void expect_no_more(const struct scene *s)
{
    cr_expect_eq(s->seen, s->n, "%zu notes were not expected", s->n - s->seen);
}

static void fork_executor(struct scene *s)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    s->executor = ends[1];
    s->slot.state = SLOT_FORKING;
    slot_forked(&s->slot, ends[0]);
    cr_assert_eq(s->slot.state, SLOT_LIVE);
}

static void give(struct scene *s, uint32_t at, uint32_t n)
{
    cr_assert_eq(slot_give(&s->slot, s->lease, at, n), 0);
    slot_flush(&s->slot);
}

static void send_buf(struct scene *s, struct buf *out)
{
    s->woken = (struct event_flag){0};
    cr_assert_eq(write(s->executor, out->data, out->len), (ssize_t)out->len);
    buf_done(out);
    cr_assert_eq(event_flag_wait(&s->woken), 0);
}

static void answer(struct scene *s, uint64_t serial, bool more)
{
    struct buf out = {0};
    const struct wire_result head = {.serial = serial, .more = more};
    cr_assert_eq(wire_put_result(&out, &head, "", "", NULL, ""), 0);
    send_buf(s, &out);
}

static void skip(struct scene *s, uint64_t serial)
{
    struct buf out = {0};
    cr_assert_eq(wire_put_skipped(&out, serial, 0), 0);
    send_buf(s, &out);
}

static void die(struct scene *s, int status)
{
    close(s->executor);
    s->executor = -1;
    const struct zygote_news news = {.kind = ZYGOTE_DIED,
                                     .status = status,
                                     .fd = -1,
                                     .ending = {.outcome = OUTCOME_CRASH, .code = status}};
    slot_died(&s->slot, &news);
    cr_expect_eq(s->slot.state, SLOT_EMPTY);
    cr_expect_eq(slot_load(&s->slot), 0);
}

static int play(void *arg)
{
    struct scene *s = arg;
    struct scope scope;
    scope_enter(&scope, clock_after(loop_now(), LIMIT_NS));
    slot_init(&s->slot, 0, &s->page, &ops, s);
    fork_executor(s);
    s->play(s);
    slot_done(&s->slot);
    scope_leave(&scope);
    return 0;
}

static void run_scene(void (*fn)(struct scene *s))
{
    struct scene s = {.play = fn, .step = made_step(1)};
    s.lease = made_lease(s.step, 10, 4);
    cr_assert_eq(loop_run(play, &s), 0);
    expect_no_more(&s);
    cr_expect_eq(s.lease->refs, 1, "the slot has given back all it held");
    if (s.executor >= 0)
        close(s.executor);
    free(s.notes);
    lease_copy_unref(s.lease);
    pool_step_unref(s.step);
}

static void play_answers(struct scene *s)
{
    struct wire_reader r;
    uint32_t type;
    uint8_t *frame;
    size_t len;
    struct wire_run_view view;
    give(s, 1, 3);
    wire_reader_init(&r);
    cr_assert_gt(wire_fill(&r, s->executor), 0);
    cr_expect_eq(wire_next(&r, &type, &frame, &len), 1);
    cr_expect_eq(type, WIRE_STEP, "an executor hears of a step before its first chunk");
    cr_expect_eq(wire_next(&r, &type, &frame, &len), 1);
    cr_assert_eq(type, WIRE_RUN);
    cr_assert_eq(wire_get_run(frame, len, &view), 0);
    cr_expect_eq(view.run.serial, 1);
    cr_expect_eq(view.run.first, 11);
    cr_expect_eq(view.run.count, 3);
    cr_expect_arr_eq(view.body, "bbcccdddd", 9);
    wire_reader_done(&r);
    cr_expect_eq(slot_load(&s->slot), 3);
    answer(s, 1, true);
    answer(s, 1, false);
    answer(s, 2, false);
    expect(s, DELIVERED, 11);
    cr_expect(s->notes[0].more);
    expect_end(s, 11, OUTCOME_OK, 0);
    expect_end(s, 12, OUTCOME_OK, 0);
    cr_expect_eq(slot_load(&s->slot), 1);
    answer(s, 3, false);
    expect_end(s, 13, OUTCOME_OK, 0);
}

Test(slot, answers_become_results_of_the_lease)
{
    run_scene(play_answers);
}

static void play_nonsense(struct scene *s)
{
    give(s, 0, 2);
    answer(s, 2, false); // the second before the first
    expect(s, ASKED, ZYGOTE_KILL);
    cr_expect_eq(s->slot.state, SLOT_DYING);
    atomic_store(&s->page.running, 1);
    die(s, SIGKILL);
    expect_end(s, 10, OUTCOME_CRASH, SIGKILL);
    expect(s, REQUEUED, 11);
}

Test(slot, an_executor_that_sends_nonsense_is_killed)
{
    run_scene(play_nonsense);
}

static void play_crash(struct scene *s)
{
    give(s, 0, 4);
    answer(s, 1, false);
    expect_end(s, 10, OUTCOME_OK, 0);
    atomic_store(&s->page.running, 3);
    die(s, SIGSEGV);
    expect_end(s, 12, OUTCOME_CRASH, SIGSEGV);
    expect(s, REQUEUED, 13); // each goes to the front: the last one first
    expect(s, REQUEUED, 11);
    cr_expect_eq(atomic_load(&s->page.running), 0);
}

Test(slot, the_chunk_that_ran_pays_for_a_death_and_no_other)
{
    run_scene(play_crash);
}

static void play_parts(struct scene *s)
{
    give(s, 0, 2);
    answer(s, 1, true);
    expect(s, DELIVERED, 10);
    die(s, SIGKILL); // between the parts: the page names none
    expect_end(s, 10, OUTCOME_CRASH, SIGKILL);
    expect(s, REQUEUED, 11);
}

Test(slot, a_chunk_that_gave_parts_does_not_run_again)
{
    run_scene(play_parts);
}

static void play_barren(struct scene *s)
{
    for (int i = 0; i < 2; i++) {
        give(s, 0, 2);
        die(s, SIGKILL);
        expect(s, REQUEUED, 11);
        expect(s, REQUEUED, 10);
        fork_executor(s);
    }
    give(s, 0, 2);
    die(s, SIGKILL);
    expect_end(s, 10, OUTCOME_CRASH, SIGKILL);
    expect(s, REQUEUED, 11);
}

Test(slot, a_chunk_that_never_begins_does_not_fork_for_ever)
{
    run_scene(play_barren);
}

static void play_recall(struct scene *s)
{
    give(s, 0, 4);
    atomic_store(&s->page.running, 2);
    slot_recall(&s->slot);
    expect(s, REQUEUED, 13);
    expect(s, REQUEUED, 12);
    cr_expect_eq(slot_load(&s->slot), 2);
    cr_expect_not(page_begin(&s->page, 3));
    answer(s, 1, false);
    answer(s, 2, false);
    expect_end(s, 10, OUTCOME_OK, 0);
    expect_end(s, 11, OUTCOME_OK, 0);
    skip(s, 3);
    skip(s, 4);
    cr_expect_eq(s->slot.sent.n, 0);
    cr_expect(page_begin(&s->page, 5), "later ones may begin");
}

Test(slot, what_waits_for_a_running_chunk_is_taken_back_at_once)
{
    run_scene(play_recall);
}

static void play_recall_between(struct scene *s)
{
    give(s, 0, 2);
    slot_recall(&s->slot);
    expect_no_more(s);
    cr_expect_not(page_begin(&s->page, 1));
    atomic_store(&s->page.running, 0);
    skip(s, 1);
    expect(s, REQUEUED, 10);
    skip(s, 2);
    expect(s, REQUEUED, 11);
}

Test(slot, between_two_chunks_the_executor_has_the_word)
{
    run_scene(play_recall_between);
}

static void play_cancel(struct scene *s)
{
    give(s, 0, 3);
    slot_cancel(&s->slot, 2, true);
    expect_no_more(s);
    atomic_store(&s->page.running, 1);
    slot_cancel(&s->slot, 1, false);
    expect_end(s, 12, OUTCOME_CANCELLED, 0);
    expect_end(s, 11, OUTCOME_CANCELLED, 0);
    expect(s, ASKED, ZYGOTE_NUDGE);
    cr_expect(page_cancelled(&s->page, 1));
    slot_cancel(&s->slot, 1, true);
    expect(s, ASKED, ZYGOTE_KILL);
    die(s, SIGKILL);
    expect_end(s, 10, OUTCOME_CANCELLED, SIGKILL);
}

Test(slot, a_job_is_cancelled_by_asking_or_by_killing)
{
    run_scene(play_cancel);
}

static void play_late_kill(struct scene *s)
{
    give(s, 0, 2);
    atomic_store(&s->page.running, 1);
    atomic_store(&s->page.deadline, 100);
    int64_t next = 1000;
    slot_check_deadline(&s->slot, 99, &next);
    cr_expect_eq(next, 100);
    slot_check_deadline(&s->slot, 100, &next);
    slot_check_deadline(&s->slot, 101, &next);
    expect(s, ASKED, ZYGOTE_KILL); // once
    answer(s, 1, false);
    expect_end(s, 10, OUTCOME_OK, 0);
    atomic_store(&s->page.running, 2);
    die(s, SIGKILL);
    expect(s, REQUEUED, 11);
}

Test(slot, a_kill_that_comes_too_late_costs_the_next_chunk_nothing)
{
    run_scene(play_late_kill);
}

static void play_timeout(struct scene *s)
{
    int64_t next = 1000;
    give(s, 0, 2);
    atomic_store(&s->page.running, 1);
    atomic_store(&s->page.deadline, 100);
    slot_check_deadline(&s->slot, 100, &next);
    expect(s, ASKED, ZYGOTE_KILL);
    die(s, SIGKILL);
    expect_end(s, 10, OUTCOME_TIMEOUT, SIGKILL);
    expect(s, REQUEUED, 11);
}

Test(slot, a_kernel_past_its_deadline_times_out)
{
    run_scene(play_timeout);
}

static void play_look(struct scene *s)
{
    give(s, 0, 3);
    atomic_store(&s->page.running, 2);
    cr_expect_not(slot_look(&s->slot));
    cr_expect(slot_look(&s->slot));
    expect(s, ASKED, ZYGOTE_FLUSH); // the result of serial 1 is still in the executor
    cr_expect(slot_look(&s->slot));
    expect_no_more(s);
    atomic_store(&s->page.running, 3);
    cr_expect_not(slot_look(&s->slot));
}

Test(slot, results_that_a_long_chunk_holds_up_are_asked_for_once)
{
    run_scene(play_look);
}
