// Which chunks may begin, by the tokens of make's jobserver.
#include "worker/pool/permits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "async/waitq.h"
#include "worker/jobserver.h"

static int ends[2];

static struct jobserver *joined(const char *tokens)
{
    struct jobserver *js = NULL;
    char flags[64];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], tokens, strlen(tokens)), (ssize_t)strlen(tokens));
    snprintf(flags, sizeof(flags), "--jobserver-auth=%d,%d", ends[0], ends[1]);
    cr_assert_eq(jobserver_join(flags, &js), 0);
    return js;
}

static int present(void)
{
    int n = -1;
    ioctl(ends[0], FIONREAD, &n);
    return n;
}

Test(permits, one_runs_for_free_and_each_further_one_takes_a_token)
{
    struct permits p = {.js = joined("ab")};
    cr_expect(permits_take(&p, 0));
    cr_expect_eq(present(), 2);
    cr_expect(permits_take(&p, 1));
    cr_expect(permits_take(&p, 2));
    cr_expect_eq(present(), 0);
    cr_expect_not(permits_take(&p, 3), "and does not block");
    cr_expect(p.waits);
    permits_done(&p);
    cr_expect_eq(present(), 2);
    jobserver_free(p.js);
}

struct waiting {
    struct permits p;
    struct event_flag ready;
};

static void on_ready(void *arg)
{
    event_flag_set(&((struct waiting *)arg)->ready);
}

static int wait_for_token(void *arg)
{
    struct waiting *w = arg;
    w->p.ready = on_ready;
    w->p.arg = w;
    cr_expect_not(permits_take(&w->p, 1));
    permits_settle(&w->p, 1);
    cr_expect(w->p.watching);
    cr_expect_eq(write(ends[1], "x", 1), 1);
    cr_expect_eq(event_flag_wait(&w->ready), 0);
    cr_expect(permits_take(&w->p, 1));
    permits_settle(&w->p, 2);
    cr_expect_not(w->p.watching, "no chunk waits");
    cr_expect_eq(jobserver_tokens(w->p.js), 1);
    permits_settle(&w->p, 1);
    cr_expect_eq(present(), 1, "what is not needed goes back");
    permits_done(&w->p);
    return 0;
}

Test(permits, waits_for_a_token_in_the_loop)
{
    struct waiting w = {.p.js = joined("")};
    cr_expect_eq(loop_run(wait_for_token, &w), 0);
    jobserver_free(w.p.js);
}

Test(permits, without_a_jobserver_all_may_begin)
{
    struct permits p = {0};
    cr_expect(permits_take(&p, 1000));
    permits_settle(&p, 1000);
    permits_done(&p);
}
