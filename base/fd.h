// Descriptors: always close-on-exec, always whole writes.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Writes all of it, through EINTR and short writes. Blocking. 0 or negative errno.
int fd_write_all(int fd, const void *data, size_t len);
// Reads up to `len` bytes, through EINTR and short reads, until the end of the file. Blocking.
ssize_t fd_read_full(int fd, void *data, size_t len);
// As fd_read_full, at an offset.
ssize_t fd_pread_full(int fd, void *data, size_t len, off_t offset);
// A file without a name in the directory, for reading and writing. Blocking. Negative errno.
int fd_open_unnamed(const char *directory);
int fd_set_nonblock(int fd, bool on);
// Raises the soft limit of open files to the hard one. Never fails: too low a limit shows later.
void fd_raise_limit(void);
