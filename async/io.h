// Waiting for the outside: descriptors, children, signals. Every function here suspends, and
// returns the cause of a cancel like any await.
#pragma once
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Waits until one of the EPOLL* events occurs and returns them. One waiter for a descriptor
// (-EEXIST otherwise). A regular file is always ready.
int io_wait(int fd, uint32_t events);
// Waits, then reads once: bytes, or 0 at the end. The descriptor may be a blocking one.
ssize_t io_read(int fd, void *data, size_t len);
// Writes all of it, in pieces that don't block even when the descriptor is shared and blocking.
// 0 or negative errno (-EPIPE: no reader is left; SIGPIPE must be ignored).
int io_write(int fd, const void *data, size_t len);
// Waits for a child and reaps it. By pidfd; where the kernel has none, by SIGCHLD.
int child_wait(pid_t pid, int *ret_status);

// Signals as something to wait for. They stay blocked between open and close.
struct signals {
    int fd;
    sigset_t before;
};
// One that is ignored stays so: it never comes.
int signals_open(const int *list, size_t n, struct signals *ret);
// Waits for the next one and returns its number.
int signals_next(struct signals *s);
void signals_close(struct signals *s);
