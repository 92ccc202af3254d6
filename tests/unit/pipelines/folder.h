// A temporary folder for a test, with files in it.
#pragma once
#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"

struct folder {
    char path[64];
    int fd;
};

static inline void folder_make(struct folder *f)
{
    snprintf(f->path, sizeof(f->path), "/tmp/fanmill-test-XXXXXX");
    cr_assert_not_null(mkdtemp(f->path));
    f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(f->fd, 0);
}

static inline void folder_file(const struct folder *f, const char *name, const void *data,
                               size_t len)
{
    int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_eq(fd_write_all(fd, data, len), 0);
    close(fd);
}

// The file's bytes and a NUL, in memory of its own; NULL if the file does not exist.
static inline char *folder_read(const struct folder *f, const char *name, size_t *ret_len)
{
    int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    off_t size = lseek(fd, 0, SEEK_END);
    char *data = calloc(1, (size_t)size + 1);
    *ret_len = (size_t)fd_pread_full(fd, data, (size_t)size, 0);
    close(fd);
    return data;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int kind,
                                    struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void folder_remove(struct folder *f)
{
    close(f->fd);
    nftw(f->path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
