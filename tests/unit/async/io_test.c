#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "async/loop.h"
#include "base/clock.h"
#include "run.h"

#define BIG ((size_t)1 << 20)

static int writes_big(void *arg)
{
    const int *fds = arg;
    char *data = malloc(BIG);
    memset(data, 'x', BIG);
    int r = io_write(fds[1], data, BIG);
    free(data);
    close(fds[1]);
    return r;
}

static int pipe_main(void *arg)
{
    (void)arg;
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    struct group g;
    group_open(&g);
    group_spawn(&g, "writer", writes_big, fds);
    char piece[10000];
    size_t total = 0;
    ssize_t n;
    while ((n = io_read(fds[0], piece, sizeof(piece))) > 0)
        total += (size_t)n;
    cr_assert_eq(n, 0);
    cr_assert_eq(total, BIG);
    cr_assert_eq(group_wait(&g), 0);
    close(fds[0]);
    return 0;
}

Test(io, reads_and_writes_more_than_a_pipe_holds)
{
    cr_assert_eq(run_real(pipe_main, NULL), 0);
}

static int deadline_main(void *arg)
{
    (void)arg;
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    struct scope scope;
    scope_enter(&scope, NS_PER_MS);
    char byte;
    cr_assert_eq(io_read(fds[0], &byte, 1), -ETIMEDOUT);
    scope_leave(&scope);
    cr_assert_eq(write(fds[1], "a", 1), 1);
    cr_assert_eq(io_read(fds[0], &byte, 1), 1, "the watch of the first try is gone");
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(io_write(fds[1], "a", 1), -EPIPE);
    close(fds[1]);
    FILE *file = tmpfile();
    cr_assert_eq(io_write(fileno(file), "text", 4), 0, "files are always ready");
    fclose(file);
    return 0;
}

Test(io, a_deadline_ends_a_read_and_leaves_the_descriptor_usable)
{
    cr_assert_eq(run_real(deadline_main, NULL), 0);
}

static int children_main(void *arg)
{
    (void)arg;
    pid_t first = fork_child();
    if (first == 0)
        _exit(3);
    int block[2];
    cr_assert_eq(pipe(block), 0);
    pid_t second = fork_child();
    if (second == 0) {
        char byte;
        close(block[1]);
        _exit(read(block[0], &byte, 1) == 0 ? 4 : 5);
    }
    int status = 0;
    cr_assert_eq(child_wait(first, &status), 0);
    cr_assert_eq(WEXITSTATUS(status), 3);
    struct scope scope;
    scope_enter(&scope, NS_PER_MS);
    cr_assert_eq(child_wait(second, &status), -ETIMEDOUT);
    scope_leave(&scope);
    close(block[1]);
    cr_assert_eq(child_wait(second, &status), 0);
    cr_assert_eq(WEXITSTATUS(status), 4);
    cr_assert_eq(child_wait(second, &status), -ECHILD);
    close(block[0]);
    return 0;
}

Test(io, waits_for_children)
{
    cr_assert_eq(run_real(children_main, NULL), 0);
}

Test(io, waits_for_children_without_pidfds)
{
    struct loop_options options = {.without_pidfd = true};
    alarm(limit_s());
    cr_assert_eq(loop_run_opts(&options, children_main, NULL), 0);
}

static int signals_main(void *arg)
{
    (void)arg;
    const int list[] = {SIGUSR1, SIGUSR2};
    struct signals s;
    cr_assert_eq(signals_open(list, 2, &s), 0);
    raise(SIGUSR2);
    cr_assert_eq(signals_next(&s), SIGUSR2);
    raise(SIGUSR1);
    cr_assert_eq(signals_next(&s), SIGUSR1);
    struct scope scope;
    scope_enter(&scope, NS_PER_MS);
    cr_assert_eq(signals_next(&s), -ETIMEDOUT);
    scope_leave(&scope);
    signals_close(&s);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    cr_assert_not(sigismember(&now, SIGUSR1), "the mask is as it was");
    return 0;
}

Test(io, signals_are_waited_for_like_anything_else)
{
    cr_assert_eq(run_real(signals_main, NULL), 0);
}

struct pair {
    struct watch first, second;
    int calls;
};

static struct pair *the_pair;

static void on_either(struct watch *watch, uint32_t events)
{
    (void)events;
    struct watch *other = watch == &the_pair->first ? &the_pair->second : &the_pair->first;
    the_pair->calls++;
    watch_remove(other);
    watch_remove(watch);
}

static int removal_main(void *arg)
{
    (void)arg;
    int a[2], b[2];
    cr_assert_eq(pipe(a), 0);
    cr_assert_eq(pipe(b), 0);
    struct pair p = {0};
    the_pair = &p;
    cr_assert_eq(watch_add(&p.first, a[0], EPOLLIN, on_either), 0);
    cr_assert_eq(watch_add(&p.second, b[0], EPOLLIN, on_either), 0);
    cr_assert_eq(write(a[1], "x", 1), 1);
    cr_assert_eq(write(b[1], "x", 1), 1);
    task_sleep(NS_PER_MS);
    cr_assert_eq(p.calls, 1);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
    return 0;
}

Test(loop, a_watch_removed_in_the_same_turn_is_not_called)
{
    cr_assert_eq(run_real(removal_main, NULL), 0);
}

static int forks_main(void *arg)
{
    (void)arg;
    pid_t pid = fork_child();
    if (pid == 0) {
        loop_after_fork_child();
        _exit(loop_current() ? 1 : 0);
    }
    int status;
    cr_assert_eq(child_wait(pid, &status), 0);
    return WEXITSTATUS(status);
}

Test(loop, a_forked_child_forgets_it)
{
    cr_assert_eq(run_real(forks_main, NULL), 0);
}
