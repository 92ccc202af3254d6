#include "worker/executor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "worker/executor/chunk_run.h"
#include "worker/executor/leftovers.h"
#include "worker/executor/running.h"
#include "worker/executor/start.h"
#include "worker/executor/usage.h"
#include "worker/page.h"

static void write_some(struct running *r)
{
    const struct spawn *s = r->spawn;
    ssize_t n = write(r->in, (const uint8_t *)s->input + r->written, s->input_len - r->written);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    // A program may stop reading when it has enough.
    if (n >= 0)
        r->written += (size_t)n;
    if (n < 0 || r->written == s->input_len)
        running_close(&r->in);
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void check_time(struct running *r)
{
    if (r->term_at == CLOCK_FOREVER && r->kill_at == CLOCK_FOREVER)
        return;
    int64_t now = page_time(r->chunk->page);
    if (now >= r->kill_at) {
        running_stop(r, SIGKILL);
    } else if (now >= r->term_at) {
        r->end->timed_out = true;
        running_stop(r, SIGTERM);
    }
}

static void serve(struct running *r)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = r->chunk->signals, .events = POLLIN},
                               {.fd = r->out, .events = POLLIN},
                               {.fd = r->err, .events = POLLIN},
                               {.fd = r->in, .events = POLLOUT}};
        if (poll(fds, 4, running_wait_ms(r, r->term_at < r->kill_at ? r->term_at : r->kill_at)) <
                0 &&
            errno != EINTR)
            return;
        if (fds[1].revents && r->out >= 0)
            running_read(r, &r->out, false);
        if (fds[2].revents && r->err >= 0)
            running_read(r, &r->err, true);
        if (fds[3].revents && r->in >= 0)
            write_some(r);
        if (fds[0].revents) {
            if (running_take_signals(r))
                running_stop(r, SIGTERM);
            if (has_ended(r->pid))
                return;
        }
        check_time(r);
    }
}

// From here on its number may be another's, and its group is not signalled by it any more.
static void bury(struct running *r)
{
    struct rusage usage;
    atomic_store_explicit(&r->chunk->page->group, 0, memory_order_relaxed);
    while (wait4(r->pid, &r->end->status, 0, &usage) < 0 && errno == EINTR)
        ;
    usage_add(&r->chunk->ending, &usage);
}

// A file without a name. Negative errno.
static int input_file(const struct spawn *s)
{
    int fd = memfd_create("chunk", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, s->input, s->input_len);
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

static int open_pipes(const struct spawn *s, int in[2], int out[2], int err[2])
{
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        return -errno;
    if (!s->input)
        return 0;
    if (s->input_is_file) {
        in[0] = input_file(s);
        return in[0] < 0 ? in[0] : 0;
    }
    if (pipe2(in, O_CLOEXEC) < 0)
        return -errno;
    return fd_set_nonblock(in[1], true);
}

void spawn_run(struct chunk_run *c, const struct spawn *s, struct buf *out, struct spawn_end *ret)
{
    *ret = (struct spawn_end){0};
    int in[2] = {-1, -1};
    int outs[2] = {-1, -1};
    int errs[2] = {-1, -1};
    struct running r = {.chunk = c,
                        .spawn = s,
                        .output = out,
                        .kill_at = CLOCK_FOREVER,
                        .term_at = CLOCK_FOREVER,
                        .end = ret};
    ret->error = open_pipes(s, in, outs, errs);
    ret->at = SPAWN_AT_PIPES;
    if (ret->error == 0) {
        const struct start_files files = {in[0], outs[1], errs[1]};
        enum start_at at;
        r.pid = start_program(c, s, &files, &at);
        ret->error = r.pid < 0 ? r.pid : 0;
        ret->at = (enum spawn_at)at;
    }
    running_close(&in[0]);
    running_close(&outs[1]);
    running_close(&errs[1]);
    r.in = in[1];
    r.out = outs[0];
    r.err = errs[0];
    if (ret->error == 0) {
        atomic_store_explicit(&c->page->group, r.pid, memory_order_relaxed);
        if (s->timeout_ns)
            r.term_at = clock_after(page_time(c->page), s->timeout_ns);
        if (r.in >= 0 && s->input_len == 0)
            running_close(&r.in);
        if (page_cancelled(c->page, c->serial)) {
            ret->cancelled = true;
            running_stop(&r, SIGTERM);
        }
        serve(&r);
        running_drain(&r);
        bury(&r);
        leftovers_settle(&r);
    }
    running_close(&r.in);
    running_close(&r.out);
    running_close(&r.err);
}
