#include "coordinator/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "coordinator/core/event_log.h"

struct event_file {
    int fd; // -1: the recording has ended
    uint64_t written;
    struct event_log_writer writer;
    struct buf entry;
};

static int write_out(struct event_file *file)
{
    if (file->written + file->entry.len > EVENT_FILE_MAX)
        return -EFBIG;
    int r = fd_write_all(file->fd, file->entry.data, file->entry.len);
    file->written += file->entry.len;
    buf_clear(&file->entry);
    return r;
}

int event_file_open(const char *path, const struct core_options *options, struct event_file **ret,
                    struct err *err)
{
    struct event_file *file = calloc(1, sizeof(*file));
    if (!file)
        return err_sys(err, -ENOMEM, "'%s'", path);
    event_log_writer_init(&file->writer);
    buf_init(&file->entry, EVENT_LOG_ENTRY_MAX + 64);
    file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r = file->fd < 0 || fchmod(file->fd, 0600) < 0 ? -errno : 0;
    if (r == 0)
        r = event_log_begin(&file->entry, options);
    if (r == 0)
        r = write_out(file);
    if (r < 0) {
        event_file_close(file);
        return err_sys(err, r, "'%s'", path);
    }
    *ret = file;
    return 0;
}

void event_file_add(struct event_file *file, const struct event *event, int64_t now)
{
    if (!file || file->fd < 0)
        return;
    int r = event_log_add(&file->writer, event, now, &file->entry);
    if (r == 0)
        r = write_out(file);
    if (r == 0)
        return;
    log_warn("the recording of events ends here", "reason=\"%s\"", strerror(-r));
    close(file->fd);
    file->fd = -1;
}

void event_file_close(struct event_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    event_log_writer_done(&file->writer);
    buf_done(&file->entry);
    free(file);
}
