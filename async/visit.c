#include "async/visit.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "async/internal.h"
#include "base/clock.h"

struct visited {
    struct loop loop;
    struct task visitor; // no stack of its own, and in none of the loop's lists
    void *stack;         // of the loop
    bool running;        // the loop was entered once
    bool ending;
    int64_t seen; // when it looked outside last
    // For visit_fd(): a timer for the loop's next one.
    struct watch alarm;
    bool has_alarm;
    int64_t alarm_at;
};

static void run_visited(void *arg)
{
    struct visited *v = arg;
    ctx_entered();
    v->running = true;
    while (!v->ending) {
        loop_go_round(&v->loop);
        v->seen = v->loop.now;
    }
    ctx_leave(&v->loop.ctx, &v->visitor.ctx, 0);
}

int loop_new(const struct loop_options *options, struct loop **ret)
{
    struct visited *v = calloc(1, sizeof(*v));
    struct loop *outer = loop_self;
    if (!v)
        return -ENOMEM;
    loop_self = &v->loop;
    int r = loop_begin(&v->loop, options);
    size_t size = v->loop.options.stack_bytes;
    v->stack = r == 0 ? ctx_stack_new(size) : NULL;
    if (!v->stack) {
        loop_end(&v->loop);
        free(v);
        loop_self = outer;
        return r < 0 ? r : -ENOMEM;
    }
    v->loop.visited = v;
    v->visitor.name = "visitor";
    v->visitor.state = TASK_ENDED;
    v->alarm_at = CLOCK_FOREVER;
    ctx_init(&v->loop.ctx, v->stack, size, run_visited, v);
    loop_self = outer;
    *ret = &v->loop;
    return 0;
}

static void stay_awake(struct post *post)
{
    (void)post;
}

// Lets run_visited() return, so that nothing of its stack is left.
static void end_running(struct visited *v)
{
    struct post post = {0};
    loop_post(&post, stay_awake);
    v->ending = true;
    ctx_is_here(&v->visitor.ctx);
    ctx_switch(&v->visitor.ctx, &v->loop.ctx);
    loop_unpost(&post);
}

struct loop *loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;
    struct visited *v = loop->visited;
    struct loop *outer = loop_self;
    loop_self = loop;
    assert(v && !loop->current && !loop->n_tasks);
    if (v->running)
        end_running(v);
    if (v->has_alarm) {
        int fd = v->alarm.fd;
        watch_remove(&v->alarm);
        close(fd);
    }
    loop_end(loop);
    loop_self = outer;
    ctx_stack_free(v->stack, loop->options.stack_bytes);
    free(v);
    return NULL;
}

// The running context is the loop's running task, whose stack may be another than it was.
static void settle(struct loop *loop)
{
    loop_self = loop;
    if (loop && loop->current)
        ctx_is_here(&loop->current->ctx);
}

void visit_begin(struct visit *visit, struct loop *loop)
{
    struct visited *v = loop->visited;
    assert(v);
    *visit = (struct visit){.outer = loop_self, .nested = loop->current};
    if (visit->nested) {
        if (visit->outer != loop)
            settle(loop);
        return;
    }
    loop->current = &v->visitor;
    v->visitor.state = TASK_RUNNING;
    settle(loop);
    loop->now = loop_clock(loop);
    if (loop->now - v->seen >= VISIT_STALE_NS)
        visit_turn();
    else if (!STAILQ_EMPTY(&loop->ready))
        task_yield();
}

static void on_alarm(struct watch *watch, uint32_t events)
{
    struct visited *v = container_of(watch, struct visited, alarm);
    uint64_t n;
    (void)events;
    if (read(watch->fd, &n, sizeof(n)) == sizeof(n))
        v->alarm_at = CLOCK_FOREVER; // the loop's own timer does the rest
}

static void set_alarm(struct visited *v, int64_t at)
{
    struct itimerspec spec = {0}; // none
    if (at == v->alarm_at)
        return;
    if (at != CLOCK_FOREVER) {
        at = at > 0 ? at : 1;
        spec.it_value = (struct timespec){.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
    }
    timerfd_settime(v->alarm.fd, TFD_TIMER_ABSTIME, &spec, NULL);
    v->alarm_at = at;
}

// What the descriptor of visit_fd() has to show until the next visit.
static void show_outside(struct loop *loop)
{
    const struct heap_node *timer = heap_first(&loop->timers);
    if (loop_is_awake(loop))
        loop_ring(loop);
    set_alarm(loop->visited, timer ? timer->deadline : CLOCK_FOREVER);
}

void visit_end(struct visit *visit)
{
    struct loop *loop = loop_self;
    struct visited *v = loop->visited;
    if (!visit->nested) {
        assert(loop->current == &v->visitor && !v->visitor.scope);
        if (v->has_alarm)
            show_outside(loop);
        v->visitor.state = TASK_ENDED;
        loop->current = NULL;
    }
    if (visit->outer != loop)
        settle(visit->outer);
}

struct turning {
    struct post post;
    struct task *task;
};

static void on_turned(struct post *post)
{
    task_wake(container_of(post, struct turning, post)->task, 0);
}

int visit_turn(void)
{
    int r = task_check();
    if (r < 0)
        return r;
    // The post is called in the next turn, after this one's look at the descriptors, and what that
    // made ready runs first.
    struct turning turning = {.task = task_self()};
    loop_post(&turning.post, on_turned);
    r = task_park();
    loop_unpost(&turning.post);
    return r;
}

int visit_fd(struct loop *loop)
{
    struct visited *v = loop->visited;
    if (v->has_alarm)
        return loop->epoll_fd;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = watch_add(&v->alarm, fd, EPOLLIN, on_alarm);
    if (r < 0) {
        close(fd);
        return r;
    }
    v->has_alarm = true;
    return loop->epoll_fd;
}
