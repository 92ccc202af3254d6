// A job by functions: written as the YAML that a person would write, so that one checker sees all.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "client/fm.h"
#include "pipelines/build/load.h"
#include "pipelines/file/yaml.h"

struct fm_spec {
    char *name;
    bool is_range;
    int64_t first;
    int64_t step;
    uint64_t count;
    uint64_t items;
    enum fm_order order;
    uint32_t retries;
    double timeout;
    struct buf stages; // a line of YAML each, without retries and timeout
};

FM_API struct fm_spec *fm_spec_new(const char *name)
{
    struct fm_spec *spec = calloc(1, sizeof(*spec));
    if (!spec)
        return NULL;
    spec->name = strdup(name ? name : "job");
    spec->items = 1;
    buf_init(&spec->stages, 1 << 20);
    if (spec->name)
        return spec;
    free(spec);
    return NULL;
}

FM_API void fm_spec_free(struct fm_spec *spec)
{
    if (!spec)
        return;
    free(spec->name);
    buf_done(&spec->stages);
    free(spec);
}

FM_API int fm_spec_range(struct fm_spec *spec, int64_t first, int64_t step, uint64_t count)
{
    int64_t span, last;
    if (step == 0 || count == 0 || count > INT64_MAX ||
        __builtin_mul_overflow((int64_t)(count - 1), step, &span) ||
        __builtin_add_overflow(first, span, &last))
        return fm_failf(-EINVAL, "a range has a step that is not 0, and numbers of 64 bits");
    spec->is_range = true;
    spec->first = first;
    spec->step = step;
    spec->count = count;
    return 0;
}

FM_API int fm_spec_push(struct fm_spec *spec)
{
    spec->is_range = false;
    return 0;
}

FM_API int fm_spec_items_per_chunk(struct fm_spec *spec, uint64_t items)
{
    if (items < 1 || items > 1000000)
        return fm_failf(-EINVAL, "a chunk has 1 to 1000000 items");
    spec->items = items;
    return 0;
}

FM_API int fm_spec_order(struct fm_spec *spec, enum fm_order order)
{
    if (order != FM_ORDER_INPUT && order != FM_ORDER_COMPLETION)
        return fm_failf(-EINVAL, "no such order");
    spec->order = order;
    return 0;
}

FM_API int fm_spec_retries(struct fm_spec *spec, uint32_t retries)
{
    spec->retries = retries;
    return 0;
}

FM_API int fm_spec_timeout(struct fm_spec *spec, double seconds)
{
    if (seconds < 0 || seconds > 1e9)
        return fm_failf(-EINVAL, "a timeout is a number of seconds");
    spec->timeout = seconds;
    return 0;
}

// A double-quoted scalar: what needs an escape has the same one in YAML and JSON.
static int put_quoted(struct buf *out, const char *text)
{
    int r = buf_add(out, "\"", 1);
    for (const unsigned char *at = (const unsigned char *)text; *at && r == 0; at++) {
        if (*at == '"' || *at == '\\')
            r = buf_printf(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            r = buf_printf(out, "\\x%02x", *at);
        else
            r = buf_add(out, at, 1);
    }
    return r < 0 ? r : buf_add(out, "\"", 1);
}

static int put_argv(struct buf *out, const char *const *argv)
{
    int r = buf_add_str(out, "[");
    for (size_t i = 0; argv[i] && r == 0; i++) {
        r = buf_add_str(out, i ? ", " : "");
        if (r == 0)
            r = put_quoted(out, argv[i]);
    }
    return r < 0 ? r : buf_add_str(out, "]");
}

// Ends the line, or takes it back.
static int end_stage(struct fm_spec *spec, size_t before, int r)
{
    if (r == 0)
        r = buf_add_str(&spec->stages, "\n");
    if (r == 0)
        return 0;
    spec->stages.len = before;
    return fm_failf(r, "the stages are too long, or memory is out");
}

static int add_argv(struct fm_spec *spec, const char *kind, const char *const *argv)
{
    size_t before = spec->stages.len;
    if (!argv || !argv[0])
        return fm_failf(-EINVAL, "a %s has at least one word", kind);
    int r = buf_printf(&spec->stages, "%s: ", kind);
    if (r == 0)
        r = put_argv(&spec->stages, argv);
    return end_stage(spec, before, r);
}

FM_API int fm_spec_command(struct fm_spec *spec, const char *const *argv)
{
    return add_argv(spec, "command", argv);
}

FM_API int fm_spec_pipe(struct fm_spec *spec, const char *const *argv)
{
    return add_argv(spec, "pipe", argv);
}

FM_API int fm_spec_kernel(struct fm_spec *spec, const char *library, const char *function,
                          const char *const *args)
{
    size_t before = spec->stages.len;
    char *name = NULL;
    if (!function || !function[0])
        return fm_failf(-EINVAL, "which function?");
    if (asprintf(&name, "%s%s%s", library ? library : "", library ? ":" : "", function) < 0)
        return fm_failf(-ENOMEM, "out of memory");
    int r = buf_add_str(&spec->stages, "kernel: ");
    if (r == 0)
        r = put_quoted(&spec->stages, name);
    free(name);
    if (r == 0 && args && args[0])
        r = buf_add_str(&spec->stages, ", args: {");
    for (size_t i = 0; r == 0 && args && args[i] && args[i + 1]; i += 2) {
        r = buf_add_str(&spec->stages, i ? ", " : "");
        if (r == 0)
            r = put_quoted(&spec->stages, args[i]);
        if (r == 0)
            r = buf_add_str(&spec->stages, ": ");
        if (r == 0)
            r = put_quoted(&spec->stages, args[i + 1]);
    }
    if (r == 0 && args && args[0])
        r = buf_add_str(&spec->stages, "}");
    return end_stage(spec, before, r);
}

static int write_yaml(const struct fm_spec *spec, struct buf *out)
{
    int r = buf_add_str(out, "version: 1\nname: ");
    if (r == 0)
        r = put_quoted(out, spec->name);
    if (r == 0 && spec->is_range)
        r = buf_printf(
            out, "\nsource: {range: {start: %" PRId64 ", step: %" PRId64 ", count: %" PRIu64 "}}\n",
            spec->first, spec->step, spec->count);
    else if (r == 0)
        r = buf_add_str(out, "\nsource: {items: [pushed]}\n");
    if (r == 0)
        r = buf_printf(out, "chunk: {items: %" PRIu64 "}\norder: %s\nsink: none\nstages:\n",
                       spec->items, spec->order == FM_ORDER_INPUT ? "input" : "completion");
    const char *line = (const char *)spec->stages.data;
    const char *end = line + spec->stages.len;
    while (r == 0 && line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        r = buf_printf(out, "  - {%.*s", (int)(stop - line), line);
        if (r == 0 && spec->retries)
            r = buf_printf(out, ", retries: %u", spec->retries);
        if (r == 0 && spec->timeout > 0)
            r = buf_printf(out, ", timeout: %.0fms", spec->timeout * 1000);
        if (r == 0)
            r = buf_add_str(out, "}\n");
        line = stop + 1;
    }
    return r;
}

static void make_pushed(struct plan *plan)
{
    for (size_t i = 0; i < plan->source.n_texts; i++)
        free(plan->source.texts[i]);
    free(plan->source.texts);
    plan->source.texts = NULL;
    plan->source.n_texts = 0;
    plan->source.kind = SOURCE_PUSH;
}

int fm_spec_build(const struct fm_spec *spec, struct fm_spec_parts *ret)
{
    _cleanup_(buf_done)
    struct buf text;
    _cleanup_(load_report_done)
    struct load_report report = {0};
    _free_ char *here = getcwd(NULL, 0);
    const struct load_options load = {0};
    struct plan *plan = NULL;
    buf_init(&text, YAML_TEXT_MAX);
    if (!here)
        return fm_failf(-errno, "the current folder: %s", strerror(errno));
    if (!spec->stages.len)
        return fm_failf(-EINVAL, "the job has no stage");
    int r = write_yaml(spec, &text);
    if (r < 0)
        return fm_failf(r, "the job is too long, or memory is out");
    r = load_text("spec", here, (const char *)text.data, text.len, &load, &plan, &report);
    if (r < 0)
        return fm_failf(r, "%.*s", (int)report.text.len,
                        report.text.len ? (const char *)report.text.data : "");
    if (!spec->is_range)
        make_pushed(plan);
    *ret = (struct fm_spec_parts){
        .plan = plan, .push = !spec->is_range, .items_per_chunk = spec->items};
    return 0;
}
