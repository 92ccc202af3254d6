#include "worker/zygote/zygote_main.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/grow.h"
#include "worker/executor/executor.h"
#include "worker/executor/sweep.h"
#include "worker/executor/usage.h"
#include "worker/page.h"
#include "worker/process.h"
#include "worker/zygote/zygote.h"

#define PASSES_MAX 16 // over all processes, for those that are born while they are stopped

struct forker {
    int control;
    uint32_t life;
    int signals;
    sigset_t before; // what is blocked in the programs that executors start
    struct shared *shared;
    pid_t *pids;       // by slot; 0: no executor
    uint32_t n;        // slots that `pids` holds
    struct buf paused; // pid_t each: stopped by ZYGOTE_PAUSE
    bool orphans;      // killed ones may still have children to hand over
};

static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before the line above.
    if (getppid() != parent)
        _exit(1);
}

static void kill_slot(struct forker *forker, uint32_t slot)
{
    if (forker->pids[slot] > 0)
        kill(forker->pids[slot], SIGKILL);
    int32_t group = atomic_load(&forker->shared->pages[slot].group);
    if (group > 1)
        kill(-group, SIGKILL);
}

static _Noreturn void finish(struct forker *forker)
{
    for (uint32_t slot = 0; slot < forker->n; slot++)
        kill_slot(forker, slot);
    sweep_all(kept_for_good, &forker->shared->kept);
    _exit(0);
}

static void send_news(struct forker *forker, struct zygote_news *news)
{
    news->life = forker->life;
    struct iovec bytes = {news, sizeof(*news)};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (news->fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &news->fd, sizeof(int));
    }
    // Blocks while the agent is busy: it never blocks on us.
    ssize_t n;
    do {
        n = sendmsg(forker->control, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        finish(forker);
}

static int make_room(struct forker *forker, uint32_t slot)
{
    if (slot < forker->n)
        return 0;
    uint32_t more = slot + 1 - forker->n;
    if (grow(forker->pids, forker->n, more) < 0)
        return -ENOMEM;
    memset(forker->pids + forker->n, 0, more * sizeof(*forker->pids));
    forker->n += more;
    return 0;
}

// Returns the agent's end of the socket, or negative errno.
static int fork_executor(struct forker *forker, uint32_t slot)
{
    int r = make_room(forker, slot);
    if (r < 0)
        return r;
    if (forker->pids[slot])
        return -EBUSY;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        r = -errno;
        close(ends[0]);
        close(ends[1]);
        return r;
    }
    if (pid == 0) {
        die_with(self);
        free(forker->pids);
        sigprocmask(SIG_SETMASK, &forker->before, NULL);
        executor_main(ends[1], slot, &forker->shared->pages[slot], &forker->shared->kept);
    }
    close(ends[1]);
    forker->pids[slot] = pid;
    if (slot >= atomic_load(&forker->shared->slots_used))
        atomic_store(&forker->shared->slots_used, slot + 1);
    return ends[0];
}

static bool is_paused(const struct forker *forker, pid_t pid)
{
    const pid_t *list = (const pid_t *)(const void *)forker->paused.data;
    for (size_t i = 0; i < forker->paused.len / sizeof(*list); i++)
        if (list[i] == pid)
            return true;
    return false;
}

// Stops what runs below us and is not stopped already. Parents come before children, so that what
// was found has no new ones; what was born meanwhile is found by the next pass. Returns how many.
static size_t stop_below(struct forker *forker)
{
    _cleanup_(buf_done)
    struct buf found = {0};
    size_t n = 0;
    if (process_below(getpid(), NULL, NULL, &found) < 0)
        return 0;
    const struct process *list = (const struct process *)(const void *)found.data;
    for (size_t i = 0; i < found.len / sizeof(*list); i++) {
        if (list[i].state == 'T' || is_paused(forker, list[i].pid) ||
            buf_add(&forker->paused, &list[i].pid, sizeof(list[i].pid)) < 0)
            continue;
        kill(list[i].pid, SIGSTOP);
        n++;
    }
    return n;
}

static void pause_all(struct forker *forker)
{
    for (int i = 0; i < PASSES_MAX && stop_below(forker) > 0; i++)
        ;
}

// The last ones first: a program must not miss how its child goes on.
static void resume_all(struct forker *forker)
{
    const pid_t *list = (const pid_t *)(const void *)forker->paused.data;
    for (size_t i = forker->paused.len / sizeof(*list); i-- > 0;)
        kill(list[i], SIGCONT);
    buf_clear(&forker->paused);
}

static void serve(struct forker *forker, const struct zygote_message *request)
{
    uint32_t slot = request->slot;
    if (slot >= PROTO_SLOTS_MAX || request->life != forker->life)
        return;
    if (request->request == ZYGOTE_PAUSE)
        pause_all(forker);
    else if (request->request == ZYGOTE_RESUME)
        resume_all(forker);
    if (request->request == ZYGOTE_FORK) {
        int fd = fork_executor(forker, slot);
        struct zygote_news news = {.kind = fd < 0 ? ZYGOTE_FORK_FAILED : ZYGOTE_FORKED,
                                   .slot = slot,
                                   .pid = fd < 0 ? 0 : forker->pids[slot],
                                   .code = fd < 0 ? fd : 0,
                                   .fd = fd < 0 ? -1 : fd};
        send_news(forker, &news);
        if (fd >= 0)
            close(fd);
    } else if (slot < forker->n && forker->pids[slot]) {
        if (request->request == ZYGOTE_KILL)
            kill_slot(forker, slot);
        else if (request->request == ZYGOTE_NUDGE)
            kill(forker->pids[slot], SIGUSR1);
        else if (request->request == ZYGOTE_FLUSH)
            kill(forker->pids[slot], SIGURG);
    }
}

static bool is_wanted(void *arg, pid_t pid)
{
    const struct forker *forker = arg;
    for (uint32_t slot = 0; slot < forker->n; slot++)
        if (forker->pids[slot] == pid)
            return true;
    return kept_find(&forker->shared->kept, pid) != KEPT_NOT;
}

static void bury(struct forker *forker, uint32_t slot, int status, const struct rusage *usage)
{
    struct zygote_news news = {
        .kind = ZYGOTE_DIED,
        .slot = slot,
        .pid = forker->pids[slot],
        .status = status,
        .fd = -1,
        .ending = {.outcome = OUTCOME_CRASH, .code = WIFSIGNALED(status) ? WTERMSIG(status) : 0}};
    usage_add(&news.ending, usage);
    forker->pids[slot] = 0;
    kill_slot(forker, slot);
    atomic_store(&forker->shared->pages[slot].group, 0);
    forker->orphans = true;
    send_news(forker, &news);
}

static void reap(struct forker *forker)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        uint32_t slot = 0;
        while (slot < forker->n && forker->pids[slot] != pid)
            slot++;
        if (slot < forker->n)
            bury(forker, slot, status, &usage);
        else
            forker->orphans = true;
    }
    // A living executor keeps its own orphans, so any other child is a dead one's, and ended unless
    // it is kept. Its children
    // come to us when it is reaped, which brings us here again.
    if (forker->orphans)
        forker->orphans = sweep_kill(is_wanted, forker) > 0;
}

void zygote_main(int control, struct shared *shared, uint32_t life)
{
    struct forker forker = {.control = control, .shared = shared, .life = life};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &forker.before);
    forker.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (forker.signals < 0)
        _exit(1);
    if (life > 1)
        send_news(&forker, &(struct zygote_news){.kind = ZYGOTE_RENEWED, .fd = -1});
    struct pollfd fds[] = {{.fd = control, .events = POLLIN},
                           {.fd = forker.signals, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            finish(&forker);
        if (fds[1].revents) {
            struct signalfd_siginfo info;
            while (read(forker.signals, &info, sizeof(info)) > 0)
                if (info.ssi_signo == SIGTERM)
                    finish(&forker);
            reap(&forker);
        }
        if (fds[0].revents) {
            struct zygote_message request;
            ssize_t n = recv(control, &request, sizeof(request), MSG_DONTWAIT);
            if (n == sizeof(request))
                serve(&forker, &request);
            else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
                finish(&forker);
        }
    }
}
