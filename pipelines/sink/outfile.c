#include "pipelines/sink/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "pipelines/fence.h"
#include "pipelines/sink/part.h"

#define PART_TRIES 8

static int file_error(struct err *err, int code, const char *path)
{
    return err_sys(err, code, "'%s'", path);
}

// ---- streams

// The descriptor of ours that a path means; -1: it means a file. Opened by name again, it would
// begin at the start of what it was led to, or not open at all.
static int own_descriptor(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    uint64_t fd;
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        size_t len = strlen(folders[i]);
        if (strncmp(path, folders[i], len) == 0 && parse_u64(path + len, &fd) == 0 &&
            fd <= INT32_MAX)
            return (int)fd;
    }
    return -1;
}

static int open_own(struct outfile *file, int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);
    file->fd = flags < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (file->fd < 0)
        return file_error(err, -errno, file->path);
    if ((flags & O_ACCMODE) == O_RDONLY)
        return err_set(err, -EBADF, "'%s' is not open for writing", file->path);
    return 0;
}

static int open_stream(struct outfile *file, const char *path, struct err *err)
{
    file->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return file->fd < 0 ? file_error(err, -errno, path) : 0;
}

// ---- files

static int open_in_place(struct outfile *file, int flags, struct err *err)
{
    file->in_place = true;
    file->fd = openat(file->folder, file->name,
                      O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | flags, 0666);
    return file->fd < 0 ? file_error(err, -errno, file->path) : 0;
}

static int open_named_part(struct outfile *file, struct err *err)
{
    for (unsigned i = 0; i < PART_TRIES; i++) {
        file->part = part_name(file->name, i);
        if (!file->part)
            return file_error(err, -ENOMEM, file->path);
        file->fd = openat(file->folder, file->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->fd >= 0)
            return 0;
        int code = -errno;
        free(take(file->part));
        if (code != -EEXIST)
            return file_error(err, code, file->path);
    }
    return file_error(err, -EEXIST, file->path);
}

// Without a name nothing is left behind by whoever is killed. Not all file systems can; giving it
// its name later needs /proc.
static int open_part(struct outfile *file, struct err *err)
{
    file->fd = access("/proc/self/fd", F_OK) < 0
                   ? -1
                   : openat(file->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    return file->fd >= 0 ? 0 : open_named_part(file, err);
}

static int open_here(struct outfile *file, struct err *err)
{
    struct stat st;
    bool exists = fstatat(file->folder, file->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno != ENOENT)
        return file_error(err, -errno, file->path);
    if (exists && file->if_exists == EXISTS_SKIP)
        return 1;
    if (exists && file->if_exists == EXISTS_ERROR)
        return err_set(err, -EEXIST, "'%s' already exists (if_exists: error)", file->path);
    if (exists && S_ISDIR(st.st_mode))
        return file_error(err, -EISDIR, file->path);
    if (file->if_exists == EXISTS_APPEND)
        return open_in_place(file, O_APPEND | O_CREAT, err);
    if (exists && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return open_in_place(file, 0, err);
    int r = open_part(file, err);
    if (r == 0 && exists && S_ISREG(st.st_mode))
        fchmod(file->fd, st.st_mode & 07777); // as it was, if that may be
    return r;
}

int outfile_open_at(struct outfile *file, int folder, const char *name, const char *path,
                    enum if_exists if_exists, struct err *err)
{
    *file = (struct outfile){.fd = -1,
                             .folder = folder,
                             .name = strdup(name),
                             .path = strdup(path),
                             .if_exists = if_exists};
    int r = file->name && file->path ? open_here(file, err) : file_error(err, -ENOMEM, path);
    if (r != 0)
        outfile_done(file);
    return r;
}

static int open_folder(struct outfile *file, const struct plan *plan, char *real, const char *path,
                       struct err *err)
{
    char *slash = strrchr(real, '/');
    file->name = strdup(slash ? slash + 1 : real);
    if (slash)
        slash[slash == real] = '\0';
    file->folder = open(slash ? real : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!file->name || file->folder < 0)
        return file_error(err, file->name ? -errno : -ENOMEM, path);
    int r = fence_check(plan, file->folder, path, err);
    if (r == 0)
        parts_clear(file->folder, file->name);
    return r;
}

int outfile_open(struct outfile *file, const struct plan *plan, const char *path, struct err *err)
{
    struct stat st;
    int own = own_descriptor(path);
    *file = (struct outfile){
        .fd = -1, .folder = -1, .path = strdup(path), .if_exists = plan->sink.if_exists};
    bool exists = stat(path, &st) == 0;
    // A link stays a link: what it names is replaced.
    _free_ char *real = !exists || own >= 0 ? strdup(path) : realpath(path, NULL);
    int r = 0;
    if (!file->path || (!exists && own < 0 && errno != ENOENT))
        r = file_error(err, file->path ? -errno : -ENOMEM, path);
    else if (own >= 0)
        r = open_own(file, own, err);
    else if (exists && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        r = open_stream(file, path, err);
    else if (!real)
        r = file_error(err, -errno, path);
    else
        r = open_folder(file, plan, real, path, err);
    if (r == 0 && file->fd < 0)
        r = open_here(file, err);
    if (r != 0)
        outfile_done(file);
    return r;
}

int outfile_write(struct outfile *file, const void *data, size_t len, struct err *err)
{
    int r = fd_write_all(file->fd, data, len);
    return r < 0 ? file_error(err, r, file->path) : 0;
}

static int put_in_place(const struct outfile *file, const char *part)
{
    if (file->if_exists == EXISTS_ERROR) {
        // The target may have been created meanwhile.
        if (renameat2(file->folder, part, file->folder, file->name, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -errno;
    }
    return renameat(file->folder, part, file->folder, file->name) < 0 ? -errno : 0;
}

// A file without a name gets it; one that is there must be renamed over.
static int give_name(const struct outfile *file)
{
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
    if (linkat(AT_FDCWD, self, file->folder, file->name, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != EEXIST || file->if_exists == EXISTS_ERROR)
        return -errno;
    int r = -EEXIST;
    for (unsigned i = 0; i < PART_TRIES && r == -EEXIST; i++) {
        _free_ char *part = part_name(file->name, i);
        if (!part)
            return -ENOMEM;
        r = linkat(AT_FDCWD, self, file->folder, part, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
        if (r == 0 && (r = put_in_place(file, part)) < 0)
            unlinkat(file->folder, part, 0);
    }
    return r;
}

int outfile_finish(struct outfile *file, bool durable, struct err *err)
{
    int r = 0;
    bool in_place = file->folder < 0 || file->in_place;
    if (!in_place && durable && fdatasync(file->fd) < 0 && errno != EINVAL && errno != EROFS)
        r = -errno;
    if (r == 0 && !in_place && !file->part)
        r = give_name(file);
    // Some file systems report a full disk only now.
    if (close(file->fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    file->fd = -1;
    if (r == 0 && file->part)
        r = put_in_place(file, file->part);
    if (r < 0)
        return file_error(err, r, file->path);
    free(take(file->part));
    outfile_done(file);
    return 0;
}

void outfile_done(struct outfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->part)
        unlinkat(file->folder, file->part, 0);
    if (file->folder >= 0)
        close(file->folder);
    free(file->part);
    free(file->name);
    free(file->path);
    *file = OUTFILE_INIT;
}
