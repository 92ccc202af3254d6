#include "pipelines/sink/part.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"

#define HOST_LETTERS 32
#define NAME_LETTERS 150 // of the target, that fit into NAME_MAX with the rest
#define START_FIELD 22   // of /proc/PID/stat: clock ticks since the machine's start
#define SUFFIX ".part"

static void host_name(char ret[HOST_LETTERS + 1])
{
    if (gethostname(ret, HOST_LETTERS) < 0)
        ret[0] = '\0';
    ret[HOST_LETTERS] = '\0';
    for (char *c = ret; *c; c++)
        if (*c == '.' || *c == '/')
            *c = '-';
}

// False: there is no such process, or nobody knows.
static bool start_of(uint64_t pid, uint64_t *ret)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);
    if (n < 0)
        return false;
    text[n] = '\0';
    char *at = strrchr(text, ')'); // the name before it may hold anything
    for (int field = 2; at && field < START_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return false;
    at[1 + strcspn(at + 1, " \n")] = '\0';
    return parse_u64(at + 1, ret) == 0;
}

char *part_name(const char *name, unsigned attempt)
{
    char host[HOST_LETTERS + 1];
    char *part = NULL;
    uint64_t start = 0;
    host_name(host);
    start_of((uint64_t)getpid(), &start);
    int r = attempt ? asprintf(&part, ".%.*s.%u.%s.%d.%llu" SUFFIX, NAME_LETTERS, name, attempt,
                               host, (int)getpid(), (unsigned long long)start)
                    : asprintf(&part, ".%.*s.%s.%d.%llu" SUFFIX, NAME_LETTERS, name, host,
                               (int)getpid(), (unsigned long long)start);
    return r < 0 ? NULL : part;
}

// Cuts the last word of a dotted name off and returns it.
static char *last_word(char *name)
{
    char *dot = strrchr(name, '.');
    if (!dot || dot == name)
        return NULL;
    *dot = '\0';
    return dot + 1;
}

static bool is_of_the_dead(const char *entry, const char *host)
{
    char name[NAME_MAX + 1];
    uint64_t pid, start, now;
    size_t len = strlen(entry), tail = strlen(SUFFIX);
    if (entry[0] != '.' || len <= tail || strcmp(entry + len - tail, SUFFIX) != 0 || len > NAME_MAX)
        return false;
    memcpy(name, entry, len - tail);
    name[len - tail] = '\0';
    const char *start_text = last_word(name);
    const char *pid_text = start_text ? last_word(name) : NULL;
    const char *of = pid_text ? last_word(name) : NULL;
    if (!of || strcmp(of, host) != 0 || parse_u64(start_text, &start) < 0 ||
        parse_u64(pid_text, &pid) < 0 || pid < 2 || pid > INT32_MAX ||
        access("/proc/self", F_OK) < 0)
        return false;
    return !start_of(pid, &now) || now != start;
}

void parts_clear(int folder, const char *name)
{
    char host[HOST_LETTERS + 1];
    size_t len = name ? strnlen(name, NAME_LETTERS) : 0;
    struct dirent *entry;
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir && fd >= 0)
        close(fd);
    if (!dir)
        return;
    host_name(host);
    while ((entry = readdir(dir)))
        if ((!name || (entry->d_name[0] == '.' && strncmp(entry->d_name + 1, name, len) == 0)) &&
            is_of_the_dead(entry->d_name, host))
            unlinkat(folder, entry->d_name, 0);
    closedir(dir);
}
