// The sink and the limits of a job.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/build/build.h"
#include "pipelines/own_path.h"

// The folder that a path lies in, made absolute. NULL when memory is out.
static char *folder_of(struct builder *b, const char *path)
{
    char *joined = NULL;
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    int r = *path == '/'
                ? asprintf(&joined, "%.*s", len ? (int)len : 1, path)
                : asprintf(&joined, "%s%s%.*s", b->plan->directory, len ? "/" : "", (int)len, path);
    if (r < 0) {
        b->error = -ENOMEM;
        return NULL;
    }
    return joined;
}

static void check_folder(struct builder *b, struct node *node, const char *path)
{
    _free_ char *folder = folder_of(b, path);
    struct stat st;
    if (!folder)
        return;
    if (stat(folder, &st) < 0)
        refuse(b, node, NULL, "directory '%s': %s", folder, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        refuse(b, node, NULL, "'%s' is not a directory", folder);
    else if (access(folder, W_OK) < 0)
        refuse(b, node, NULL, "directory '%s': %s", folder, strerror(errno));
}

// A pipe, a terminal, /dev/null, a descriptor of the process: nothing is made in its folder.
static bool is_stream(const struct builder *b, const char *path)
{
    struct stat st;
    _free_ char *joined = NULL;
    if (path_is_descriptor(path))
        return true;
    int r = *path == '/' ? asprintf(&joined, "%s", path)
                         : asprintf(&joined, "%s/%s", b->plan->directory, path);
    return r >= 0 && stat(joined, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static void read_path(struct builder *b, struct node *node)
{
    struct sink *sink = &b->plan->sink;
    const char *text;
    if (!want_text(b, node, &text))
        return;
    sink->path = fill_in(b, node, text, true);
    if (!sink->path)
        return;
    if (sink->kind == SINK_FILE && strcmp(sink->path, "-") == 0) {
        sink->kind = SINK_STDOUT;
        free(take(sink->path));
        return;
    }
    size_t len = strlen(sink->path);
    while (len > 1 && sink->kind == SINK_DIR && sink->path[len - 1] == '/')
        sink->path[--len] = '\0';
    if (len == 0)
        refuse(b, node, NULL, "needs a value");
    else if (sink->path[len - 1] == '/')
        refuse(b, node, NULL, "'%s' is a directory, not a file", sink->path);
    else if (sink->kind == SINK_DIR || !is_stream(b, sink->path))
        check_folder(b, node, sink->path);
}

// Whether each result of the job belongs to one item.
static bool one_item_each(const struct builder *b)
{
    const struct plan *plan = b->plan;
    return plan->n_steps == 1 && !plan->steps[0].is_reduce &&
           plan->steps[0].chunking.rule == CHUNK_ITEMS && plan->steps[0].chunking.n == 1;
}

static void read_file_name(struct builder *b, struct node *map)
{
    struct node *node = node_get(map, "name");
    struct text_rules rules = {
        .has_item = one_item_each(b), .has_fields = one_item_each(b), .strict = true};
    bool constant = false;
    const char *text;
    if (!node || !want_text(b, node, &text) ||
        !check_template(b, node, text, &rules, NULL, &constant))
        return;
    bool reduces = b->plan->n_steps > 0 && b->plan->steps[b->plan->n_steps - 1].is_reduce;
    if ((constant || (!strstr(text, "{#}") && !rules.has_item)) && !reduces) {
        refuse(b, node, "add {#}, the number of the chunk",
               "all results would go to the same file");
        return;
    }
    b->plan->sink.name = keep(b, text);
}

static void read_sink_map(struct builder *b, struct node *map)
{
    static const char *const kinds[] = {
        [SINK_STDOUT] = "stdout", [SINK_FILE] = "file", [SINK_DIR] = "dir"};
    struct sink *sink = &b->plan->sink;
    unsigned word = 0, format = 0;
    bool known = check_keys(b, map, SECTION_SINK);
    struct node *kind = check_kind(b, map, SECTION_SINK, known, "or write: sink: none");
    if (!kind)
        return;
    sink->kind = (enum sink_kind)kind_index(kind, kinds, sizeof(kinds) / sizeof(kinds[0]));
    if (sink->kind == SINK_STDOUT && read_word(b, SECTION_SINK, map, "stdout", &word))
        sink->format = (enum sink_format)word;
    bool has_format = read_word(b, SECTION_SINK, map, "format", &format);
    if (has_format && sink->kind == SINK_STDOUT && format != word)
        refuse_key(b, node_get(map, "format"), NULL, "stdout already names another format");
    else if (has_format)
        sink->format = (enum sink_format)format;
    if (read_word(b, SECTION_SINK, map, "each", &word))
        sink->folders = word;
    if (read_word(b, SECTION_SINK, map, "if_exists", &word))
        sink->if_exists = (enum if_exists)word;
    if (sink->kind != SINK_STDOUT)
        read_path(b, kind);
    if (sink->kind == SINK_DIR)
        read_file_name(b, map);
}

void build_sink(struct builder *b)
{
    static const char *const words[] = {"stdout", "none"};
    struct node *node = node_get(b->root, "sink");
    char hint[HINT_MAX];
    const char *text;
    b->plan->sink = (struct sink){.kind = SINK_STDOUT};
    if (!node || node->is_bad)
        return;
    if (node->kind == NODE_MAP) {
        read_sink_map(b, node);
        return;
    }
    if (!want_text(b, node, &text))
        return;
    if (strcmp(text, "none") == 0)
        b->plan->sink.kind = SINK_NONE;
    else if (strcmp(text, "stdout") != 0)
        refuse(b, node, hint_nearest(hint, text, words, 2) ? hint : "to write a file: {file: PATH}",
               "'%s' is not one of stdout, none", text);
}

static void read_max_failures(struct builder *b)
{
    struct node *node = node_get(b->root, "max_failures");
    struct plan *plan = b->plan;
    const char *text;
    uint32_t share = 0;
    plan->max_failures = UINT64_MAX;
    if (!node || !want_text(b, node, &text))
        return;
    if (!strchr(text, '%')) {
        read_count(b, SECTION_JOB, b->root, "max_failures", &plan->max_failures);
        return;
    }
    int r = parse_percent(text, &share);
    if (r == -ERANGE)
        refuse(b, node, NULL, "'%s' is more than 100%%", text);
    else if (r < 0)
        refuse(b, node, "write 5% or 0.5%", "'%s' is not a percentage", text);
    else if (share == 0)
        plan->max_failures = 0; // no share at all is a count: none
    else
        plan->max_failures_bp = share;
}

static void read_until(struct builder *b)
{
    static const char *const kinds[] = {
        [UNTIL_OK] = "ok", [UNTIL_DONE] = "done", [UNTIL_FAILED] = "failed"};
    struct node *map = node_get(b->root, "until");
    struct plan *plan = b->plan;
    const char *text;
    unsigned word;
    if (!map || !want_map(b, map))
        return;
    struct node *node = check_kind(b, map, SECTION_UNTIL, check_keys(b, map, SECTION_UNTIL), NULL);
    if (read_word(b, SECTION_UNTIL, map, "running", &word))
        plan->until.stops = word;
    if (!node || node->is_bad || !want_text(b, node, &text))
        return;
    for (unsigned i = UNTIL_OK; i <= UNTIL_FAILED; i++)
        if (strcmp(kinds[i], node->key->text) == 0)
            plan->until.what = (enum until)i;
    if (!strchr(text, '%'))
        read_count(b, SECTION_UNTIL, map, node->key->text, &plan->until.n);
    else if (parse_percent(text, &plan->until.bp) < 0 || !plan->until.bp)
        refuse(b, node, "write 5% or 0.5%", "'%s' is not a percentage from 0.01%% to 100%%", text);
}

void build_limits(struct builder *b)
{
    struct plan *plan = b->plan;
    unsigned word;
    uint64_t n;
    int64_t priority;
    if (read_word(b, SECTION_JOB, b->root, "order", &word))
        plan->order = (enum order)word;
    if (read_word(b, SECTION_JOB, b->root, "on_error", &word))
        plan->on_error = (enum on_error)word;
    read_max_failures(b);
    read_until(b);
    plan->crash_limit = 5;
    if (read_count(b, SECTION_JOB, b->root, "crash_limit", &n))
        plan->crash_limit = (uint32_t)n;
    if (read_integer(b, b->root, "priority", &priority)) {
        if (priority < -PLAN_PRIORITY_MAX || priority > PLAN_PRIORITY_MAX)
            refuse(b, node_get(b->root, "priority"), NULL, "%lld is out of range -%d..%d",
                   (long long)priority, PLAN_PRIORITY_MAX, PLAN_PRIORITY_MAX);
        else
            plan->priority = (int32_t)priority;
    }
    if (read_count(b, SECTION_JOB, b->root, "parallelism", &n))
        plan->parallelism = (uint32_t)n;
    if (b->options && b->options->parallelism > 0)
        plan->parallelism = b->options->parallelism;
}
