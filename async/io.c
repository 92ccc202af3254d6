#include "async/io.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/internal.h"
#include "base/cleanup.h"
#include "base/signals.h"

struct io_waiter {
    struct watch watch;
    struct task *task;
    uint32_t got;
};

static void on_ready(struct watch *watch, uint32_t events)
{
    struct io_waiter *w = container_of(watch, struct io_waiter, watch);
    w->got = events;
    task_wake(w->task, 0);
}

int io_wait(int fd, uint32_t events)
{
    int r = task_check();
    if (r < 0)
        return r;
    struct io_waiter w = {.task = task_self()};
    r = watch_add(&w.watch, fd, events, on_ready);
    if (r == -EPERM)
        return (int)(events & (EPOLLIN | EPOLLOUT));
    if (r < 0)
        return r;
    r = task_park();
    watch_remove(&w.watch);
    return r < 0 ? r : (int)w.got;
}

ssize_t io_read(int fd, void *data, size_t len)
{
    for (;;) {
        int r = io_wait(fd, EPOLLIN);
        if (r < 0)
            return r;
        ssize_t n = read(fd, data, len);
        if (n >= 0)
            return n;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
}

int io_write(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        int r = io_wait(fd, EPOLLOUT);
        if (r < 0)
            return r;
        // A pipe that is writable takes PIPE_BUF bytes without blocking.
        ssize_t n = write(fd, at, len < PIPE_BUF ? len : PIPE_BUF);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int reap(pid_t pid, int *ret_status)
{
    pid_t r;
    do
        r = waitpid(pid, ret_status, WNOHANG);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == pid;
}

static void on_sigchld(struct watch *watch, uint32_t events)
{
    (void)events;
    struct signalfd_siginfo info;
    while (read(watch->fd, &info, sizeof(info)) > 0)
        ;
    waitq_wake_all(&loop_self->children);
}

static int watch_sigchld(struct loop *loop)
{
    if (loop->has_sigchld)
        return 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigset_t before;
    sigprocmask(SIG_BLOCK, &set, &before);
    loop->unblock_sigchld |= !sigismember(&before, SIGCHLD);
    _close_ int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = watch_add(&loop->sigchld, fd, EPOLLIN, on_sigchld);
    if (r < 0)
        return r;
    take_fd(fd);
    loop->has_sigchld = true;
    return 0;
}

void io_loop_done(struct loop *loop)
{
    if (loop->has_sigchld) {
        int fd = loop->sigchld.fd;
        watch_remove(&loop->sigchld);
        close(fd);
    }
    if (loop->unblock_sigchld) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
}

static int child_wait_by_signal(pid_t pid, int *ret_status)
{
    int r = watch_sigchld(loop_self);
    while (r == 0) {
        // Only after the signal is watched: a child that ended before that is seen here.
        r = reap(pid, ret_status);
        if (r != 0)
            return r < 0 ? r : 0;
        r = waitq_wait(&loop_self->children);
    }
    return r;
}

int child_wait(pid_t pid, int *ret_status)
{
    _close_ int fd = loop_self->options.without_pidfd ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return child_wait_by_signal(pid, ret_status);
    int r = io_wait(fd, EPOLLIN);
    if (r < 0)
        return r;
    r = reap(pid, ret_status);
    return r < 0 ? r : 0;
}

int signals_open(const int *list, size_t n, struct signals *ret)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < n; i++)
        if (!signal_is_ignored(list[i])) // a signalfd would get it all the same
            sigaddset(&set, list[i]);
    struct signals s;
    if (sigprocmask(SIG_BLOCK, &set, &s.before) < 0)
        return -errno;
    s.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s.fd < 0) {
        int r = -errno;
        sigprocmask(SIG_SETMASK, &s.before, NULL);
        return r;
    }
    *ret = s;
    return 0;
}

int signals_next(struct signals *s)
{
    struct signalfd_siginfo info;
    ssize_t n = io_read(s->fd, &info, sizeof(info));
    return n < 0 ? (int)n : (int)info.ssi_signo;
}

void signals_close(struct signals *s)
{
    close(s->fd);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
}
