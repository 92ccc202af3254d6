#include "async/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
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

int64_t loop_clock(const struct loop *loop)
{
    return loop->options.clock ? loop->options.clock(loop->options.arg) : clock_now();
}

void loop_ready(struct loop *loop, struct task *task)
{
    task->state = TASK_READY;
    STAILQ_INSERT_TAIL(&loop->ready, task, queued);
}

struct task *loop_take_ready(struct loop *loop)
{
    struct task *task = STAILQ_FIRST(&loop->ready);
    if (!task)
        return NULL;
    STAILQ_REMOVE_HEAD(&loop->ready, queued);
    loop->switches_left--;
    loop->current = task;
    task->state = TASK_RUNNING;
    return task;
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

static int set_timer(struct heap *heap, struct timer *timer, int64_t deadline,
                     void (*fn)(struct timer *timer))
{
    timer_cancel(timer);
    timer->fn = fn;
    timer->idle = heap == &loop_self->idle_timers;
    if (deadline == CLOCK_FOREVER)
        return 0;
    // One in the past would come before all that are due, and again if it sets itself again.
    if (deadline < loop_self->now)
        deadline = loop_self->now;
    return heap_push(heap, &timer->node, deadline);
}

int timer_set(struct timer *timer, int64_t deadline, void (*fn)(struct timer *timer))
{
    return set_timer(&loop_self->timers, timer, deadline, fn);
}

int timer_set_idle(struct timer *timer, int64_t deadline, void (*fn)(struct timer *timer))
{
    return set_timer(&loop_self->idle_timers, timer, deadline, fn);
}

void timer_cancel(struct timer *timer)
{
    if (heap_holds(&timer->node))
        heap_remove(timer->idle ? &loop_self->idle_timers : &loop_self->timers, &timer->node);
}

void prepare_add(struct prepare *prepare, bool (*fn)(struct prepare *prepare))
{
    prepare->fn = fn;
    LIST_INSERT_HEAD(&loop_self->prepares, prepare, entry);
}

void prepare_remove(struct prepare *prepare)
{
    if (!prepare->fn)
        return;
    if (loop_self->next_prepare == prepare)
        loop_self->next_prepare = LIST_NEXT(prepare, entry);
    LIST_REMOVE(prepare, entry);
    prepare->fn = NULL;
}

void loop_post(struct post *post, void (*fn)(struct post *post))
{
    post->fn = fn;
    if (post->queued)
        return;
    post->queued = true;
    TAILQ_INSERT_TAIL(&loop_self->posts, post, entry);
}

void loop_unpost(struct post *post)
{
    if (!post->queued)
        return;
    TAILQ_REMOVE(&loop_self->posts, post, entry);
    post->queued = false;
}

static void run_timers(struct heap *timers, int64_t until)
{
    struct heap_node *node;
    // Timers set by these calls for now or earlier run in the next turn: a timer can't starve
    // others.
    uint64_t order_end = timers->next_order;
    while ((node = heap_first(timers)) && node->deadline <= until && node->order < order_end) {
        struct timer *timer = container_of(node, struct timer, node);
        heap_remove(timers, node);
        timer->fn(timer);
    }
}

static struct post *take_post(struct loop *loop)
{
    struct post *post = TAILQ_FIRST(&loop->posts);
    if (!post)
        return NULL;
    TAILQ_REMOVE(&loop->posts, post, entry);
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

// Runs ready tasks; each switches to the next by itself while switches are left.
static void run_ready(struct loop *loop, unsigned switches)
{
    struct task *task;
    loop->switches_left = switches;
    while (loop->switches_left && (task = loop_take_ready(loop))) {
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
    for (unsigned i = 0; i < options->switches && !STAILQ_EMPTY(&loop->ready); i++) {
        const char *name = STAILQ_FIRST(&loop->ready)->name;
        int64_t begin = loop_clock(loop);
        run_ready(loop, 1);
        int64_t took = loop_clock(loop) - begin;
        if (took >= options->slow_ns)
            options->slow(options->arg, name, took);
    }
}

bool loop_is_awake(struct loop *loop)
{
    bool awake = false;
    for (struct prepare *p = LIST_FIRST(&loop->prepares); p; p = loop->next_prepare) {
        loop->next_prepare = LIST_NEXT(p, entry);
        awake |= p->fn(p);
    }
    return awake || !STAILQ_EMPTY(&loop->ready) || !TAILQ_EMPTY(&loop->posts);
}

static int64_t next_deadline(const struct loop *loop)
{
    const struct heap_node *timer = heap_first(&loop->timers);
    const struct heap_node *idle = heap_first(&loop->idle_timers);
    int64_t deadline = timer ? timer->deadline : CLOCK_FOREVER;
    return idle && idle->deadline < deadline ? idle->deadline : deadline;
}

static int sleep_ms(const struct loop *loop)
{
    int64_t deadline = next_deadline(loop);
    if (deadline == CLOCK_FOREVER)
        return -1;
    int64_t left = deadline - loop_clock(loop);
    if (left <= 0)
        return 0;
    int64_t ms = (left + NS_PER_MS - 1) / NS_PER_MS;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

// A timer that is due comes first.
static void run_idle_timers(struct loop *loop)
{
    const struct heap_node *timer = heap_first(&loop->timers);
    if (!timer || timer->deadline > loop->now)
        run_timers(&loop->idle_timers, loop->now);
}

static int64_t thread_cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void turn_begins(struct loop_meter *meter)
{
    if (!meter)
        return;
    meter->cpu_at = thread_cpu();
    meter->wall_at = clock_now();
}

static void turn_ends(struct loop_meter *meter)
{
    if (!meter || !meter->wall_at)
        return;
    int64_t cpu = thread_cpu() - meter->cpu_at, wall = clock_now() - meter->wall_at;
    if (cpu > meter->longest_cpu_ns)
        meter->longest_cpu_ns = cpu;
    if (wall > meter->longest_wall_ns)
        meter->longest_wall_ns = wall;
    if (cpu <= meter->limit_ns)
        return;
    meter->n_over++;
    if (meter->over)
        meter->over(meter, cpu, wall);
}

void loop_meter(struct loop_meter *meter)
{
    loop_self->meter = meter;
}

void loop_unmeter(void)
{
    loop_self->meter = NULL;
}

static void poll_descriptors(struct loop *loop, bool awake)
{
    bool is_virtual = loop->options.clock;
    struct epoll_event events[EVENTS_PER_TURN];
    int timeout = awake || is_virtual ? 0 : sleep_ms(loop);
    turn_ends(loop->meter);
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, timeout);
    if (n <= 0 && is_virtual && !awake) {
        int64_t deadline = next_deadline(loop);
        if (deadline != CLOCK_FOREVER)
            loop->options.idle(loop->options.arg, deadline);
        else
            n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, -1);
    }
    turn_begins(loop->meter);
    loop->now = loop_clock(loop);
    if (n == 0 && !awake)
        run_idle_timers(loop);
    for (int i = 0; i < n; i++)
        loop->dispatching[i] = events[i].data.ptr;
    loop->n_dispatching = n;
    for (int i = 0; i < n; i++)
        if (loop->dispatching[i])
            loop->dispatching[i]->fn(loop->dispatching[i], events[i].events);
    loop->n_dispatching = 0;
}

void loop_go_round(struct loop *loop)
{
    run_timers(&loop->timers, loop->now);
    run_timers(&loop->idle_timers, loop->now - LOOP_PATIENCE_NS);
    run_posts(loop);
    run_tasks(loop);
    if (loop->n_tasks || loop->visited)
        poll_descriptors(loop, loop_is_awake(loop));
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

int loop_begin(struct loop *loop, const struct loop_options *options)
{
    assert(!options->clock == !options->idle && !options->slow_ns == !options->slow);
    *loop = (struct loop){.options = *options};
    if (!loop->options.stack_bytes)
        loop->options.stack_bytes = LOOP_STACK_BYTES;
    if (!loop->options.switches)
        loop->options.switches = LOOP_SWITCHES;
    STAILQ_INIT(&loop->ready);
    STAILQ_INIT(&loop->free_tasks);
    TAILQ_INIT(&loop->posts);
    loop->now = loop_clock(loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return -errno;
    return thread_loop_begin(loop);
}

void loop_end(struct loop *loop)
{
    run_posts(loop); // the stacks of the last tasks
    io_loop_done(loop);
    thread_loop_done(loop);
    task_free_all(loop);
    heap_done(&loop->timers);
    heap_done(&loop->idle_timers);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
}

int loop_run_opts(const struct loop_options *options, task_fn *main, void *arg)
{
    struct loop loop;
    struct main_call call = {main, arg, -ENOMEM};
    assert(!loop_self);
    loop_self = &loop;
    int r = loop_begin(&loop, options);
    ctx_is_here(&loop.ctx);
    struct task *task = r == 0 ? task_begin(run_main, &call, "main") : NULL;
    if (task)
        task_unref(task);
    while (loop.n_tasks)
        loop_go_round(&loop);
    loop_end(&loop);
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
    const struct task *t;
    LIST_FOREACH (t, &loop_self->tasks, listed) {
        int cause = task_cause(t);
        fprintf(out, "task %s: %s%s\n", t->name, states[t->state],
                cause == -ETIMEDOUT ? ", timed out"
                : cause             ? ", cancelled"
                                    : "");
    }
}
