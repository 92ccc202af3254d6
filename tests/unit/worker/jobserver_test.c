// make's jobserver, as it is found, used, offered and given back.
#include "worker/jobserver.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/loop.h"
#include "async/waitq.h"

static int ends[2];
static char flags[256];

// A pipe as make makes it: it blocks, and its tokens tell who put them there.
static struct jobserver *joined(const char *tokens)
{
    struct jobserver *js = NULL;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], tokens, strlen(tokens)), (ssize_t)strlen(tokens));
    snprintf(flags, sizeof(flags), "ks -j3 --jobserver-auth=%d,%d -- CC=gcc", ends[0], ends[1]);
    cr_assert_eq(jobserver_join(flags, &js), 0);
    cr_assert_not_null(js);
    return js;
}

static int there(void)
{
    int n = -1;
    ioctl(ends[0], FIONREAD, &n);
    return n;
}

Test(jobserver, none_is_offered)
{
    static const char *const none[] = {
        NULL, "", "-j2", "ks", "-- X=--jobserver-auth=3,4", "-j1 -- A=b --jobserver-auth=3,4"};
    struct jobserver *js;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        cr_expect_eq(jobserver_join(none[i], &js), 0);
        cr_expect_null(js);
    }
}

Test(jobserver, one_that_is_out_of_reach)
{
    static const char *const closed[] = {"--jobserver-auth=98,99", "--jobserver-auth=-2,-2",
                                         "--jobserver-auth=",      "--jobserver-auth=3",
                                         "--jobserver-auth=3,4,5", "--jobserver-fds=x,y",
                                         "--jobserver-auth=0,1x",  "--jobserver-auth=fifo:/nowhere",
                                         "--jobserver-auth=fifo:"};
    struct jobserver *js;
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        cr_expect_eq(jobserver_join(closed[i], &js), -ENXIO, "%s", closed[i]);
        cr_expect_null(js);
    }
    // Numbers that mean something else by now.
    int file = open("/dev/null", O_RDWR);
    char text[64];
    snprintf(text, sizeof(text), "--jobserver-auth=%d,%d", file, file);
    cr_expect_eq(jobserver_join(text, &js), -ENXIO);
    cr_assert_eq(pipe(ends), 0);
    snprintf(text, sizeof(text), "--jobserver-auth=%d,%d", ends[1], ends[0]);
    cr_expect_eq(jobserver_join(text, &js), -ENXIO, "the wrong way round");
}

Test(jobserver, one_runs_for_nothing_each_more_takes_a_token)
{
    struct permits p = {.js = joined("ab")};
    cr_expect(permits_take(&p, 0));
    cr_expect_eq(there(), 2);
    cr_expect(permits_take(&p, 1));
    cr_expect(permits_take(&p, 2));
    cr_expect_eq(there(), 0);
    cr_expect_not(permits_take(&p, 3), "and does not block");
    cr_expect(p.waits);
    cr_expect_not(fcntl(ends[0], F_GETFL) & O_NONBLOCK, "the pipe of others blocks as before");
    permits_done(&p);
    cr_expect_eq(there(), 2);
    jobserver_free(p.js);
}

Test(jobserver, the_same_bytes_come_back)
{
    struct permits p = {.js = joined("abc")};
    char bytes[4] = "";
    cr_expect(permits_take(&p, 3));
    permits_done(&p);
    cr_assert_eq(read(ends[0], bytes, 3), 3);
    cr_expect_eq(bytes[0] + bytes[1] + bytes[2], 'a' + 'b' + 'c');
    jobserver_free(p.js);
}

Test(jobserver, free_gives_back)
{
    struct permits p = {.js = joined("abc")};
    cr_expect(permits_take(&p, 2));
    cr_expect_eq(jobserver_held(p.js), 2);
    jobserver_free(p.js);
    cr_expect_eq(there(), 3);
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
    cr_expect_not(w->p.watching, "nobody waits");
    cr_expect_eq(jobserver_held(w->p.js), 1);
    permits_settle(&w->p, 1);
    cr_expect_eq(there(), 1, "what is not needed goes back");
    permits_done(&w->p);
    return 0;
}

Test(jobserver, waits_for_a_token_in_the_loop)
{
    struct waiting w = {.p.js = joined("")};
    cr_expect_eq(loop_run(wait_for_token, &w), 0);
    jobserver_free(w.p.js);
}

Test(jobserver, by_a_name)
{
    char path[] = "/tmp/fanmill-fifo-XXXXXX", text[128];
    struct jobserver *js;
    close(mkstemp(path));
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    ends[0] = ends[1] = open(path, O_RDWR);
    cr_assert_eq(write(ends[1], "+", 1), 1);
    snprintf(text, sizeof(text), " -j2 --jobserver-auth=fifo:%s", path);
    cr_assert_eq(jobserver_join(text, &js), 0);
    struct permits p = {.js = js};
    cr_expect(permits_take(&p, 1));
    cr_expect_not(permits_take(&p, 2));
    char *same = jobserver_makeflags(js);
    cr_expect_str_eq(same, text, "everybody finds it by its name");
    cr_expect_not(jobserver_pass_on(js, 16));
    free(same);
    jobserver_free(js);
    cr_expect_eq(there(), 1);
    unlink(path);
}

Test(jobserver, who_comes_after_us_is_told_where_it_is)
{
    struct jobserver *js = joined("a");
    char *text = jobserver_makeflags(js);
    cr_expect_str_eq(text, "ks -j3 --jobserver-auth=4,5 -- CC=gcc");
    free(text);
    jobserver_free(js);
}

Test(jobserver, the_last_one_counts)
{
    struct jobserver *js;
    char text[128];
    cr_assert_eq(pipe(ends), 0);
    snprintf(text, sizeof(text), "--jobserver-fds=98,99 -j --jobserver-auth=%d,%d", ends[0],
             ends[1]);
    cr_expect_eq(jobserver_join(text, &js), 0);
    cr_expect_not_null(js);
    jobserver_free(js);
}

Test(jobserver, one_of_our_own)
{
    struct jobserver *js;
    setenv("MAKEFLAGS", "k -- A=1", 1);
    cr_assert_eq(jobserver_offer(3, &js), 0);
    char *text = jobserver_makeflags(js);
    cr_expect_str_eq(text, "k -j3 --jobserver-auth=4,5 -- A=1");
    free(text);
    struct permits p = {.js = js};
    cr_expect(permits_take(&p, 2));
    cr_expect_not(permits_take(&p, 3), "three slots, two tokens");
    p.waits = false;
    permits_settle(&p, 0);
    jobserver_free(js);
}

// In a process of its own: the numbers 4 and 5 are Criterion's here.
static int lose_and_settle(void *arg)
{
    struct permits *p = arg;
    char token;
    if (!jobserver_pass_on(p->js, 16))
        return 1;
    if (strcmp(getenv("MAKEFLAGS"), " -j3 --jobserver-auth=4,5") != 0)
        return 2;
    if (read(JOBSERVER_PASS_READ, &token, 1) != 1) // as a command that is killed before it gives
        return 3;
    permits_settle(p, 0);
    if (!permits_take(p, 2))
        return 4;
    permits_done(p);
    return 0;
}

Test(jobserver, what_a_killed_command_took_comes_back, .timeout = 60)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct permits p = {0};
        unsetenv("MAKEFLAGS");
        _exit(jobserver_offer(3, &p.js) == 0 ? loop_run(lose_and_settle, &p) : 5);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
    cr_expect(WIFEXITED(status));
}
