#include "async/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "async/internal.h"
#include "base/clock.h"

#define EVENTS_PER_TURN 64

_Thread_local struct loop *loop_self;

struct loop *loop_current(void)
{
    return loop_self;
}

int64_t loop_now(void)
{
    return loop_self->now;
}

static int64_t read_clock(const struct loop *loop)
{
    return loop->options.clock ? loop->options.clock(loop->options.arg) : clock_now();
}

void loop_ready(struct loop *loop, struct task *task)
{
    task->state = TASK_READY;
    task->next = NULL;
    if (loop->ready_last)
        loop->ready_last->next = task;
    else
        loop->ready_first = task;
    loop->ready_last = task;
}

int watch_add(struct watch *watch, int fd, uint32_t events,
              void (*fn)(struct watch *watch, uint32_t events))
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop_self->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    *watch = (struct watch){.fd = fd, .events = events, .fn = fn};
    return 0;
}

int watch_modify(struct watch *watch, uint32_t events)
{
    if (watch->events == events)
        return 0;
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop_self->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        return -errno;
    watch->events = events;
    return 0;
}

void watch_remove(struct watch *watch)
{
    if (!watch->fn)
        return;
    struct loop *loop = loop_self;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = 0; i < loop->n_dispatching; i++)
        if (loop->dispatching[i] == watch)
            loop->dispatching[i] = NULL;
    *watch = (struct watch){.fd = -1};
}

int timer_set(struct timer *timer, int64_t deadline, void (*fn)(struct timer *timer))
{
    timer_cancel(timer);
    timer->fn = fn;
    if (deadline == CLOCK_FOREVER)
        return 0;
    // A past one would come before all that are due, and again if it sets itself again.
    if (deadline < loop_self->now)
        deadline = loop_self->now;
    return heap_push(&loop_self->timers, &timer->node, deadline);
}

void timer_cancel(struct timer *timer)
{
    if (heap_holds(&timer->node))
        heap_remove(&loop_self->timers, &timer->node);
}

void prepare_add(struct prepare *prepare, bool (*fn)(struct prepare *prepare))
{
    *prepare = (struct prepare){.fn = fn, .next = loop_self->prepares};
    loop_self->prepares = prepare;
}

void prepare_remove(struct prepare *prepare)
{
    if (!prepare->fn)
        return;
    if (loop_self->next_prepare == prepare)
        loop_self->next_prepare = prepare->next;
    struct prepare **at = &loop_self->prepares;
    while (*at && *at != prepare)
        at = &(*at)->next;
    if (*at)
        *at = prepare->next;
    prepare->fn = NULL;
}

void loop_post(struct post *post, void (*fn)(struct post *post))
{
    post->fn = fn;
    if (post->queued)
        return;
    post->queued = true;
    post->next = NULL;
    if (loop_self->post_last)
        loop_self->post_last->next = post;
    else
        loop_self->post_first = post;
    loop_self->post_last = post;
}

void loop_unpost(struct post *post)
{
    if (!post->queued)
        return;
    struct post *before = NULL;
    for (struct post **at = &loop_self->post_first; *at; at = &(*at)->next) {
        if (*at == post) {
            *at = post->next;
            if (loop_self->post_last == post)
                loop_self->post_last = before;
            break;
        }
        before = *at;
    }
    post->queued = false;
}

static void run_timers(struct loop *loop)
{
    struct heap_node *node;
    // Timers set by these calls for now or earlier run in the next turn: a timer can't starve
    // others.
    uint64_t order_end = loop->timers.next_order;
    while ((node = heap_first(&loop->timers)) && node->deadline <= loop->now &&
           node->order < order_end) {
        struct timer *timer = (struct timer *)((char *)node - offsetof(struct timer, node));
        heap_remove(&loop->timers, node);
        timer->fn(timer);
    }
}

static struct post *take_post(struct loop *loop)
{
    struct post *post = loop->post_first;
    if (!post)
        return NULL;
    loop->post_first = post->next;
    if (!loop->post_first)
        loop->post_last = NULL;
    post->queued = false;
    return post;
}

static void run_posts(struct loop *loop)
{
    // What these calls post in turn comes after the mark, in the next turn.
    struct post mark = {0}, *post;
    loop_post(&mark, NULL);
    while ((post = take_post(loop)) && post != &mark)
        post->fn(post);
}

// Runs ready tasks; each goes over to the next by itself while there are switches left.
static void run_ready(struct loop *loop, unsigned switches)
{
    loop->switches_left = switches;
    while (loop->ready_first && loop->switches_left) {
        struct task *task = loop->ready_first;
        loop->ready_first = task->next;
        if (!loop->ready_first)
            loop->ready_last = NULL;
        loop->switches_left--;
        loop->current = task;
        task->state = TASK_RUNNING;
        ctx_switch(&loop->ctx, &task->ctx);
        loop->current = NULL;
    }
}

static void run_tasks(struct loop *loop)
{
    const struct loop_options *options = &loop->options;
    if (!options->slow_ns) {
        run_ready(loop, options->switches);
        return;
    }
    for (unsigned i = 0; i < options->switches && loop->ready_first; i++) {
        const char *name = loop->ready_first->name;
        int64_t begin = read_clock(loop);
        run_ready(loop, 1);
        int64_t took = read_clock(loop) - begin;
        if (took >= options->slow_ns)
            options->slow(options->arg, name, took);
    }
}

// True when the loop must not sleep.
static bool run_prepares(struct loop *loop)
{
    bool awake = false;
    for (struct prepare *p = loop->prepares; p; p = loop->next_prepare) {
        loop->next_prepare = p->next;
        awake |= p->fn(p);
    }
    return awake;
}

static int sleep_ms(const struct loop *loop)
{
    const struct heap_node *node = heap_first(&loop->timers);
    if (!node)
        return -1;
    int64_t left = node->deadline - read_clock(loop);
    if (left <= 0)
        return 0;
    int64_t ms = (left + NS_PER_MS - 1) / NS_PER_MS;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void poll_descriptors(struct loop *loop, bool awake)
{
    bool is_virtual = loop->options.clock;
    struct epoll_event events[EVENTS_PER_TURN];
    int timeout = awake || is_virtual ? 0 : sleep_ms(loop);
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, timeout);
    if (n <= 0 && is_virtual && !awake) {
        const struct heap_node *node = heap_first(&loop->timers);
        if (node)
            loop->options.idle(loop->options.arg, node->deadline);
        else
            n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, -1);
    }
    loop->now = read_clock(loop);
    if (n <= 0)
        return;
    for (int i = 0; i < n; i++)
        loop->dispatching[i] = events[i].data.ptr;
    loop->n_dispatching = n;
    for (int i = 0; i < n; i++)
        if (loop->dispatching[i])
            loop->dispatching[i]->fn(loop->dispatching[i], events[i].events);
    loop->n_dispatching = 0;
}

static void run_turns(struct loop *loop)
{
    loop->now = read_clock(loop);
    while (loop->tasks) {
        run_timers(loop);
        run_posts(loop);
        run_tasks(loop);
        if (!loop->tasks)
            break;
        bool awake = run_prepares(loop);
        awake |= loop->ready_first || loop->post_first;
        poll_descriptors(loop, awake);
    }
}

struct main_call {
    task_fn *fn;
    void *arg;
    int result;
};

static int run_main(void *arg)
{
    struct main_call *call = arg;
    call->result = call->fn(call->arg);
    return 0;
}

int loop_run_opts(const struct loop_options *options, task_fn *main, void *arg)
{
    assert(!loop_self && !options->clock == !options->idle && !options->slow_ns == !options->slow);
    struct loop loop = {.options = *options};
    if (!loop.options.stack_bytes)
        loop.options.stack_bytes = LOOP_STACK_BYTES;
    if (!loop.options.switches)
        loop.options.switches = LOOP_SWITCHES;
    loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop.epoll_fd < 0)
        return -errno;
    loop_self = &loop;
    struct main_call call = {main, arg, -ENOMEM};
    int r = thread_loop_begin(&loop);
    struct task *task = r == 0 ? task_begin(run_main, &call, "main") : NULL;
    if (task) {
        task_unref(task);
        run_turns(&loop);
        run_posts(&loop); // the stacks of the last tasks
    }
    io_loop_done(&loop);
    thread_loop_done(&loop);
    task_free_all(&loop);
    heap_done(&loop.timers);
    close(loop.epoll_fd);
    loop_self = NULL;
    return r < 0 ? r : call.result;
}

int loop_run(task_fn *main, void *arg)
{
    return loop_run_opts(&(struct loop_options){0}, main, arg);
}

void loop_after_fork_child(void)
{
    if (!loop_self)
        return;
    close(loop_self->epoll_fd);
    close(loop_self->wake.fd);
    if (loop_self->has_sigchld)
        close(loop_self->sigchld.fd);
    loop_self = NULL;
}

void loop_dump(FILE *out)
{
    static const char *const states[] = {"ready", "running", "waiting", "ended"};
    for (const struct task *t = loop_self->all; t; t = t->all_next) {
        int cause = task_cause(t);
        fprintf(out, "task %s: %s%s\n", t->name, states[t->state],
                cause == -ETIMEDOUT ? ", timed out"
                : cause             ? ", cancelled"
                                    : "");
    }
}
