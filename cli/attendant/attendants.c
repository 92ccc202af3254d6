#include "cli/attendant/attendants.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/loop.h"
#include "base/cleanup.h"
#include "base/container.h"
#include "base/fd.h"
#include "base/signals.h"
#include "cli/attendant/forker.h"

struct attendants {
    struct watch watch;
    struct server *server;
    int control;
    pid_t forker;
    uint32_t at_work;
};

// Nothing of the coordinator's is its business: no lock, no key, no terminal.
static _Noreturn void be_forker(const char *endpoint, const struct confine *confine, int control,
                                pid_t parent)
{
    static struct forker_setup setup;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    setup.control = STDERR_FILENO + 1;
    setup.confine = confine;
    snprintf(setup.endpoint, sizeof(setup.endpoint), "%s", endpoint);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        (control != setup.control && dup3(control, setup.control, O_CLOEXEC) < 0))
        _exit(1);
    close_range((unsigned)setup.control + 1, ~0u, 0);
    setsid();
    prctl(PR_SET_NAME, "fanmill-forker");
    forker_main(&setup);
}

int attendants_start(const char *endpoint, const struct confine *confine, struct attendants **ret,
                     struct err *err)
{
    int ends[2];
    struct attendants *a = calloc(1, sizeof(*a));
    if (!a)
        return err_set(err, -ENOMEM, "out of memory");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        free(a);
        return err_sys(err, -errno, "can't make a socket");
    }
    fflush(NULL); // else buffered bytes would be written twice
    pid_t self = getpid();
    a->forker = fork();
    if (a->forker == 0)
        be_forker(endpoint, confine, ends[1], self);
    int code = -errno;
    close(ends[1]);
    if (a->forker < 0) {
        close(ends[0]);
        free(a);
        return err_sys(err, code, "can't start a process");
    }
    a->control = ends[0];
    *ret = a;
    return 0;
}

static void describe(const struct forker_news *news, char *text, size_t size)
{
    char death[SIGNAL_TEXT_MAX];
    if (news->code < 0)
        snprintf(text, size, "it can't be started: %s", strerror(-news->code));
    else if (WIFSIGNALED(news->status))
        snprintf(text, size, "killed by %s", signal_text(WTERMSIG(news->status), death));
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(news->status));
}

static void on_news(struct watch *watch, uint32_t events)
{
    struct attendants *a = container_of(watch, struct attendants, watch);
    struct forker_news news;
    char reason[128];
    int fd, r;
    (void)events;
    while ((r = forker_recv(a->control, &news, sizeof(news), &fd)) == 1) {
        a->at_work--;
        describe(&news, reason, sizeof(reason));
        server_attendant_died(a->server, news.job, reason);
    }
    if (r != -EAGAIN)
        watch_remove(watch); // the forker is gone; jobs that need it fail to begin
}

int attendants_watch(struct attendants *a, struct server *server)
{
    a->server = server;
    return watch_add(&a->watch, a->control, EPOLLIN, on_news);
}

int attendants_begin(void *arg, const struct attend_request *request, struct err *err)
{
    struct attendants *a = arg;
    struct forker_message m = {.request = FORKER_BEGIN,
                               .needs = request->needs,
                               .job = request->job,
                               .over_network = request->over_network};
    memcpy(m.session, request->session, sizeof(m.session));
    if (a->at_work >= ATTENDANTS_MAX)
        return err_set(err, -EAGAIN, "%u attendants are at work", ATTENDANTS_MAX);
    _close_ int plan = memfd_create("plan", MFD_CLOEXEC);
    int r = plan < 0 ? -errno : fd_write_all(plan, request->plan, request->plan_len);
    if (r == 0)
        r = forker_send(a->control, &m, sizeof(m), plan);
    if (r < 0)
        return err_sys(err, r == -EAGAIN ? -EIO : r,
                       "can't begin a process for the files of the job");
    a->at_work++;
    return 0;
}

void attendants_kill(void *arg, uint64_t job)
{
    struct attendants *a = arg;
    const struct forker_message m = {.request = FORKER_KILL, .job = job};
    forker_send(a->control, &m, sizeof(m), -1);
}

void attendants_unwatch(struct attendants *a)
{
    if (a)
        watch_remove(&a->watch);
}

struct attendants *attendants_free(struct attendants *a)
{
    if (!a)
        return NULL;
    close(a->control);
    while (waitpid(a->forker, NULL, 0) < 0 && errno == EINTR)
        ;
    free(a);
    return NULL;
}
