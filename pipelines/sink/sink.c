#include "pipelines/sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "pipelines/fence.h"
#include "pipelines/rows.h"
#include "pipelines/sink/names.h"
#include "pipelines/sink/outfile.h"
#include "pipelines/sink/part.h"
#include "pipelines/sink/record_json.h"
#include "pipelines/template/template.h"

#define FLUSH_BYTES (64u << 10) // a larger piece is written without being copied
#define KEEP_BYTES (1u << 20)

struct sink_writer {
    const struct plan *plan;
    sink_stdout_fn *write_stdout;
    void *arg;
    struct buf out;
    struct outfile file; // SINK_FILE
    char *directory;     // SINK_DIR: absolute
    struct template *name;
    const char **params;
    struct row row; // of the record's item
    struct buf path;
    int folder;        // SINK_DIR; -1
    struct names seen; // of files that this job wrote
};

static char *absolute(const struct plan *plan, const char *path)
{
    char *joined = NULL;
    if (*path == '/')
        return strdup(path);
    return asprintf(&joined, "%s/%s", plan->directory, path) < 0 ? NULL : joined;
}

static int open_dir(struct sink_writer *sink, struct err *err)
{
    const struct plan *plan = sink->plan;
    size_t offset;
    sink->directory = absolute(plan, plan->sink.path);
    sink->params = calloc(plan->n_params ? plan->n_params : 1, sizeof(*sink->params));
    _free_ const char **names = calloc(plan->n_params ? plan->n_params : 1, sizeof(*names));
    if (!sink->directory || !sink->params || !names)
        return err_sys(err, -ENOMEM, "'%s'", plan->sink.path);
    for (size_t i = 0; i < plan->n_params; i++) {
        names[i] = plan->params[i].name;
        sink->params[i] = plan->params[i].value;
    }
    const struct template_names known = {
        .params = names, .n_params = plan->n_params, .has_item = true, .source = &plan->source};
    int r = template_compile(plan->sink.name, TEMPLATE_WORD, &known, &sink->name, err, &offset);
    if (r < 0)
        return r;
    if (mkdir(sink->directory, 0777) < 0 && errno != EEXIST)
        return err_sys(err, -errno, "'%s'", sink->directory);
    sink->folder = open(sink->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (sink->folder < 0)
        return err_sys(err, -errno, "'%s'", sink->directory);
    r = fence_check(plan, sink->folder, plan->sink.path, err);
    if (r == 0)
        parts_clear(sink->folder, NULL);
    return r;
}

static int open_file(struct sink_writer *sink, struct err *err)
{
    _free_ char *path = absolute(sink->plan, sink->plan->sink.path);
    if (!path)
        return err_sys(err, -ENOMEM, "'%s'", sink->plan->sink.path);
    return outfile_open(&sink->file, sink->plan, path, err);
}

int sink_open(const struct plan *plan, sink_stdout_fn *write_stdout, void *arg,
              struct sink_writer **ret, struct err *err)
{
    struct sink_writer *sink = calloc(1, sizeof(*sink));
    *ret = NULL;
    if (!sink)
        return err_sys(err, -ENOMEM, "sink");
    *sink = (struct sink_writer){
        .plan = plan, .write_stdout = write_stdout, .arg = arg, .file = OUTFILE_INIT, .folder = -1};
    buf_init(&sink->out, 0);
    buf_init(&sink->path, 0);
    row_init(&sink->row);
    int r = 0;
    if (plan->sink.kind == SINK_FILE)
        r = open_file(sink, err);
    else if (plan->sink.kind == SINK_DIR)
        r = open_dir(sink, err);
    if (r != 0)
        sink = sink_close(sink);
    *ret = sink;
    return r;
}

struct sink_writer *sink_close(struct sink_writer *sink)
{
    if (!sink)
        return NULL;
    outfile_done(&sink->file);
    template_free(sink->name);
    buf_done(&sink->out);
    buf_done(&sink->path);
    row_done(&sink->row);
    names_done(&sink->seen);
    if (sink->folder >= 0)
        close(sink->folder);
    free(sink->params);
    free(sink->directory);
    free(sink);
    return NULL;
}

static int write_now(struct sink_writer *sink, const void *data, size_t len, struct err *err)
{
    if (!len)
        return 0;
    if (sink->plan->sink.kind == SINK_FILE)
        return outfile_write(&sink->file, data, len, err);
    int r = sink->write_stdout(sink->arg, data, len);
    return r < 0 ? err_sys(err, r, "standard output") : 0;
}

int sink_flush(struct sink_writer *sink, struct err *err)
{
    if (!sink->out.len)
        return 0;
    int r = write_now(sink, sink->out.data, sink->out.len, err);
    buf_clear(&sink->out);
    if (sink->out.cap > KEEP_BYTES)
        buf_done(&sink->out);
    return r;
}

static int flush_if_full(struct sink_writer *sink, struct err *err)
{
    return sink->out.len >= FLUSH_BYTES ? sink_flush(sink, err) : 0;
}

static int write_raw(struct sink_writer *sink, const struct record *record, struct err *err)
{
    int r = 0;
    for (size_t i = 0; i < record->n_parts && r == 0; i++) {
        const struct slice *part = &record->parts[i];
        if (part->len >= FLUSH_BYTES) {
            r = sink_flush(sink, err);
            if (r == 0)
                r = write_now(sink, part->data, part->len, err);
        } else if ((r = buf_add(&sink->out, part->data, part->len)) < 0) {
            err_sys(err, r, "output");
        } else {
            r = flush_if_full(sink, err);
        }
    }
    return r;
}

// ---- one file for each record

// Inside the directory, however the item is spelled.
static bool is_inside(const char *name)
{
    if (!*name || *name == '/')
        return false;
    for (const char *at = name; *at;) {
        size_t len = strcspn(at, "/");
        if (len == 2 && memcmp(at, "..", 2) == 0)
            return false;
        at += len + (at[len] == '/');
    }
    return name[strlen(name) - 1] != '/' && strcmp(name, ".") != 0;
}

static int make_path(struct sink_writer *sink, const struct record *record, const char **ret_name,
                     struct err *err)
{
    const struct template_values values = {.item = record->item ? record->item : "",
                                           .item_len = record->item ? record->item_len : 0,
                                           .row = &sink->row,
                                           .seq = record->chunk + 1,
                                           .params = sink->params};
    struct buf *path = &sink->path;
    buf_clear(path);
    int r = 0;
    const struct source *source = &sink->plan->source;
    if (source->kind == SOURCE_MATRIX || (record->item && rows_have_fields(source)))
        r = row_of_item(source, record->item_first, record->item, record->item_len, &sink->row);
    if (r == 0)
        r = buf_printf(path, "%s/", sink->directory);
    size_t name_at = path->len;
    if (r == 0)
        r = template_expand(sink->name, &values, path);
    if (r == 0 && sink->plan->sink.folders)
        r = buf_add_str(path, "/" SINK_FOLDER_STDOUT);
    if (r == 0)
        r = buf_add(path, "", 1);
    if (r < 0)
        return err_sys(err, r, "the name of chunk %llu's file",
                       (unsigned long long)record->chunk + 1);
    const char *name = (const char *)path->data + name_at;
    if (strlen(name) != path->len - 1 - name_at || !is_inside(name))
        return err_set(err, -EPERM,
                       "chunk %llu: '%.200s' is not the name of a file inside '%.200s'",
                       (unsigned long long)record->chunk + 1, name, sink->directory);
    *ret_name = name;
    return 0;
}

// The folder that the name lies in, made where it is not there. No link is followed: who may write
// there does not lead us elsewhere. `*ret_last`: the last part of the name.
static int open_below(const struct sink_writer *sink, const char *name, const char **ret_last,
                      struct err *err)
{
    char part[NAME_MAX + 1];
    _close_ int at = fcntl(sink->folder, F_DUPFD_CLOEXEC, 3);
    for (const char *slash; at >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        size_t len = (size_t)(slash - name);
        if (len > NAME_MAX)
            return err_sys(err, -ENAMETOOLONG, "'%s'", name);
        memcpy(part, name, len);
        part[len] = '\0';
        if (!len || strcmp(part, ".") == 0)
            continue;
        if (mkdirat(at, part, 0777) < 0 && errno != EEXIST)
            break;
        int next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 && errno == ENOTDIR)
            return err_set(err, -ENOTDIR,
                           "'%s' in '%s' is a link or a file, not a folder: it is not followed",
                           part, sink->directory);
        if (next < 0)
            break;
        close(at);
        at = next;
    }
    if (at < 0 || strchr(name, '/'))
        return err_sys(err, -errno, "'%s'", (const char *)sink->path.data);
    *ret_last = name;
    return take_fd(at);
}

// Two results with one name would silently lose the first.
static int check_name(struct sink_writer *sink, const char *name, struct err *err)
{
    if (sink->plan->sink.if_exists != EXISTS_OVERWRITE)
        return 0;
    int r = names_add(&sink->seen, name);
    if (r < 0)
        return err_sys(err, r, "the names of files");
    if (r == 1 && faccessat(sink->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(err, -EEXIST, "'%s': two results of this job have this name",
                       (const char *)sink->path.data);
    return 0;
}

static int write_beside(const struct sink_writer *sink, int folder, const char *name,
                        const struct slice *parts, size_t n, struct err *err)
{
    struct outfile file = OUTFILE_INIT;
    int copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return err_sys(err, -errno, "'%s'", name);
    int r = outfile_open_at(&file, copy, name, name, sink->plan->sink.if_exists, err);
    for (size_t i = 0; i < n && r == 0; i++)
        r = outfile_write(&file, parts[i].data, parts[i].len, err);
    if (r == 0)
        r = outfile_finish(&file, false, err);
    outfile_done(&file);
    return r < 0 ? r : 0;
}

// What a result's folder holds beside its standard output. Empty files are written, too.
static int write_folder(const struct sink_writer *sink, int folder, const struct record *record,
                        struct err *err)
{
    char number[24];
    int n = snprintf(number, sizeof(number), "%llu", (unsigned long long)record->chunk + 1);
    const struct slice seq = {.data = (uint8_t *)number, .len = (size_t)n};
    int r = write_beside(sink, folder, SINK_FOLDER_STDERR, record->errors, record->n_errors, err);
    return r < 0 ? r : write_beside(sink, folder, SINK_FOLDER_SEQ, &seq, 1, err);
}

// Standard error beside the result; that of an earlier job, which this chunk does not have, would
// only mislead.
static int write_errors(const struct sink_writer *sink, int folder, const char *last,
                        const struct record *record, struct err *err)
{
    _cleanup_(buf_done)
    struct buf name = {0};
    int r = buf_printf(&name, "%s" SINK_STDERR, last);
    if (r == 0)
        r = buf_add(&name, "", 1);
    if (r < 0)
        return err_sys(err, r, "'%s'", sink->directory);
    const char *beside = (const char *)name.data;
    if (record->n_errors)
        return write_beside(sink, folder, beside, record->errors, record->n_errors, err);
    if (sink->plan->sink.if_exists == EXISTS_OVERWRITE)
        unlinkat(folder, beside, 0);
    return 0;
}

static int list_file(struct sink_writer *sink, const char *path, struct err *err)
{
    _cleanup_(buf_done)
    struct buf line = {0};
    int r = buf_printf(&line, "%s\n", path);
    if (r == 0)
        r = sink->write_stdout(sink->arg, line.data, line.len);
    return r < 0 ? err_sys(err, r, "standard output") : 0;
}

static int write_dir(struct sink_writer *sink, const struct record *record, bool errors_only,
                     struct err *err)
{
    struct outfile file = OUTFILE_INIT;
    const char *name = "", *last = "";
    int r = make_path(sink, record, &name, err);
    if (r == 0 && !errors_only)
        r = check_name(sink, name, err);
    _close_ int folder = r < 0 ? r : open_below(sink, name, &last, err);
    if (folder < 0)
        return folder;
    if (sink->plan->sink.folders)
        r = write_folder(sink, folder, record, err);
    else if (sink->plan->sink.format == FORMAT_RAW)
        r = write_errors(sink, folder, last, record, err);
    if (r < 0 || errors_only)
        return r;
    const char *path = (const char *)sink->path.data;
    r = outfile_open_at(&file, take_fd(folder), last, path, sink->plan->sink.if_exists, err);
    if (r == 1)
        return 0;
    if (r == 0 && sink->plan->sink.format == FORMAT_JSON) {
        buf_clear(&sink->out);
        r = record_json(&sink->out, record);
        if (r < 0)
            err_sys(err, r, "'%s'", path);
        else
            r = outfile_write(&file, sink->out.data, sink->out.len, err);
        buf_clear(&sink->out);
    } else {
        for (size_t i = 0; i < record->n_parts && r == 0; i++)
            r = outfile_write(&file, record->parts[i].data, record->parts[i].len, err);
    }
    if (r == 0)
        r = outfile_finish(&file, false, err);
    outfile_done(&file);
    if (r == 0 && sink->plan->sink.lists)
        r = list_file(sink, path, err);
    return r;
}

int sink_write(struct sink_writer *sink, const struct record *record, struct err *err)
{
    const struct sink *plan = &sink->plan->sink;
    bool failed = record->error || strcmp(record->outcome, "ok") != 0;
    bool is_shown = plan->format != FORMAT_RAW || !failed || plan->failed_too;
    if (plan->kind == SINK_DIR && (is_shown || record->n_errors))
        return write_dir(sink, record, !is_shown, err);
    if (plan->kind == SINK_NONE || !is_shown)
        return 0;
    if (plan->format == FORMAT_RAW)
        return write_raw(sink, record, err);
    int r = record_json(&sink->out, record);
    if (r < 0)
        return err_sys(err, r, "a record as JSON");
    return flush_if_full(sink, err);
}

int sink_finish(struct sink_writer *sink, struct err *err)
{
    int r = sink_flush(sink, err);
    if (r == 0 && sink->plan->sink.kind == SINK_FILE)
        r = outfile_finish(&sink->file, true, err);
    return r;
}
