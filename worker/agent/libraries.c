#include "worker/agent/libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/grow.h"
#include "pipelines/library.h"
#include "pipelines/plan.h"

struct cached_library {
    LIST_ENTRY(cached_library) entry;
    uint8_t digest[DIGEST_BYTES];
    int fd;
    char *path; // not a copy: the file itself, held open for a job
    size_t bytes;
    uint64_t *jobs; // that use it
    size_t n_jobs;
};

struct library_file {
    LIST_ENTRY(library_file) entry;
    char *path;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    uint8_t digest[DIGEST_BYTES];
};

static void library_free(struct libraries *l, struct cached_library *copy)
{
    LIST_REMOVE(copy, entry);
    l->bytes -= copy->bytes;
    close(copy->fd);
    free(copy->jobs);
    free(copy->path);
    free(copy);
}

static void file_free(struct libraries *l, struct library_file *file)
{
    LIST_REMOVE(file, entry);
    l->n_files--;
    free(file->path);
    free(file);
}

void libraries_done(struct libraries *l)
{
    while (!LIST_EMPTY(&l->copies))
        library_free(l, LIST_FIRST(&l->copies));
    while (!LIST_EMPTY(&l->files))
        file_free(l, LIST_FIRST(&l->files));
}

static bool is_same(const struct library_file *file, const char *path, const struct stat *st)
{
    return strcmp(file->path, path) == 0 && file->device == st->st_dev &&
           file->inode == st->st_ino && file->size == st->st_size &&
           file->changed.tv_sec == st->st_ctim.tv_sec &&
           file->changed.tv_nsec == st->st_ctim.tv_nsec;
}

static void forget_oldest(struct libraries *l)
{
    struct library_file *file, *last = NULL;
    LIST_FOREACH (file, &l->files, entry)
        last = file;
    file_free(l, last);
}

static void remember(struct libraries *l, const char *path, const struct stat *st,
                     const uint8_t digest[DIGEST_BYTES])
{
    struct library_file *file = calloc(1, sizeof(*file));
    char *copy = strdup(path);
    if (!file || !copy) {
        free(file);
        free(copy);
        return; // it is read again the next time
    }
    *file = (struct library_file){.path = copy,
                                  .device = st->st_dev,
                                  .inode = st->st_ino,
                                  .size = st->st_size,
                                  .changed = st->st_ctim};
    memcpy(file->digest, digest, DIGEST_BYTES);
    LIST_INSERT_HEAD(&l->files, file, entry);
    if (++l->n_files > LIBRARIES_FILES_MAX)
        forget_oldest(l);
}

static bool is_at_path(struct libraries *l, const char *path, const uint8_t digest[DIGEST_BYTES])
{
    struct stat st;
    uint8_t found[DIGEST_BYTES];
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    const struct library_file *file;
    LIST_FOREACH (file, &l->files, entry)
        if (is_same(file, path, &st))
            return memcmp(file->digest, digest, DIGEST_BYTES) == 0;
    if (library_digest(path, found) < 0)
        return false;
    remember(l, path, &st, found);
    return memcmp(found, digest, DIGEST_BYTES) == 0;
}

static struct cached_library *find_copy(struct libraries *l, const uint8_t digest[DIGEST_BYTES])
{
    struct cached_library *copy;
    LIST_FOREACH (copy, &l->copies, entry)
        if (!copy->path && memcmp(copy->digest, digest, DIGEST_BYTES) == 0) {
            LIST_REMOVE(copy, entry);
            LIST_INSERT_HEAD(&l->copies, copy, entry);
            return copy;
        }
    return NULL;
}

static int note_use(struct cached_library *copy, uint64_t job)
{
    for (size_t i = 0; i < copy->n_jobs; i++)
        if (copy->jobs[i] == job)
            return 0;
    if (grow(copy->jobs, copy->n_jobs, 1) < 0)
        return -ENOMEM;
    copy->jobs[copy->n_jobs++] = job;
    return 0;
}

static int name_place(const struct cached_library *copy, char **ret_place)
{
    if (asprintf(ret_place, "/proc/%d/fd/%d", (int)getpid(), copy->fd) < 0) {
        *ret_place = NULL;
        return -ENOMEM;
    }
    return 1;
}

// A library that is too large to be copied: the file that is at the path now, whatever comes there
// later, for as long as the job lasts.
static int hold_file(struct libraries *l, uint64_t job, const char *path, char **ret_place)
{
    struct cached_library *held;
    LIST_FOREACH (held, &l->copies, entry)
        if (held->path && held->n_jobs && held->jobs[0] == job && strcmp(held->path, path) == 0)
            return name_place(held, ret_place);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 1; // its first use says so
    held = calloc(1, sizeof(*held));
    char *copy = strdup(path);
    if (!held || !copy || note_use(held, job) < 0) {
        free(held);
        free(copy);
        close(fd);
        return -ENOMEM;
    }
    held->fd = fd;
    held->path = copy;
    LIST_INSERT_HEAD(&l->copies, held, entry);
    return name_place(held, ret_place);
}

// Copies the file, which had the digest a moment ago. NULL: it has not, or there is no room.
static struct cached_library *copy_file(struct libraries *l, const struct stage *stage)
{
    _cleanup_(buf_done)
    struct buf bytes;
    struct err err;
    buf_init(&bytes, 0);
    if (library_read(stage->library, stage->digest, &bytes, &err) < 0 ||
        libraries_add(l, stage->digest, bytes.data, bytes.len) < 0)
        return NULL;
    return find_copy(l, stage->digest);
}

// 1: the library is at *ret_place; NULL: at its path. 0: this machine does not have it. Executors
// are forked at any time and open it then: the bytes that have the digest are kept until the job is
// over, whatever becomes of the file.
static int place(struct libraries *l, uint64_t job, const struct stage *stage, char **ret_place)
{
    if (!stage->library)
        return 1;
    // One without a digest was too large to be sent.
    if (digest_is_none(stage->digest))
        return hold_file(l, job, stage->library, ret_place);
    struct cached_library *copy = find_copy(l, stage->digest);
    if (!copy && is_at_path(l, stage->library, stage->digest)) {
        copy = copy_file(l, stage);
        if (!copy && is_at_path(l, stage->library, stage->digest))
            return hold_file(l, job, stage->library, ret_place);
    }
    if (!copy)
        return 0;
    int r = note_use(copy, job);
    return r < 0 ? r : name_place(copy, ret_place);
}

struct places {
    char *of[PLAN_STAGES_MAX]; // of each stage's library; NULL: its path
    bool any;
};

static void places_done(struct places *places)
{
    for (size_t i = 0; i < PLAN_STAGES_MAX; i++)
        free(places->of[i]);
}

int libraries_resolve(struct libraries *l, uint64_t job, const void *packed, size_t len,
                      struct buf *out, uint8_t ret_missing[DIGEST_BYTES], struct err *err)
{
    _cleanup_(plan_free_ptr)
    struct plan *plan = NULL;
    _cleanup_(places_done)
    struct places places = {0};
    const struct stage *stage;
    int r = plan_unpack_step(packed, len, &plan, err);
    if (r < 0)
        return r;
    for (uint64_t i = 0; (stage = plan_stage(plan, i)); i++) {
        r = place(l, job, stage, &places.of[i]);
        if (r == 0)
            memcpy(ret_missing, stage->digest, DIGEST_BYTES);
        if (r <= 0)
            return r < 0 ? err_sys(err, r, "a kernel's library") : 0;
        places.any |= places.of[i] != NULL;
    }
    // Unchanged if possible: what is packed again need not be the same to the byte.
    r = places.any ? plan_pack_step(plan, 0, places.of, out) : buf_add(out, packed, len);
    return r < 0 ? err_sys(err, r, "a step") : 1;
}

static bool make_room(struct libraries *l, size_t len)
{
    while (len + l->bytes > LIBRARIES_BYTES_MAX) {
        struct cached_library *copy, *oldest = NULL;
        LIST_FOREACH (copy, &l->copies, entry)
            if (!copy->n_jobs)
                oldest = copy;
        if (!oldest)
            return false;
        library_free(l, oldest);
    }
    return true;
}

int libraries_add(struct libraries *l, const uint8_t digest[DIGEST_BYTES], const void *data,
                  size_t len)
{
    uint8_t found[DIGEST_BYTES];
    digest_bytes(data, len, found);
    if (memcmp(found, digest, DIGEST_BYTES) != 0)
        return -EBADMSG;
    if (find_copy(l, digest))
        return 0;
    if (!make_room(l, len))
        return -ENOSPC;
    struct cached_library *copy = calloc(1, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    copy->fd = memfd_create("fanmill-kernel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r = copy->fd < 0 ? -errno : fd_write_all(copy->fd, data, len);
    if (r < 0) {
        if (copy->fd >= 0)
            close(copy->fd);
        free(copy);
        return r;
    }
    // What runs is what was checked.
    fcntl(copy->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    memcpy(copy->digest, digest, DIGEST_BYTES);
    copy->bytes = len;
    LIST_INSERT_HEAD(&l->copies, copy, entry);
    l->bytes += len;
    return 0;
}

void libraries_release(struct libraries *l, uint64_t job)
{
    struct cached_library *next;
    for (struct cached_library *copy = LIST_FIRST(&l->copies); copy; copy = next) {
        size_t kept = 0;
        next = LIST_NEXT(copy, entry);
        for (size_t i = 0; i < copy->n_jobs; i++)
            if (job && copy->jobs[i] != job)
                copy->jobs[kept++] = copy->jobs[i];
        copy->n_jobs = kept;
        if (copy->path && !kept)
            library_free(l, copy);
    }
}
