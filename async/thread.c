#include "async/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "async/internal.h"
#include "async/io.h"

// A call from another thread, in a list that grows at its head without a lock.
struct call {
    struct call *next;
    void (*fn)(void *arg);
    void *arg;
};

static void ring(int fd)
{
    uint64_t one = 1;
    // It can fail only when the counter is full, and then the bell rings already.
    while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static void quiet(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}

int loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct call *call = malloc(sizeof(*call));
    if (!call)
        return -ENOMEM;
    *call = (struct call){.fn = fn, .arg = arg};
    struct call *head = atomic_load(&loop->calls);
    do
        call->next = head;
    while (!atomic_compare_exchange_weak(&loop->calls, &head, call));
    loop_ring(loop);
    return 0;
}

static struct call *take_calls(struct loop *loop)
{
    struct call *call = atomic_exchange(&loop->calls, NULL), *in_order = NULL;
    while (call) {
        struct call *next = call->next;
        call->next = in_order;
        in_order = call;
        call = next;
    }
    return in_order;
}

static void on_wake(struct watch *watch, uint32_t events)
{
    (void)events;
    // Quiet before the list is taken: whatever is added later rings again.
    quiet(watch->fd);
    struct call *call = take_calls(loop_self);
    while (call) {
        struct call *next = call->next;
        call->fn(call->arg);
        free(call);
        call = next;
    }
}

void loop_ring(const struct loop *loop)
{
    ring(loop->wake.fd);
}

int thread_loop_begin(struct loop *loop)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = watch_add(&loop->wake, fd, EPOLLIN, on_wake);
    if (r < 0)
        close(fd);
    return r;
}

void thread_loop_done(struct loop *loop)
{
    if (!loop->wake.fn)
        return;
    int fd = loop->wake.fd;
    watch_remove(&loop->wake);
    close(fd);
    for (struct call *call = take_calls(loop), *next; call; call = next) {
        next = call->next;
        free(call);
    }
}

enum { RUNNING, ENDED, LEFT_ALONE };

// Shared by the thread and the task that waits for it; the last of the two frees it.
struct blocking {
    task_fn *fn;
    void *arg;
    void (*release)(void *arg);
    int result;
    int ended_fd;
    atomic_int state;
    atomic_int users;
};

static void unuse(struct blocking *b)
{
    if (atomic_fetch_sub(&b->users, 1) != 1)
        return;
    close(b->ended_fd);
    free(b);
}

static void give_back(struct blocking *b)
{
    if (b->release)
        b->release(b->arg);
}

static void *thread_main(void *arg)
{
    struct blocking *b = arg;
    b->result = b->fn(b->arg);
    if (atomic_exchange(&b->state, ENDED) == LEFT_ALONE)
        give_back(b);
    ring(b->ended_fd);
    unuse(b);
    return NULL;
}

static int start(struct blocking *b)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int r = pthread_create(&thread, &attr, thread_main, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return -r;
}

static struct blocking *blocking_new(task_fn *fn, void *arg, void (*release)(void *arg))
{
    struct blocking *b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    b->fn = fn;
    b->arg = arg;
    b->release = release;
    b->users = 2;
    b->ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (b->ended_fd >= 0 && start(b) == 0)
        return b;
    if (b->ended_fd >= 0)
        close(b->ended_fd);
    free(b);
    return NULL;
}

int thread_run(task_fn *fn, void *arg, void (*release)(void *arg))
{
    int r = task_check();
    struct blocking *b = r == 0 ? blocking_new(fn, arg, release) : NULL;
    if (!b) {
        if (release)
            release(arg);
        return r < 0 ? r : -EAGAIN;
    }
    r = io_wait(b->ended_fd, EPOLLIN);
    // A thread that ended in the same turn as the cancel came has a result, and it counts.
    if (r >= 0 || atomic_exchange(&b->state, LEFT_ALONE) == ENDED)
        r = b->result;
    unuse(b);
    return r;
}
