#include "pipelines/build/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/build/build.h"
#include "pipelines/build/build_job.h"

#define READ_BYTES 65536u

void load_report_done(struct load_report *report)
{
    buf_done(&report->text);
    *report = (struct load_report){0};
}

static void builder_done(struct builder *b)
{
    free(b->param_names);
    free(b->param_values);
}

static int build(struct diag *diag, const char *directory, const struct load_options *options,
                 struct node *root, struct plan **ret)
{
    _cleanup_(plan_free_ptr)
    struct plan *plan = calloc(1, sizeof(*plan));
    _cleanup_(builder_done)
    struct builder b = {.diag = diag, .options = options, .root = root};
    if (!plan)
        return -ENOMEM;
    b.plan = plan;
    if (root->kind != NODE_MAP) {
        refuse(&b, root, "start with: version: 1", "a job must be a mapping of keys to values");
        return 0;
    }
    plan->directory = realpath(directory, NULL);
    if (!plan->directory) {
        diag_error(diag, (struct place){0, 0}, NULL, "directory '%s': %s", directory,
                   strerror(errno));
        return errno == ENOMEM ? -ENOMEM : 0;
    }
    check_keys(&b, root, SECTION_JOB);
    build_version(&b);
    build_name(&b);
    build_description(&b);
    build_params(&b);
    if (b.error < 0)
        return b.error; // nothing else can be read without the params
    build_env(&b, root, &plan->env, &plan->n_env);
    build_source(&b);
    build_stages(&b);
    build_sink(&b);
    build_limits(&b);
    if (b.error < 0)
        return b.error;
    *ret = take(plan);
    return 0;
}

// The end of a load: what was found goes to the report, a plan without mistakes to the caller.
static int conclude(struct diag *diag, int r, struct plan **plan, struct plan **ret,
                    struct load_report *report)
{
    report->n_errors += diag->n_errors;
    report->n_warnings += diag->n_warnings;
    if (r == 0)
        r = diag_print(diag, LOAD_MISTAKES_MAX, &report->text);
    if (r < 0)
        return r;
    if (diag->n_errors > 0)
        return -EINVAL;
    *ret = take(*plan);
    return 0;
}

int load_tree(const char *command, const char *directory, struct node *root,
              const struct load_options *options, struct plan **ret, struct load_report *report)
{
    _cleanup_(diag_done)
    struct diag diag;
    _cleanup_(plan_free_ptr)
    struct plan *plan = NULL;
    diag_init(&diag, command, "", 0);
    diag.is_command = true;
    int r = build(&diag, directory, options, root, &plan);
    return conclude(&diag, r, &plan, ret, report);
}

int load_text(const char *name, const char *directory, const char *text, size_t len,
              const struct load_options *options, struct plan **ret, struct load_report *report)
{
    _cleanup_(diag_done)
    struct diag diag;
    _cleanup_(arena_done)
    struct arena arena = {0};
    _cleanup_(plan_free_ptr)
    struct plan *plan = NULL;
    struct node *root = NULL;
    int r = 0;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    diag_init(&diag, name, text, len);
    if (len > YAML_TEXT_MAX)
        diag_error(&diag, (struct place){0, 0}, NULL,
                   "more than %u MiB; keep data in separate files", YAML_TEXT_MAX >> 20);
    else
        r = yaml_read(&diag, &arena, &root);
    if (r == 0 && root)
        r = build(&diag, directory, options, root, &plan);
    return conclude(&diag, r, &plan, ret, report);
}

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        int r = buf_reserve(out, READ_BYTES);
        if (r < 0)
            return r;
        ssize_t n = read(fd, out->data + out->len, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        out->len += (size_t)n;
        if (n == 0 || out->len > YAML_TEXT_MAX + 3)
            return 0; // load_text reports that the file is too long
    }
}

static int report_unreadable(const char *name, int error, struct load_report *report)
{
    int r = buf_printf(&report->text, "%s: error: %s\n", name, strerror(-error));
    report->n_errors++;
    return r < 0 ? r : error;
}

int load_file(const char *path, const struct load_options *options, struct plan **ret,
              struct load_report *report)
{
    bool from_stdin = strcmp(path, "-") == 0;
    const char *name = from_stdin ? "<stdin>" : path;
    _close_ int opened = -1;
    _cleanup_(buf_done)
    struct buf text = {0};
    if (!from_stdin) {
        opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (opened < 0)
            return report_unreadable(name, -errno, report);
    }
    int r = read_all(from_stdin ? STDIN_FILENO : opened, &text);
    if (r == -ENOMEM || r == -ENOBUFS)
        return -ENOMEM;
    if (r < 0)
        return report_unreadable(name, r, report);
    const char *slash = from_stdin ? NULL : strrchr(path, '/');
    _free_ char *directory =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!directory)
        return -ENOMEM;
    return load_text(name, directory, text.len ? (const char *)text.data : "", text.len, options,
                     ret, report);
}
