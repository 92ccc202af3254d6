// The forker: forks attendants, kills and reaps them. Single-threaded, no loop, no context.
#include "cli/attendant/forker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signals.h"
#include "cli/attendant/attendant.h"
#include "cli/attendant/attendants.h"

struct child {
    uint64_t job;
    pid_t pid; // 0: free
};

struct forker {
    const struct forker_setup *setup;
    int signals;
    sigset_t before;
    struct child children[ATTENDANTS_MAX];
};

static struct child *child_of(struct forker *forker, uint64_t job)
{
    for (size_t i = 0; i < ATTENDANTS_MAX; i++)
        if (forker->children[i].pid && forker->children[i].job == job)
            return &forker->children[i];
    return NULL;
}

static _Noreturn void finish(struct forker *forker)
{
    for (size_t i = 0; i < ATTENDANTS_MAX; i++)
        if (forker->children[i].pid)
            kill(forker->children[i].pid, SIGKILL);
    // One that hangs in a dead file system can't be waited for.
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    _exit(0);
}

static void tell(struct forker *forker, const struct forker_news *news)
{
    if (forker_send(forker->setup->control, news, sizeof(*news), -1) < 0)
        finish(forker);
}

static _Noreturn void be_attendant(const struct forker *forker, const struct forker_message *m,
                                   int plan, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before the line above.
    if (getppid() != parent)
        _exit(1);
    close(forker->setup->control);
    close(forker->signals);
    sigprocmask(SIG_SETMASK, &forker->before, NULL);
    prctl(PR_SET_NAME, "fanmill-attend");
    exit(attendant_main(&(struct attendant){.endpoint = forker->setup->endpoint,
                                            .confine = forker->setup->confine,
                                            .session = m->session,
                                            .job = m->job,
                                            .needs = m->needs,
                                            .over_network = m->over_network,
                                            .plan_fd = plan}));
}

static void begin(struct forker *forker, const struct forker_message *m, int plan)
{
    struct child *child = NULL;
    for (size_t i = 0; i < ATTENDANTS_MAX && !child; i++)
        if (!forker->children[i].pid)
            child = &forker->children[i];
    pid_t self = getpid();
    errno = EAGAIN;
    pid_t pid = child ? fork() : -1;
    if (pid == 0)
        be_attendant(forker, m, plan, self);
    if (pid < 0)
        tell(forker, &(struct forker_news){.job = m->job, .code = -errno});
    else
        *child = (struct child){.job = m->job, .pid = pid};
}

static void serve(struct forker *forker)
{
    struct forker_message m;
    _close_ int fd = -1;
    int r = forker_recv(forker->setup->control, &m, sizeof(m), &fd);
    if (r == -EAGAIN)
        return;
    if (r != 1)
        finish(forker);
    const struct child *child = child_of(forker, m.job);
    if (m.request == FORKER_BEGIN)
        begin(forker, &m, fd);
    else if (child)
        kill(child->pid, SIGKILL);
}

static void reap(struct forker *forker)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;
    while (read(forker->signals, &info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < ATTENDANTS_MAX; i++) {
            struct child *child = &forker->children[i];
            if (child->pid != pid)
                continue;
            child->pid = 0;
            tell(forker, &(struct forker_news){.job = child->job, .status = status});
        }
}

void forker_main(const struct forker_setup *setup)
{
    struct forker forker = {.setup = setup};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    // Whoever ends the coordinator ends us by it; a Ctrl-C is not for us.
    signal_ignore(SIGINT);
    signal_ignore(SIGTERM);
    signal_ignore(SIGHUP);
    sigprocmask(SIG_BLOCK, &set, &forker.before);
    forker.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (forker.signals < 0)
        _exit(1);
    struct pollfd fds[] = {{.fd = setup->control, .events = POLLIN},
                           {.fd = forker.signals, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            finish(&forker);
        if (fds[1].revents)
            reap(&forker);
        if (fds[0].revents)
            serve(&forker);
    }
}
