#include "worker/executor/running.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/executor/chunk_run.h"
#include "worker/page.h"

#define READ_BYTES (64u << 10)

void running_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void running_stop(struct running *r, int signal_number)
{
    kill(-r->pid, signal_number);
    if (signal_number == SIGTERM) {
        kill(-r->pid, SIGCONT); // a stopped process would not hear it
        r->kill_at = clock_after(page_time(r->chunk->page), SPAWN_GRACE_NS);
    } else {
        r->kill_at = CLOCK_FOREVER;
        r->killed = true;
    }
    r->term_at = CLOCK_FOREVER;
    // What it writes now is not needed, and it must not wait for us to read on.
    running_close(&r->in);
}

static void lose_output(struct running *r, int error)
{
    if (!r->end->error) {
        r->end->error = error;
        r->end->at = SPAWN_AT_OUTPUT;
    }
    running_close(&r->out);
    running_stop(r, SIGKILL);
}

bool running_read(struct running *r, int *fd, bool is_stderr)
{
    uint8_t text[READ_BYTES];
    ssize_t n = read(*fd, text, sizeof(text));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n <= 0) {
        running_close(fd);
        return false;
    }
    if (is_stderr) {
        chunk_run_add_stderr(r->chunk, text, (size_t)n);
        return true;
    }
    int error = buf_add(r->output, text, (size_t)n);
    if (error == 0 && r->output->len > PROTO_RESULT_MAX)
        error = -ENOBUFS;
    if (error < 0)
        lose_output(r, error);
    return error == 0;
}

static void drain(struct running *r, int *fd, bool is_stderr)
{
    while (*fd >= 0) {
        struct pollfd p = {.fd = *fd, .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            break;
        running_read(r, fd, is_stderr);
    }
}

void running_drain(struct running *r)
{
    drain(r, &r->out, false);
    drain(r, &r->err, true);
}

bool running_take_signals(const struct running *r)
{
    struct signalfd_siginfo info;
    while (read(r->chunk->signals, &info, sizeof(info)) > 0)
        ;
    bool news = !r->end->cancelled && page_cancelled(r->chunk->page, r->chunk->serial);
    r->end->cancelled |= news;
    return news;
}

int running_wait_ms(const struct running *r, int64_t deadline)
{
    if (deadline == CLOCK_FOREVER)
        return -1;
    int64_t ms = (deadline - page_time(r->chunk->page) + NS_PER_MS - 1) / NS_PER_MS;
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}
