// Paths that mean a descriptor of the process that opens them: /dev/stdin, /dev/fd/63 of a shell's
// <(...). Another process has something else there, or nothing.
#pragma once
#include <stdbool.h>
#include <string.h>

static inline bool path_is_stdin(const char *path)
{
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0 ||
           strcmp(path, "/dev/fd/0") == 0 || strcmp(path, "/proc/self/fd/0") == 0;
}

// One that is written to.
static inline bool path_is_descriptor(const char *path)
{
    return strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0 ||
           strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/self/fd/", 14) == 0;
}

static inline bool path_is_own(const char *path)
{
    return path_is_stdin(path) || strncmp(path, "/dev/fd/", 8) == 0 ||
           strncmp(path, "/proc/self/", 11) == 0;
}
