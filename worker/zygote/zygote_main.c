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

#include "base/clock.h"
#include "worker/executor/executor.h"
#include "worker/executor/sweep.h"
#include "worker/page.h"
#include "worker/zygote/zygote.h"

#define LEFTOVERS_NS (5 * NS_PER_S)

struct nursery {
    int control;
    int signals;
    struct page *pages;
    uint32_t slots_max;
    pid_t *pids;  // by slot; 0: no executor
    uint32_t n;   // slots that `pids` holds
    bool orphans; // killed ones may still have children to hand over
};

static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before the line above.
    if (getppid() != parent)
        _exit(1);
}

static void kill_slot(struct nursery *nursery, uint32_t slot)
{
    if (nursery->pids[slot] > 0)
        kill(nursery->pids[slot], SIGKILL);
    int32_t group = atomic_load(&nursery->pages[slot].group);
    if (group > 1)
        kill(-group, SIGKILL);
}

static _Noreturn void finish(struct nursery *nursery)
{
    for (uint32_t slot = 0; slot < nursery->n; slot++)
        kill_slot(nursery, slot);
    sweep_all(LEFTOVERS_NS);
    _exit(0);
}

static void tell(struct nursery *nursery, struct zygote_news *news)
{
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
        n = sendmsg(nursery->control, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        finish(nursery);
}

static int make_room(struct nursery *nursery, uint32_t slot)
{
    if (slot < nursery->n)
        return 0;
    uint32_t n = slot + 1 > 16 ? slot + 1 : 16;
    pid_t *pids = reallocarray(nursery->pids, n, sizeof(*pids));
    if (!pids)
        return -ENOMEM;
    memset(pids + nursery->n, 0, (n - nursery->n) * sizeof(*pids));
    nursery->pids = pids;
    nursery->n = n;
    return 0;
}

// Returns the agent's end of the socket, or negative errno.
static int fork_executor(struct nursery *nursery, uint32_t slot)
{
    int r = make_room(nursery, slot);
    if (r < 0)
        return r;
    if (nursery->pids[slot])
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
        free(nursery->pids);
        executor_main(ends[1], slot, &nursery->pages[slot]);
    }
    close(ends[1]);
    nursery->pids[slot] = pid;
    return ends[0];
}

static void serve(struct nursery *nursery, const struct nursery_request *request)
{
    uint32_t slot = request->slot;
    if (slot >= nursery->slots_max)
        return;
    if (request->request == ZYGOTE_FORK) {
        int fd = fork_executor(nursery, slot);
        struct zygote_news news = {.kind = fd < 0 ? ZYGOTE_FORK_FAILED : ZYGOTE_FORKED,
                                   .slot = slot,
                                   .pid = fd < 0 ? 0 : nursery->pids[slot],
                                   .code = fd < 0 ? fd : 0,
                                   .fd = fd < 0 ? -1 : fd};
        tell(nursery, &news);
        if (fd >= 0)
            close(fd);
    } else if (slot < nursery->n && nursery->pids[slot]) {
        if (request->request == ZYGOTE_KILL)
            kill_slot(nursery, slot);
        else if (request->request == ZYGOTE_NUDGE)
            kill(nursery->pids[slot], SIGUSR1);
        else if (request->request == ZYGOTE_FLUSH)
            kill(nursery->pids[slot], SIGURG);
    }
}

static bool is_executor(void *arg, pid_t pid)
{
    const struct nursery *nursery = arg;
    for (uint32_t slot = 0; slot < nursery->n; slot++)
        if (nursery->pids[slot] == pid)
            return true;
    return false;
}

static int64_t timeval_ns(const struct timeval *t)
{
    return t->tv_sec * NS_PER_S + t->tv_usec * NS_PER_US;
}

static void bury(struct nursery *nursery, uint32_t slot, int status, const struct rusage *usage)
{
    struct zygote_news news = {
        .kind = ZYGOTE_DIED,
        .slot = slot,
        .pid = nursery->pids[slot],
        .status = status,
        .fd = -1,
        .ending = {.outcome = OUTCOME_CRASH,
                   .code = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                   .cpu_ns = timeval_ns(&usage->ru_utime) + timeval_ns(&usage->ru_stime),
                   .maxrss_bytes = (uint64_t)usage->ru_maxrss * 1024}};
    nursery->pids[slot] = 0;
    kill_slot(nursery, slot);
    atomic_store(&nursery->pages[slot].group, 0);
    nursery->orphans = true;
    tell(nursery, &news);
}

static void reap(struct nursery *nursery)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        uint32_t slot = 0;
        while (slot < nursery->n && nursery->pids[slot] != pid)
            slot++;
        if (slot < nursery->n)
            bury(nursery, slot, status, &usage);
        else
            nursery->orphans = true;
    }
    // A living executor keeps its own orphans, so any other child is a dead one's. Its children
    // come to us when it is reaped, which brings us here again.
    if (nursery->orphans)
        nursery->orphans = sweep_kill(is_executor, nursery) > 0;
}

void nursery_run(int control, struct page *pages, uint32_t slots_max)
{
    struct nursery nursery = {.control = control, .pages = pages, .slots_max = slots_max};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    nursery.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (nursery.signals < 0)
        _exit(1);
    struct pollfd fds[] = {{.fd = control, .events = POLLIN},
                           {.fd = nursery.signals, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            finish(&nursery);
        if (fds[1].revents) {
            struct signalfd_siginfo info;
            while (read(nursery.signals, &info, sizeof(info)) > 0)
                if (info.ssi_signo == SIGTERM)
                    finish(&nursery);
            reap(&nursery);
        }
        if (fds[0].revents) {
            struct nursery_request request;
            ssize_t n = recv(control, &request, sizeof(request), MSG_DONTWAIT);
            if (n == sizeof(request))
                serve(&nursery, &request);
            else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
                finish(&nursery);
        }
    }
}
