#include "coordinator/page_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/grow.h"

struct page_file {
    const char *directory;
    int fd;      // -1: none yet
    int64_t end; // of the places
    uint64_t bytes;
    struct {
        int64_t *free; // with room for all places of that size, so that giving back can't fail
        size_t n_free;
        size_t n;
    } places[PAGE_FILE_SIZES];
};

int page_file_new(const char *directory, struct page_file **ret)
{
    struct page_file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    file->directory = directory;
    file->fd = -1;
    *ret = file;
    return 0;
}

struct page_file *page_file_free(struct page_file *file)
{
    if (!file)
        return NULL;
    for (size_t i = 0; i < PAGE_FILE_SIZES; i++)
        free(file->places[i].free);
    if (file->fd >= 0)
        close(file->fd);
    free(file);
    return NULL;
}

uint64_t page_file_bytes(const struct page_file *file)
{
    return file->bytes;
}

void page_file_reserve(struct page_file *file)
{
    if (file->fd < 0)
        file->fd = fd_open_unnamed(file->directory);
}

static unsigned size_of(size_t len)
{
    unsigned size = 0;
    while (size + 1 < PAGE_FILE_SIZES && len > (size_t)PAGE_FILE_MIN << size)
        size++;
    return size;
}

static int take_place(struct page_file *file, unsigned size, int64_t *ret)
{
    if (file->places[size].n_free) {
        *ret = file->places[size].free[--file->places[size].n_free];
        return 0;
    }
    if (grow(file->places[size].free, file->places[size].n, 1) < 0)
        return -ENOMEM;
    file->places[size].n++;
    *ret = file->end;
    file->end += (int64_t)PAGE_FILE_MIN << size;
    return 0;
}

static void give_back(struct page_file *file, unsigned size, int64_t at)
{
    // Returns the room to the disk, where that is possible.
    int r = fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                      (off_t)PAGE_FILE_MIN << size);
    (void)r;
    file->places[size].free[file->places[size].n_free++] = at;
}

static int write_at(int fd, const struct slice *part, int64_t at)
{
    size_t done = 0;
    while (done < part->len) {
        ssize_t n = pwrite(fd, part->data + done, part->len - done, at + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENOSPC;
        done += (size_t)n;
    }
    return 0;
}

int page_file_put(struct page_file *file, const struct slice *first, const struct slice *second,
                  int64_t *ret_at)
{
    size_t len = first->len + second->len;
    unsigned size = size_of(len);
    int64_t at;
    if (len > PAGE_FILE_MAX)
        return -EFBIG;
    page_file_reserve(file);
    if (file->fd < 0)
        return file->fd;
    int r = take_place(file, size, &at);
    if (r < 0)
        return r;
    r = write_at(file->fd, first, at);
    if (r == 0)
        r = write_at(file->fd, second, at + (int64_t)first->len);
    if (r < 0) {
        give_back(file, size, at);
        return r;
    }
    file->bytes += len;
    *ret_at = at;
    return 0;
}

int page_file_get(const struct page_file *file, int64_t at, void *data, size_t len)
{
    ssize_t n = fd_pread_full(file->fd, data, len, at);
    return n < 0 ? (int)n : (size_t)n == len ? 0 : -EIO;
}

void page_file_drop(struct page_file *file, int64_t at, size_t len)
{
    file->bytes -= len;
    give_back(file, size_of(len), at);
}
