#include "worker/executor/leftovers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "worker/executor/chunk_run.h"
#include "worker/executor/running.h"
#include "worker/executor/sweep.h"
#include "worker/executor/usage.h"
#include "worker/kept.h"
#include "worker/page.h"
#include "worker/process.h"

#define NAMES_MAX 3 // of processes, in a message

enum phase { WAITING, ENDING };

struct settling {
    struct running *r;
    enum phase phase;
    int64_t until; // of the phase
    bool any;      // a child lives that is not kept
    bool has_children;
};

static bool is_kept(void *arg, pid_t pid)
{
    const struct chunk_run *c = arg;
    return kept_find(c->kept, pid) != KEPT_NOT;
}

static void count_child(void *arg, pid_t pid)
{
    struct settling *s = arg;
    s->any = s->any || !is_kept(s->r->chunk, pid);
}

// Reaps what has ended. True while something lives that is not kept.
static bool still_lives(struct settling *s)
{
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, NULL, WNOHANG, &usage)) > 0 || (pid < 0 && errno == EINTR))
        if (pid > 0)
            usage_add(&s->r->chunk->ending, &usage);
    s->any = false;
    s->has_children = pid == 0;
    if (s->has_children)
        process_children(count_child, s);
    return s->any;
}

// "1 process that it left running ('sleep')".
static void name_them(const struct buf *processes, char *text, size_t size)
{
    const struct process *list = (const struct process *)(const void *)processes->data;
    size_t n = processes->len / sizeof(*list), named = 0;
    int at =
        snprintf(text, size, "%zu %s that it left running (", n, n == 1 ? "process" : "processes");
    for (size_t i = 0; i < n && named <= NAMES_MAX; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || strcmp(list[k].name, list[i].name) == 0;
        if (again)
            continue;
        if (named++ == NAMES_MAX)
            at += snprintf(text + at, size - (size_t)at, ", ...");
        else
            at += snprintf(text + at, size - (size_t)at, "%s'%s'", named > 1 ? ", " : "",
                           list[i].name);
    }
    snprintf(text + at, size - (size_t)at, ")");
}

// Tells what lives now, and what becomes of it. `ret`: struct process each.
static void tell(struct settling *s, const char *fate, struct buf *ret)
{
    char text[192];
    struct chunk_run *c = s->r->chunk;
    if (process_below(getpid(), is_kept, c, ret) < 0 || !ret->len)
        return;
    size_t n = ret->len / sizeof(struct process);
    name_them(ret, text, sizeof(text));
    chunk_run_note(c, "%s %s %s", text, n == 1 ? "was" : "were", fate);
    c->ending.leftovers += (uint32_t)n;
}

static bool keeps(const struct running *r)
{
    return r->spawn->leftovers == LEFTOVERS_KEEP || r->spawn->leftovers == LEFTOVERS_KEEP_FOREVER;
}

// What the environment marks as kept was meant to stay after a good end; this is none.
static void kill_them(struct settling *s)
{
    struct chunk_run *c = s->r->chunk;
    bool ended = keeps(s->r) ? sweep_all(kept_is_known, c->kept) : sweep_all(is_kept, c);
    if (!ended)
        chunk_run_note(c, "a process that it left running can't be ended");
}

static void keep_child(void *arg, pid_t pid)
{
    const struct settling *s = arg;
    enum kept_how how = s->r->spawn->leftovers == LEFTOVERS_KEEP_FOREVER ? KEPT_GOOD : KEPT_WORKER;
    kept_add(s->r->chunk->kept, pid, how);
}

// Before it is remembered, what is new is told from what earlier chunks left: by the table alone,
// since the environments of both say that they are kept.
static void keep_them(struct settling *s)
{
    _cleanup_(buf_done)
    struct buf found = {0};
    struct chunk_run *c = s->r->chunk;
    char text[192];
    if (process_below(getpid(), kept_is_known, c->kept, &found) < 0 || !found.len)
        return;
    size_t n = found.len / sizeof(struct process);
    name_them(&found, text, sizeof(text));
    chunk_run_note(c, "%s %s %s", text, n == 1 ? "stays" : "stay",
                   s->r->spawn->leftovers == LEFTOVERS_KEEP_FOREVER ? "for good"
                                                                    : "until the worker ends");
    c->ending.leftovers += (uint32_t)n;
    process_children(keep_child, s);
}

static void end_them(struct settling *s)
{
    _cleanup_(buf_done)
    struct buf found = {0};
    char fate[64];
    snprintf(fate, sizeof(fate), "ended after %g s", (double)s->r->spawn->leftovers_wait_ns / 1e9);
    tell(s, s->r->term_at == s->until ? "ended at the stage's timeout" : fate, &found);
    const struct process *list = (const struct process *)(const void *)found.data;
    for (size_t i = 0; i < found.len / sizeof(*list); i++) {
        kill(list[i].pid, SIGTERM);
        kill(list[i].pid, SIGCONT); // a stopped process would not hear it
    }
}

// False when the phase was the last one.
static bool next_phase(struct settling *s, bool lives)
{
    struct running *r = s->r;
    if (s->phase == WAITING && lives) {
        end_them(s);
        s->phase = ENDING;
        s->until = clock_after(page_time(s->r->chunk->page), SPAWN_GRACE_NS);
        return true;
    }
    if (lives)
        kill_them(s);
    else
        chunk_run_note(r->chunk, "its output is still held open by a process that it did not "
                                 "start, and was not waited for any longer");
    return false;
}

// Until all has ended and both outputs are closed.
static void wait_for_them(struct settling *s)
{
    struct running *r = s->r;
    for (;;) {
        bool lives = still_lives(s);
        // Killed ones hold nothing open, and what strangers hold is waited for once only.
        if (!lives && ((r->out < 0 && r->err < 0) || s->phase == ENDING))
            return;
        if (page_time(s->r->chunk->page) >= s->until && !next_phase(s, lives))
            return;
        struct pollfd fds[] = {{.fd = r->chunk->signals, .events = POLLIN},
                               {.fd = r->out, .events = POLLIN},
                               {.fd = r->err, .events = POLLIN}};
        if (poll(fds, 3, running_wait_ms(r, s->until)) < 0 && errno != EINTR)
            return;
        if (fds[1].revents && r->out >= 0)
            running_read(r, &r->out, false);
        if (fds[2].revents && r->err >= 0)
            running_read(r, &r->err, true);
        if (fds[0].revents && running_take_signals(r))
            s->until = page_time(s->r->chunk->page);
        if (r->end->error < 0)
            s->until = page_time(s->r->chunk->page);
    }
}

void leftovers_settle(struct running *r)
{
    struct settling s = {.r = r};
    bool lives = still_lives(&s);
    bool is_open = r->out >= 0 || r->err >= 0;
    if (keeps(r) ? !s.has_children : !lives && !is_open)
        return;
    if (r->end->timed_out || r->end->cancelled || r->end->error < 0) {
        // They have had their TERM, and it is known why.
        kill_them(&s);
        running_drain(r);
        return;
    }
    _cleanup_(buf_done)
    struct buf found = {0};
    switch (r->spawn->leftovers) {
    case LEFTOVERS_KEEP:
    case LEFTOVERS_KEEP_FOREVER:
        keep_them(&s);
        break;
    case LEFTOVERS_KILL:
        tell(&s, "ended at once, as leftovers: kill asks", &found);
        kill_them(&s);
        break;
    case LEFTOVERS_WAIT:
        s.until = clock_after(page_time(r->chunk->page), r->spawn->leftovers_wait_ns);
        if (r->term_at < s.until)
            s.until = r->term_at;
        wait_for_them(&s);
        break;
    }
    running_drain(r);
}
