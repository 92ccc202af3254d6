#include "worker/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define STAT_MAX 1024u
#define FIELD_BORN 19 // of stat, counted from the state, which follows the name

DEFINE_CLEANUP(DIR *, closedir)

// "PID (NAME) STATE PARENT ...": the name may hold anything, also ')'.
static int parse(char *text, struct process *ret)
{
    const char *name = strchr(text, '(');
    char *end = strrchr(text, ')');
    if (!name || !end || end < name || end[1] != ' ')
        return -EPROTO;
    struct process process = {.pid = (pid_t)strtol(text, NULL, 10), .state = end[2]};
    size_t len = (size_t)(end - name - 1);
    if (len >= sizeof(process.name))
        len = sizeof(process.name) - 1;
    memcpy(process.name, name + 1, len);
    char *at = end + 2;
    for (int field = 0; field <= FIELD_BORN; field++) {
        if (field == 1)
            process.parent = (pid_t)strtol(at, NULL, 10);
        if (field == FIELD_BORN)
            process.born = strtoull(at, NULL, 10);
        at = strchrnul(at, ' ');
        if (*at)
            at++;
    }
    *ret = process;
    return 0;
}

int process_read(pid_t pid, struct process *ret)
{
    char path[32];
    char text[STAT_MAX];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -ESRCH;
    text[n] = '\0';
    return parse(text, ret);
}

static int read_all(struct buf *ret)
{
    _cleanup_(closedir_ptr)
    DIR *proc = opendir("/proc");
    if (!proc)
        return -errno;
    const struct dirent *entry;
    while ((entry = readdir(proc))) {
        struct process process;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (process_read((pid_t)strtol(entry->d_name, NULL, 10), &process) < 0)
            continue;
        int r = buf_add(ret, &process, sizeof(process));
        if (r < 0)
            return r;
    }
    return 0;
}

int process_below(pid_t root, process_spare_fn *spare, void *arg, struct buf *ret)
{
    _cleanup_(buf_done)
    struct buf all = {0};
    int r = read_all(&all);
    struct process *list = (struct process *)(void *)all.data;
    size_t n = all.len / sizeof(*list);
    buf_clear(ret);
    // Level by level: the children of what was found last.
    size_t done = 0;
    for (pid_t parent = root; r == 0;) {
        for (size_t i = 0; i < n && r == 0 && ret->len < PROCESS_BELOW_MAX * sizeof(*list); i++) {
            if (list[i].parent != parent || list[i].state == 'Z' ||
                (parent == root && spare && spare(arg, list[i].pid)))
                continue;
            r = buf_add(ret, &list[i], sizeof(list[i]));
        }
        const struct process *found = (const struct process *)(const void *)ret->data;
        if (done >= ret->len / sizeof(*found) || done >= PROCESS_BELOW_MAX)
            break;
        parent = found[done++].pid;
    }
    return r;
}

// The kernel's own list of a task's children: decimal numbers, each followed by a blank. Absent on
// kernels built without CONFIG_PROC_CHILDREN.
static int listed(void (*each)(void *arg, pid_t pid), void *arg)
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
                each(arg, pid);
                pid = 0;
            }
        }
    return n < 0 ? -errno : 0;
}

void process_children(void (*each)(void *arg, pid_t pid), void *arg)
{
    _cleanup_(buf_done)
    struct buf all = {0};
    if (listed(each, arg) == 0 || read_all(&all) < 0)
        return;
    const struct process *list = (const struct process *)(const void *)all.data;
    pid_t self = getpid();
    for (size_t i = 0; i < all.len / sizeof(*list); i++)
        if (list[i].parent == self)
            each(arg, list[i].pid);
}
