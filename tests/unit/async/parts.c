#include "parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "async/operators/batch.h"
#include "async/operators/chan.h"
#include "async/operators/gen.h"
#include "base/clock.h"
#include "box.h"
#include "run.h"

static int cleanups; // still to be run

int parts_left(void)
{
    return live + cleanups;
}

// Cleanup may await: behind a shield it feels nothing of the cancel.
static void clean_up(void)
{
    struct scope shield;
    scope_enter_shield(&shield, 5 * NS_PER_S);
    int r = task_sleep(NS_PER_S);
    assert(r == 0 || r == -ENOMEM);
    scope_leave(&shield);
    cleanups--;
}

static int end_group(struct group *g, int r)
{
    if (r < 0)
        group_cancel(g);
    int waited = group_wait(g);
    return waited < 0 ? waited : r;
}

static int sleeps(void *arg)
{
    (void)arg;
    int r = task_yield();
    return r < 0 ? r : task_sleep(100 * NS_PER_S);
}

static int sends(struct chan *c, int64_t every_ns)
{
    for (uintptr_t i = 0; i < 3; i++) {
        int r = every_ns ? task_sleep(every_ns) : 0;
        void *b = r == 0 ? box(i) : NULL;
        if (r == 0)
            r = chan_send(c, b);
        if (r < 0) {
            if (b)
                unbox(b);
            return r;
        }
    }
    chan_close(c);
    return 0;
}

static int sends_slowly(void *arg)
{
    return sends(arg, 20 * NS_PER_S);
}

static int sends_quickly(void *arg)
{
    return sends(arg, 0);
}

static int receives(task_fn *sender, int64_t every_ns)
{
    struct chan *c = chan_new(1, unbox);
    if (!c)
        return -ENOMEM;
    struct group g;
    group_open(&g);
    int r = group_spawn(&g, "sender", sender, c);
    void *item;
    while (r == 0 && (r = chan_recv_until(c, &item, clock_after(loop_now(), 60 * NS_PER_S))) == 1) {
        unbox(item);
        r = every_ns ? task_sleep(every_ns) : 0;
    }
    r = end_group(&g, r);
    chan_free(c);
    return r;
}

static int waits_to_receive(void *arg)
{
    (void)arg;
    return receives(sends_slowly, 0);
}

static int makes_senders_wait(void *arg)
{
    (void)arg;
    return receives(sends_quickly, 20 * NS_PER_S);
}

static int waits_for_members(void *arg)
{
    (void)arg;
    struct group g;
    group_open(&g);
    struct task *first = group_go(&g, "first", sleeps, NULL);
    int r = first ? group_spawn(&g, "second", sleeps, NULL) : -ENOMEM;
    if (r == 0) {
        r = task_join(first);
        if (r < 0)
            task_unref(first);
    } else if (first) {
        task_unref(first);
    }
    return end_group(&g, r);
}

static int gathers(void *arg)
{
    (void)arg;
    int results[3];
    return group_gather((task_fn *const[]){sleeps, waits_for_members, sleeps}, NULL, 3, results);
}

static int writes_later(void *arg)
{
    int r = task_sleep(20 * NS_PER_S);
    return r < 0 ? r : io_write(*(int *)arg, "abc", 3);
}

static int reads_a_pipe(void *arg)
{
    (void)arg;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    struct group g;
    group_open(&g);
    int r = group_spawn(&g, "writer", writes_later, &fds[1]);
    char bytes[8];
    if (r == 0)
        r = (int)io_read(fds[0], bytes, sizeof(bytes));
    assert(r < 0 || r == 3);
    r = end_group(&g, r < 0 ? r : 0);
    close(fds[0]);
    close(fds[1]);
    return r;
}

struct child {
    pid_t pid;
    int stdin_fd;
};

// Lets the child end, and waits (blocking the loop) until it did: virtual time would not.
static int ends_child(void *arg)
{
    struct child *c = arg;
    int r = c->stdin_fd >= 0 ? task_sleep(20 * NS_PER_S) : 0;
    if (r == 0 && c->stdin_fd >= 0) {
        close(c->stdin_fd);
        c->stdin_fd = -1;
    }
    siginfo_t info;
    if (r == 0)
        waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT);
    return r;
}

static int waits_for_a_child(void *arg)
{
    (void)arg;
    int fds[2], status = 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    struct child c = {fork_child(), fds[1]};
    if (c.pid == 0) {
        char byte;
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 3 : 4);
    }
    close(fds[0]);
    struct group g;
    group_open(&g);
    int r = group_spawn(&g, "ends child", ends_child, &c);
    if (r == 0)
        r = child_wait(c.pid, &status);
    bool reaped = r == 0;
    r = end_group(&g, r);
    if (c.stdin_fd >= 0)
        close(c.stdin_fd);
    if (!reaped) {
        c.stdin_fd = -1;
        ends_child(&c);
        struct scope shield;
        scope_enter_shield(&shield, NS_PER_S);
        if (child_wait(c.pid, &status) < 0) // there is no memory
            waitpid(c.pid, &status, 0);
        scope_leave(&shield);
    }
    assert(WEXITSTATUS(status) == 3);
    return r;
}

static int raises_later(void *arg)
{
    (void)arg;
    int r = task_sleep(20 * NS_PER_S);
    if (r == 0)
        kill(getpid(), SIGURG);
    return r;
}

static int waits_for_a_signal(void *arg)
{
    (void)arg;
    struct signals s;
    int r = signals_open((const int[]){SIGURG}, 1, &s);
    if (r < 0)
        return r;
    struct group g;
    group_open(&g);
    r = group_spawn(&g, "raises", raises_later, NULL);
    if (r == 0)
        r = signals_next(&s);
    assert(r < 0 || r == SIGURG);
    r = end_group(&g, r < 0 ? r : 0);
    signals_close(&s);
    return r;
}

struct shared {
    struct event_flag flag;
    struct semaphore sem;
    struct waitq q;
};

static int sets_all(void *arg)
{
    struct shared *s = arg;
    int r = task_sleep(20 * NS_PER_S);
    if (r == 0)
        event_flag_set(&s->flag);
    if (r == 0)
        r = task_sleep(20 * NS_PER_S);
    if (r == 0)
        semaphore_put(&s->sem);
    if (r == 0)
        r = task_sleep(20 * NS_PER_S);
    if (r == 0)
        waitq_wake_all(&s->q);
    return r;
}

static int waits_for_flags(void *arg)
{
    (void)arg;
    struct shared s = {0};
    struct group g;
    group_open(&g);
    int r = group_spawn(&g, "sets", sets_all, &s);
    if (r == 0)
        r = event_flag_wait(&s.flag);
    if (r == 0)
        r = semaphore_get(&s.sem);
    if (r == 0)
        r = waitq_wait(&s.q);
    if (r == 0) {
        r = waitq_wait_until(&s.q, loop_now() + 20 * NS_PER_S);
        r = r == -ETIMEDOUT && task_check() == 0 ? 0 : r;
    }
    r = end_group(&g, r);
    assert(!s.flag.q.first && !s.sem.q.first && !s.q.first);
    return r;
}

static int has_deadlines(void *arg)
{
    (void)arg;
    int r = 0;
    SCOPE_TIMEOUT (outer, 1000 * NS_PER_S) {
        SCOPE_TIMEOUT (inner, 10 * NS_PER_S) {
            r = task_sleep(100 * NS_PER_S);
            assert(r < 0);
        }
        // If it was the inner one's, all is well again out here.
        r = r == -ENOMEM ? r : task_check();
        if (r == 0)
            r = task_sleep(10 * NS_PER_S);
    }
    return r;
}

static int shields_its_cleanup(void *arg)
{
    cleanups++;
    int r = sleeps(arg);
    clean_up();
    return r;
}

static int yields(struct gen *g, void *arg)
{
    int64_t every_ns = *(int64_t *)arg;
    int r = 0;
    cleanups++;
    for (uintptr_t i = 0; r == 0 && i < 4; i++) {
        r = every_ns ? task_sleep(every_ns) : 0;
        if (r == 0)
            r = gen_yield(g, box(i));
    }
    clean_up();
    return r;
}

static int64_t quick = 0, slow = 20 * NS_PER_S;

static struct stream *source(int64_t *every_ns)
{
    return gen_new(yields, every_ns, unbox);
}

static int drain(struct stream *s)
{
    if (!s)
        return -ENOMEM;
    void *item;
    int r;
    while ((r = stream_next(s, &item)) == 1)
        if (s->drop)
            s->drop(item);
    stream_close(s);
    return r;
}

static int sleeps_over(void *in, void **ret, void *arg)
{
    int r = task_sleep(20 * NS_PER_S);
    (void)arg;
    if (r < 0)
        unbox(in);
    *ret = in;
    return r;
}

static int is_even(const void *item, void *arg)
{
    (void)arg;
    return *(const uintptr_t *)item % 2 == 0;
}

static int pulls_a_chain(void *arg)
{
    (void)arg;
    struct stream *s = stream_filter(source(&slow), is_even, NULL);
    s = stream_timeout(stream_map(s, sleeps_over, NULL, unbox), 1000 * NS_PER_S);
    return drain(stream_take(s, 2));
}

static int closes_early(void *arg)
{
    (void)arg;
    struct stream *s = source(&slow);
    if (!s)
        return -ENOMEM;
    void *item;
    int r = stream_next(s, &item);
    if (r == 1)
        unbox(item);
    stream_close(s);
    return r < 0 ? r : 0;
}

static int merges(void *arg)
{
    (void)arg;
    struct stream *ins[] = {source(&slow), source(&quick)};
    return drain(stream_merge(ins, 2, 1));
}

static int maps_in_order(void *arg)
{
    (void)arg;
    return drain(stream_pmap(source(&quick), 2, true, sleeps_over, NULL, unbox));
}

static int maps_as_they_come(void *arg)
{
    (void)arg;
    return drain(stream_pmap(source(&slow), 2, false, sleeps_over, NULL, unbox));
}

static int batches(void *arg)
{
    (void)arg;
    int r = drain(stream_batch(source(&slow), 3, 50 * NS_PER_S));
    return r < 0 ? r : drain(stream_batch(source(&slow), 3, CLOCK_FOREVER));
}

static int zips(void *arg)
{
    (void)arg;
    struct stream *ins[] = {source(&slow), source(&quick), stream_take(source(&slow), 3)};
    return drain(stream_zip(ins, 3, false));
}

static int completes(void *arg)
{
    (void)arg;
    return drain(stream_completed((task_fn *const[]){sleeps, shields_its_cleanup}, NULL, 2));
}

static int streams_a_channel(void *arg)
{
    (void)arg;
    struct chan *c = chan_new(2, unbox);
    if (!c)
        return -ENOMEM;
    struct stream *s = stream_from_chan(c);
    if (!s) {
        chan_free(c);
        return -ENOMEM;
    }
    struct group g;
    group_open(&g);
    int r = group_spawn(&g, "sender", sends_slowly, c);
    void *item;
    while (r == 0 && (r = stream_next(s, &item)) == 1) {
        unbox(item);
        r = 0;
    }
    r = end_group(&g, r);
    stream_close(s);
    return r;
}

const struct part parts[] = {
    {"sleeps", sleeps},
    {"waits to receive", waits_to_receive},
    {"makes senders wait", makes_senders_wait},
    {"waits for members", waits_for_members},
    {"gathers", gathers},
    {"reads a pipe", reads_a_pipe},
    {"waits for a child", waits_for_a_child},
    {"waits for a signal", waits_for_a_signal},
    {"waits for flags", waits_for_flags},
    {"has deadlines", has_deadlines},
    {"shields its cleanup", shields_its_cleanup},
    {"pulls a chain", pulls_a_chain},
    {"closes early", closes_early},
    {"merges", merges},
    {"maps in order", maps_in_order},
    {"maps as they come", maps_as_they_come},
    {"batches", batches},
    {"zips", zips},
    {"completes", completes},
    {"streams a channel", streams_a_channel},
};
const size_t n_parts = sizeof(parts) / sizeof(parts[0]);

int parts_together(void *arg)
{
    (void)arg;
    struct group g;
    group_open(&g);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n_parts; i++)
        r = group_spawn(&g, parts[i].name, parts[i].fn, NULL);
    return end_group(&g, r);
}
