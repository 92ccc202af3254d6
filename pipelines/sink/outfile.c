#include "pipelines/sink/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define PART_TRIES 8

static int file_error(struct err *err, int code, const char *path)
{
    return err_sys(err, code, "'%s'", path);
}

// Next to the target, so that the rename stays on one file system; hidden, so that no glob matches
// it.
static int open_part(struct outfile *file, struct err *err)
{
    const char *slash = strrchr(file->path, '/');
    int folder = slash ? (int)(slash - file->path) + 1 : 0;
    for (int i = 0; i < PART_TRIES; i++) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
            return file_error(err, -EIO, file->path);
        if (asprintf(&file->part, "%.*s.%s.%012" PRIx64 ".part", folder, file->path,
                     file->path + folder, random >> 16) < 0) {
            file->part = NULL;
            return file_error(err, -ENOMEM, file->path);
        }
        file->fd = open(file->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->fd >= 0)
            return 0;
        int code = -errno;
        free(file->part);
        file->part = NULL;
        if (code != -EEXIST)
            return file_error(err, code, file->path);
    }
    return file_error(err, -EEXIST, file->path);
}

static int open_in_place(struct outfile *file, int flags, struct err *err)
{
    file->fd = open(file->path, O_WRONLY | O_CLOEXEC | flags, 0666);
    return file->fd < 0 ? file_error(err, -errno, file->path) : 0;
}

int outfile_open(struct outfile *file, const char *path, enum if_exists if_exists, struct err *err)
{
    struct stat st;
    *file = (struct outfile){.fd = -1, .if_exists = if_exists};
    bool exists = stat(path, &st) == 0;
    if (!exists && errno != ENOENT)
        return file_error(err, -errno, path);
    if (exists && if_exists == EXISTS_SKIP)
        return 1;
    if (exists && if_exists == EXISTS_ERROR)
        return err_set(err, -EEXIST, "'%s' already exists (if_exists: error)", path);
    if (exists && S_ISDIR(st.st_mode))
        return file_error(err, -EISDIR, path);
    // A link stays a link: what it names is replaced.
    file->path = exists ? realpath(path, NULL) : strdup(path);
    if (!file->path)
        return file_error(err, -errno, path);
    if (if_exists == EXISTS_APPEND)
        return open_in_place(file, O_APPEND | O_CREAT, err);
    if (exists && !S_ISREG(st.st_mode))
        return open_in_place(file, 0, err);
    int r = open_part(file, err);
    if (r == 0 && exists)
        fchmod(file->fd, st.st_mode & 07777); // as it was, if that may be
    return r;
}

int outfile_write(struct outfile *file, const void *data, size_t len, struct err *err)
{
    int r = fd_write_all(file->fd, data, len);
    return r < 0 ? file_error(err, r, file->path) : 0;
}

static int put_in_place(const struct outfile *file)
{
    if (file->if_exists == EXISTS_ERROR) {
        // The target may have been created meanwhile.
        if (renameat2(AT_FDCWD, file->part, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -errno;
    }
    return rename(file->part, file->path) < 0 ? -errno : 0;
}

int outfile_finish(struct outfile *file, bool durable, struct err *err)
{
    int r = 0;
    if (file->part && durable && fdatasync(file->fd) < 0 && errno != EINVAL && errno != EROFS)
        r = -errno;
    // Some file systems report a full disk only now.
    if (close(file->fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    file->fd = -1;
    if (r == 0 && file->part)
        r = put_in_place(file);
    if (r < 0)
        return file_error(err, r, file->path);
    free(file->part);
    file->part = NULL;
    outfile_done(file);
    return 0;
}

void outfile_done(struct outfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->part)
        unlink(file->part);
    free(file->part);
    free(file->path);
    *file = OUTFILE_INIT;
}
