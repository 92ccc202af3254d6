// make's jobserver, as it is found, offered, passed on and given back.
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

static int ends[2];
static char flags[256];

// A pipe as make makes it: it blocks, and its tokens are not all the same byte.
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

static int present(void)
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

Test(jobserver, one_that_can_t_be_reached)
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

Test(jobserver, takes_tokens_and_gives_the_same_bytes_back)
{
    struct jobserver *js = joined("abc");
    char bytes[4] = "";
    for (uint32_t i = 1; i <= 3; i++) {
        cr_expect(jobserver_take(js));
        cr_expect_eq(jobserver_tokens(js), i);
    }
    cr_expect_not(jobserver_take(js), "and does not block");
    cr_expect_not(fcntl(ends[0], F_GETFL) & O_NONBLOCK, "the pipe of others blocks as before");
    cr_expect_eq(present(), 0);
    cr_expect(jobserver_give(js));
    cr_expect_eq(present(), 1);
    jobserver_free(js);
    cr_assert_eq(read(ends[0], bytes, 3), 3);
    cr_expect_eq(bytes[0] + bytes[1] + bytes[2], 'a' + 'b' + 'c');
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
    cr_expect(jobserver_take(js));
    cr_expect_not(jobserver_take(js));
    char *same = jobserver_makeflags(js);
    cr_expect_str_eq(same, text, "every process finds it by its name");
    cr_expect_not(jobserver_pass_on(js, 16));
    free(same);
    jobserver_free(js);
    cr_expect_eq(present(), 1);
    unlink(path);
}

Test(jobserver, makeflags_name_where_it_is_passed_on)
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
    cr_expect(jobserver_take(js) && jobserver_take(js));
    cr_expect_not(jobserver_take(js), "three slots, two tokens");
    jobserver_free(js);
}

// In a process of its own: the numbers 4 and 5 are Criterion's here.
static int lose_a_token(void)
{
    struct jobserver *js;
    char token;
    unsetenv("MAKEFLAGS");
    if (jobserver_offer(3, &js) < 0 || !jobserver_pass_on(js, 16))
        return 1;
    if (strcmp(getenv("MAKEFLAGS"), " -j3 --jobserver-auth=4,5") != 0)
        return 2;
    if (read(JOBSERVER_PASS_READ, &token, 1) != 1) // as a command that is killed before it gives
        return 3;
    jobserver_restore(js);
    if (!jobserver_take(js) || !jobserver_take(js))
        return 4;
    jobserver_free(js);
    return 0;
}

Test(jobserver, what_a_killed_command_took_comes_back, .timeout = 60)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(lose_a_token());
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
    cr_expect(WIFEXITED(status));
}
