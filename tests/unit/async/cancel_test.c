// Cancels a scene at its first suspension, at its second, and so on until it runs through: each
// time it must come out with the cause, at once but for its cleanup, and leave nothing behind.
#include <criterion/criterion.h>
#include <errno.h>

#include "async/group.h"
#include "async/internal.h"
#include "base/clock.h"
#include "parts.h"
#include "run.h"
#include "tests/support/descriptors.h"

enum how { CANCEL_TASK, CANCEL_SCOPE, DEADLINE };

struct walk {
    struct prepare hook; // sees every suspension: the loop runs one task in a turn
    task_fn *fn;
    enum how how;
    int at;
    int seen;
    struct task *victim;
    struct scope *scope; // around all that the victim does
    bool struck;
    int64_t struck_at;
    int64_t ended_at;
    int result;
};

static bool strike(struct prepare *hook)
{
    struct walk *w = (struct walk *)hook;
    if (w->struck || w->victim->state == TASK_ENDED || ++w->seen < w->at)
        return false;
    w->struck = true;
    w->struck_at = loop_now();
    if (w->how == CANCEL_TASK)
        task_cancel(w->victim);
    else if (w->scope && w->how == CANCEL_SCOPE)
        scope_cancel(w->scope);
    else if (w->scope) // its deadline is now
        timer_set(&w->scope->timer, 0, w->scope->timer.fn);
    else
        w->struck = false; // it did not begin yet: the next time
    return false;
}

static int is_struck(void *arg)
{
    struct walk *w = arg;
    struct scope scope;
    scope_enter(&scope, VIRTUAL_END / 2);
    w->scope = &scope;
    int r = w->fn(NULL);
    // Awaits all succeeded, but none would any more.
    if (r == 0)
        r = task_check();
    w->scope = NULL;
    if (w->how != CANCEL_TASK)
        cr_expect_eq(scope.fired, r);
    scope_leave(&scope);
    w->ended_at = loop_now();
    return r;
}

static int walk_main(void *arg)
{
    struct walk *w = arg;
    struct group g;
    group_open(&g);
    w->victim = group_go(&g, "victim", is_struck, w);
    prepare_add(&w->hook, strike);
    w->result = task_join(w->victim);
    prepare_remove(&w->hook);
    int r = group_wait(&g);
    // A cancel that was asked for is no failure; a deadline is the victim's to report.
    cr_expect_eq(r, w->how == DEADLINE || w->how == CANCEL_SCOPE ? w->result : 0);
    return 0;
}

// Returns how many suspensions there were to cancel.
static int walk_through(const char *name, task_fn *fn, enum how how, bool without_pidfd, int stride)
{
    struct loop_options options = {.switches = 1, .without_pidfd = without_pidfd};
    int descriptors = count_descriptors();
    for (int at = 1;; at += stride) {
        struct walk w = {.fn = fn, .how = how, .at = at};
        cr_assert_eq(run_virtual_opts(options, walk_main, &w), 0);
        cr_assert_eq(parts_left(), 0, "%s, cancelled at %d: %d left", name, at, parts_left());
        cr_assert_eq(count_descriptors(), descriptors, "%s, cancelled at %d", name, at);
        if (!w.struck) {
            cr_assert_eq(w.result, 0, "%s runs through: %d", name, w.result);
            return at - 1;
        }
        int cause = how == DEADLINE ? -ETIMEDOUT : -ECANCELED;
        cr_expect_eq(w.result, cause, "%s, cancelled at %d: %d", name, at, w.result);
        cr_expect_leq(w.ended_at - w.struck_at, 5 * NS_PER_S, "%s, cancelled at %d: late", name,
                      at);
    }
}

static void walk_all(enum how how)
{
    for (size_t i = 0; i < n_parts; i++) {
        int n = walk_through(parts[i].name, parts[i].fn, how, false, 1);
        cr_expect_geq(n, 2, "%s has only %d suspensions", parts[i].name, n);
    }
}

Test(cancel, of_the_task_at_every_suspension)
{
    walk_all(CANCEL_TASK);
}

Test(cancel, of_a_scope_at_every_suspension)
{
    walk_all(CANCEL_SCOPE);
}

Test(cancel, by_a_deadline_at_every_suspension)
{
    walk_all(DEADLINE);
}

Test(cancel, of_all_side_by_side)
{
    int n = walk_through("together", parts_together, CANCEL_TASK, true, 1);
    cr_expect_geq(n, 100);
    walk_through("together", parts_together, DEADLINE, false, 7);
}
