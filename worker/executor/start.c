#include "worker/executor/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "worker/executor/chunk_run.h"
#include "worker/executor/spawn.h"
#include "worker/page.h"

#define HEAD_BYTES 256 // of a file, in which the kernel looks for an interpreter
#define BUSY_FIRST_MS 1
#define BUSY_MOST_MS 64
#define SHELL "/bin/sh"

struct child {
    const struct spawn *spawn;
    const char *path;
    char *const *argv;
    const struct start_files *files;
};

// Between vfork and exec: the parent's memory is ours, so only system calls, no library.
static _Noreturn void child_exec(const struct child *c, pid_t parent, volatile int *error,
                                 volatile enum start_at *at)
{
    const struct start_files *files = c->files;
    const struct spawn *s = c->spawn;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    if ((files->in >= 0 && dup2(files->in, STDIN_FILENO) < 0) ||
        dup2(files->out, STDOUT_FILENO) < 0 || dup2(files->err, STDERR_FILENO) < 0) {
        *error = errno;
        *at = START_AT_FILES;
        _exit(127);
    }
    if (s->directory && chdir(s->directory) < 0) {
        *error = errno;
        *at = START_AT_FOLDER;
        _exit(126);
    }
    if (s->nice)
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + (int)s->nice);
    sigprocmask(SIG_SETMASK, s->blocked, NULL);
    execve(c->path, c->argv, s->envp);
    *error = errno;
    *at = START_AT_PROGRAM;
    _exit(127);
}

static __attribute__((noinline)) pid_t child_start(const struct child *c, enum start_at *ret_at)
{
    volatile int error = 0;
    volatile enum start_at at = START_AT_FORK;
    pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid == 0)
        child_exec(c, parent, &error, &at);
    *ret_at = at;
    if (pid < 0)
        return -errno;
    if (error)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    return error ? -error : pid;
}

static int open_program(const char *path, const char *directory)
{
    _free_ char *joined = NULL;
    if (path[0] != '/' && asprintf(&joined, "%s/%s", directory ? directory : ".", path) < 0) {
        joined = NULL;
        return -1;
    }
    return open(joined ? joined : path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

// The first bytes of the file, ended by a NUL. -1: it can't be read.
static ssize_t read_head(const char *path, const char *directory, char head[HEAD_BYTES + 1])
{
    _close_ int fd = open_program(path, directory);
    ssize_t n = fd < 0 ? -1 : read(fd, head, HEAD_BYTES);
    head[n > 0 ? n : 0] = '\0';
    return n;
}

// What a shell takes for a script of its own: no NUL in the first line.
static bool is_script(const struct spawn *s)
{
    char head[HEAD_BYTES + 1];
    ssize_t n = read_head(s->path, s->directory, head);
    if (n < 0)
        return false;
    const char *end = memchr(head, '\n', (size_t)n);
    return !memchr(head, '\0', end ? (size_t)(end - head) : (size_t)n);
}

static char **shell_argv(const struct spawn *s)
{
    size_t n = 0;
    while (s->argv[n])
        n++;
    char **argv = calloc(n + 2, sizeof(*argv));
    static char shell[] = SHELL;
    if (!argv)
        return NULL;
    argv[0] = shell;
    memcpy(&argv[1], &s->path, sizeof(s->path)); // argv is not written to
    memcpy(&argv[2], &s->argv[1], n * sizeof(*argv));
    return argv;
}

// Until it is worth another try. False: the chunk was cancelled.
static bool wait_busy(const struct chunk_run *c, int ms)
{
    struct pollfd p = {.fd = c->signals, .events = POLLIN};
    struct signalfd_siginfo info;
    if (poll(&p, 1, ms) > 0)
        while (read(c->signals, &info, sizeof(info)) > 0)
            ;
    return !page_cancelled(c->page, c->serial);
}

bool start_is_refused(int error)
{
    return error == -EAGAIN || error == -ENOMEM || error == -ENFILE;
}

// Whether another try may do better, and how long it is worth waiting for that.
static int64_t patience(const struct chunk_run *c, int error)
{
    if (error == -ETXTBSY)
        return START_BUSY_NS;
    return start_is_refused(error) && c->has_run ? START_FULL_NS : 0;
}

pid_t start_program(struct chunk_run *c, const struct spawn *s, const struct start_files *files,
                    enum start_at *ret_at)
{
    struct child child = {.spawn = s, .path = s->path, .argv = s->argv, .files = files};
    _free_ char **argv = NULL;
    int64_t began = clock_now();
    int ms = BUSY_FIRST_MS;
    for (;;) {
        pid_t pid = child_start(&child, ret_at);
        if (pid > 0)
            return pid;
        if (pid == -ENOEXEC && *ret_at == START_AT_PROGRAM && !argv && is_script(s)) {
            argv = shell_argv(s);
            if (!argv)
                return -ENOMEM;
            child.path = SHELL;
            child.argv = argv;
        } else if (clock_now() - began >= patience(c, pid) || !wait_busy(c, ms)) {
            return pid;
        } else {
            ms = 2 * ms < BUSY_MOST_MS ? 2 * ms : BUSY_MOST_MS;
        }
    }
}

bool start_explain(const char *path, const char *directory, int error, char *ret, size_t size)
{
    char head[HEAD_BYTES + 1];
    ssize_t n = read_head(path, directory, head);
    if (n < 0 && (error == -ENOENT || error == -ENOTDIR))
        return false;
    if (error == -ETXTBSY) {
        snprintf(ret, size, "another process is writing to it");
    } else if (n > 2 && head[0] == '#' && head[1] == '!' && error != -ENOEXEC) {
        char *name = head + 2 + strspn(head + 2, " \t");
        name[strcspn(name, " \t\n")] = '\0';
        size_t len = strlen(name);
        bool cr = len > 0 && name[len - 1] == '\r';
        if (cr)
            name[len - 1] = '\0';
        if (cr)
            snprintf(ret, size,
                     "its lines end in CR LF, so its interpreter is taken for '%.160s\\r'", name);
        else if (access(name, X_OK) < 0)
            snprintf(ret, size, "its interpreter '%.160s': %s", name,
                     errno == ENOENT ? "not found" : strerror(errno));
        else
            snprintf(ret, size, "%s", strerror(-error));
    } else if (error == -ENOENT) {
        snprintf(ret, size, "the loader that it names is not on this machine");
    } else if (error == -ENOEXEC) {
        snprintf(ret, size, "it is neither a script nor a program for this machine");
    } else {
        snprintf(ret, size, "%s", strerror(-error));
    }
    return true;
}
