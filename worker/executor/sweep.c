#include "worker/executor/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

// A round of killing can miss a process that is just being born; the next round gets it.
#define ROUND_NS (2 * NS_PER_MS)
#define SWEEP_NS (5 * NS_PER_S)

struct sweep {
    sweep_spare_fn *spare;
    void *arg;
    int killed;
};

DEFINE_CLEANUP(DIR *, closedir)

static void kill_child(struct sweep *sweep, pid_t pid)
{
    if (sweep->spare && sweep->spare(sweep->arg, pid))
        return;
    if (kill(pid, SIGKILL) == 0)
        sweep->killed++;
}

// The kernel's own list of a task's children: decimal pids, each followed by a blank. Absent on
// kernels built without CONFIG_PROC_CHILDREN.
static int kill_listed(struct sweep *sweep)
{
    _close_ int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char text[4096];
    pid_t pid = 0;
    ssize_t n;
    while ((n = read(fd, text, sizeof(text))) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid > 0) {
                kill_child(sweep, pid);
                pid = 0;
            }
        }
    return n < 0 ? -errno : 0;
}

// Field 4 of /proc/PID/stat, after the last ')': the name may hold anything.
static pid_t parent_of(int proc_fd, const char *pid)
{
    char path[64];
    snprintf(path, sizeof(path), "%.20s/stat", pid);
    _close_ int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    char text[512];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    if (!at || strlen(at) < 4)
        return -1;
    return (pid_t)strtol(at + 4, NULL, 10);
}

static void kill_found(struct sweep *sweep)
{
    _cleanup_(closedir_ptr)
    DIR *proc = opendir("/proc");
    if (!proc)
        return;
    pid_t self = getpid();
    const struct dirent *entry;
    while ((entry = readdir(proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (parent_of(dirfd(proc), entry->d_name) == self)
            kill_child(sweep, (pid_t)strtol(entry->d_name, NULL, 10));
    }
}

int sweep_kill(sweep_spare_fn *spare, void *arg)
{
    struct sweep sweep = {.spare = spare, .arg = arg};
    if (kill_listed(&sweep) < 0)
        kill_found(&sweep);
    return sweep.killed;
}

bool sweep_all(void)
{
    int64_t deadline = clock_after(clock_now(), SWEEP_NS);
    for (;;) {
        sweep_kill(NULL, NULL);
        pid_t pid;
        do {
            pid = waitpid(-1, NULL, WNOHANG);
        } while (pid > 0 || (pid < 0 && errno == EINTR));
        if (pid < 0)
            return true;
        if (clock_now() >= deadline)
            return false;
        // A killed child is gone in well under a round; this only keeps the loop from spinning.
        struct timespec round = {.tv_nsec = ROUND_NS};
        nanosleep(&round, NULL);
    }
}
