#include "worker/zygote/zygote.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/signals.h"
#include "proto/limits.h"
#include "worker/executor/sweep.h"
#include "worker/jobserver.h"
#include "worker/page.h"
#include "worker/zygote/keeper.h"
#include "worker/zygote/zygote_main.h"

#define HIGH_FD 16 // above all numbers with a fixed meaning

struct zygote {
    pid_t pid;
    int fd;
    struct shared *shared;
    uint32_t life;
};

static void shared_unmap(struct shared **shared)
{
    if (*shared)
        munmap(*shared, sizeof(**shared));
}

// Handlers are ours; what is ignored or blocked was so when the program was started, and commands
// get it so: nohup, and `trap '' INT` of a script, reach them.
static void signals_reset(void)
{
    for (int number = 1; number < NSIG; number++)
        if (!signal_is_ignored(number))
            signal_default(number);
}

// Descriptor 0 reads nothing, 1 is 2: a kernel that prints must not mix with results.
static void standard_files(int null)
{
    dup2(null, STDIN_FILENO);
    if (fcntl(STDERR_FILENO, F_GETFD) < 0)
        dup2(null, STDERR_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

static _Noreturn void be_keeper(int control, int null, struct shared *shared,
                                const struct jobserver *js)
{
    setsid();
    prctl(PR_SET_NAME, "fanmill-keeper");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signals_reset();
    if (control <= JOBSERVER_PASS_WRITE) {
        control = fcntl(control, F_DUPFD_CLOEXEC, HIGH_FD);
        if (control < 0)
            _exit(1);
    }
    standard_files(null);
    int free_from =
        js && jobserver_pass_on(js, HIGH_FD) ? JOBSERVER_PASS_WRITE + 1 : STDERR_FILENO + 2;
    if (control != STDERR_FILENO + 1) {
        dup3(control, STDERR_FILENO + 1, O_CLOEXEC);
        control = STDERR_FILENO + 1;
    }
    close_range((unsigned)free_from, ~0u, 0);
    keeper_main(control, shared);
}

int zygote_fork(const struct jobserver *js, struct zygote **ret, struct err *err)
{
    _cleanup_(shared_unmap)
    struct shared *shared = NULL;
    void *mapped = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        return err_sys(err, -errno, "no memory to share with the executors");
    shared = mapped;
    _free_ struct zygote *zygote = calloc(1, sizeof(*zygote));
    if (!zygote)
        return err_sys(err, -ENOMEM, "zygote");
    _close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return err_sys(err, -errno, "can't open /dev/null, which commands get as their input");
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_sys(err, -errno, "can't make a socket to the zygote");
    _close_ int ours = ends[0];
    _close_ int theirs = ends[1];
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fflush(NULL); // what is buffered would be written twice
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(err, -errno, "can't fork the zygote");
    if (pid == 0)
        be_keeper(theirs, null, shared, js);
    zygote->pid = pid;
    zygote->life = 1;
    zygote->fd = take_fd(ours);
    zygote->shared = take(shared);
    *ret = take(zygote);
    return 0;
}

struct zygote *zygote_free(struct zygote *zygote)
{
    if (!zygote)
        return NULL;
    close(zygote->fd);
    int status = 0;
    while (waitpid(zygote->pid, &status, 0) < 0 && errno == EINTR)
        ;
    // A zygote that was killed left its executors, groups and orphans to us.
    if (!WIFEXITED(status)) {
        for (uint32_t slot = 0; slot < atomic_load(&zygote->shared->slots_used); slot++) {
            int32_t group = atomic_load(&zygote->shared->pages[slot].group);
            if (group > 1)
                kill(-group, SIGKILL);
        }
        sweep_all(kept_for_good, &zygote->shared->kept);
    }
    munmap(zygote->shared, sizeof(*zygote->shared));
    free(zygote);
    return NULL;
}

pid_t zygote_keeper(const struct zygote *zygote)
{
    return zygote->pid;
}

int zygote_fd(const struct zygote *zygote)
{
    return zygote->fd;
}

struct page *zygote_page(const struct zygote *zygote, uint32_t slot)
{
    assert(slot < PROTO_SLOTS_MAX);
    return &zygote->shared->pages[slot];
}

int zygote_ask(struct zygote *zygote, enum zygote_request request, uint32_t slot)
{
    struct zygote_message message = {.request = request, .slot = slot, .life = zygote->life};
    ssize_t n;
    do {
        n = send(zygote->fd, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : -EPIPE;
    return 0;
}

static int passed_fd(struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
        control->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(control), sizeof(fd));
    return fd;
}

int zygote_next(struct zygote *zygote, struct zygote_news *ret)
{
    struct zygote_news news;
    struct iovec bytes = {&news, sizeof(news)};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t n;
    do {
        n = recvmsg(zygote->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return -EAGAIN;
    if (n != sizeof(news))
        return -EPIPE;
    news.fd = passed_fd(&message);
    if (news.kind == ZYGOTE_RENEWED)
        zygote->life = news.life;
    *ret = news;
    return 1;
}
