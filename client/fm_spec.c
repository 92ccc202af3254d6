// A job by functions: they build the tree that a job file's text would give, so that one checker
// sees all.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "client/fm.h"
#include "pipelines/build/load.h"
#include "pipelines/file/tree.h"

// Texts live in the spec's arena.
struct spec_stage {
    const char *kind;   // the key: command, pipe or kernel
    const char *kernel; // LIBRARY:FUNCTION; NULL: argv
    const char **words; // argv, or the names and values of args
    size_t n_words;
};

struct fm_spec {
    struct arena arena;
    const char *name;
    bool is_range;
    int64_t first;
    int64_t step;
    uint64_t count;
    uint64_t items;
    enum fm_order order;
    uint32_t retries;
    double timeout;
    struct spec_stage *stages;
    size_t n_stages;
};

static const char *keep(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_take(arena, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

FM_API struct fm_spec *fm_spec_new(const char *name)
{
    struct fm_spec *spec = calloc(1, sizeof(*spec));
    if (!spec)
        return NULL;
    spec->name = keep(&spec->arena, name ? name : "job");
    spec->items = 1;
    if (spec->name)
        return spec;
    free(spec);
    return NULL;
}

FM_API void fm_spec_free(struct fm_spec *spec)
{
    if (!spec)
        return;
    free(spec->stages);
    arena_done(&spec->arena);
    free(spec);
}

FM_API int fm_spec_range(struct fm_spec *spec, int64_t first, int64_t step, uint64_t count)
{
    int64_t span, last;
    if (step == 0)
        return fm_failf(-EINVAL, "the step of a range must not be 0");
    if (count == 0 || count > INT64_MAX ||
        __builtin_mul_overflow((int64_t)(count - 1), step, &span) ||
        __builtin_add_overflow(first, span, &last))
        return fm_failf(-EINVAL, "a range has at least 1 number, and all must fit in 64 bits");
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
        return fm_failf(-EINVAL, "a chunk must have 1 to 1000000 items");
    spec->items = items;
    return 0;
}

FM_API int fm_spec_order(struct fm_spec *spec, enum fm_order order)
{
    if (order != FM_ORDER_INPUT && order != FM_ORDER_COMPLETION)
        return fm_failf(-EINVAL, "invalid order");
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
    if (!(seconds >= 0 && seconds <= 1e9))
        return fm_failf(-EINVAL, "a timeout must be 0 to 1e9 seconds");
    spec->timeout = seconds;
    return 0;
}

// ---- stages

// Copies the texts of a list that ends with NULL.
static int keep_words(struct fm_spec *spec, const char *const *words, struct spec_stage *stage)
{
    size_t n = 0;
    while (words && words[n])
        n++;
    stage->words = arena_take(&spec->arena, (n + 1) * sizeof(const char *));
    if (!stage->words)
        return -ENOMEM;
    for (; stage->n_words < n; stage->n_words++) {
        stage->words[stage->n_words] = keep(&spec->arena, words[stage->n_words]);
        if (!stage->words[stage->n_words])
            return -ENOMEM;
    }
    return 0;
}

static int add_stage(struct fm_spec *spec, struct spec_stage *stage, const char *const *words)
{
    if (keep_words(spec, words, stage) < 0 || grow(spec->stages, spec->n_stages, 1) < 0)
        return fm_failf(-ENOMEM, "out of memory");
    spec->stages[spec->n_stages++] = *stage;
    return 0;
}

static int add_argv(struct fm_spec *spec, const char *kind, const char *const *argv)
{
    if (!argv || !argv[0])
        return fm_failf(-EINVAL, "a %s must have at least 1 word", kind);
    return add_stage(spec, &(struct spec_stage){.kind = kind}, argv);
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
    _free_ char *name = NULL;
    if (!function || !function[0])
        return fm_failf(-EINVAL, "missing kernel function");
    if (asprintf(&name, "%s%s%s", library ? library : "", library ? ":" : "", function) < 0) {
        name = NULL;
        return fm_failf(-ENOMEM, "out of memory");
    }
    struct spec_stage stage = {.kind = "kernel", .kernel = keep(&spec->arena, name)};
    if (!stage.kernel)
        return fm_failf(-ENOMEM, "out of memory");
    return add_stage(spec, &stage, args);
}

// ---- the tree

// As if it stood in quotes: text, whatever it looks like.
static struct node *quoted(struct tree *tree, const char *text)
{
    struct node *node = tree_text(tree, text, NULL);
    node->is_plain = false;
    return node;
}

static struct node *number(struct tree *tree, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static struct node *number(struct tree *tree, const char *fmt, ...)
{
    char text[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    const char *kept = keep(tree->arena, text);
    if (!kept)
        tree->error = -ENOMEM;
    return tree_text(tree, kept ? kept : "", NULL);
}

static void put_stage(struct tree *tree, struct node *list, const struct fm_spec *spec,
                      const struct spec_stage *stage)
{
    struct node *map = tree_append(list, tree_map(tree, NULL));
    if (!stage->kernel) {
        struct node *argv = tree_put(tree, map, stage->kind, tree_list(tree, NULL));
        for (size_t i = 0; i < stage->n_words; i++)
            tree_append(argv, quoted(tree, stage->words[i]));
    } else {
        tree_put(tree, map, stage->kind, quoted(tree, stage->kernel));
    }
    if (stage->kernel && stage->n_words) {
        struct node *args = tree_put(tree, map, "args", tree_map(tree, NULL));
        for (size_t i = 0; i + 1 < stage->n_words; i += 2)
            tree_put(tree, args, stage->words[i], quoted(tree, stage->words[i + 1]));
    }
    if (spec->retries)
        tree_put(tree, map, "retries", number(tree, "%" PRIu32, spec->retries));
    if (spec->timeout > 0)
        tree_put(tree, map, "timeout", number(tree, "%.0fms", spec->timeout * 1000));
}

static struct node *make_tree(struct tree *tree, const struct fm_spec *spec)
{
    struct node *root = tree_map(tree, NULL);
    tree_put(tree, root, "version", tree_text(tree, "1", NULL));
    tree_put(tree, root, "name", quoted(tree, spec->name));
    struct node *source = tree_put(tree, root, "source", tree_map(tree, NULL));
    if (spec->is_range) { // else load_options.source
        struct node *range = tree_put(tree, source, "range", tree_map(tree, NULL));
        tree_put(tree, range, "start", number(tree, "%" PRId64, spec->first));
        tree_put(tree, range, "step", number(tree, "%" PRId64, spec->step));
        tree_put(tree, range, "count", number(tree, "%" PRIu64, spec->count));
    }
    struct node *chunk = tree_put(tree, root, "chunk", tree_map(tree, NULL));
    tree_put(tree, chunk, "items", number(tree, "%" PRIu64, spec->items));
    tree_put(tree, root, "order",
             tree_text(tree, spec->order == FM_ORDER_INPUT ? "input" : "completion", NULL));
    // Results are for whoever reads the stream: those of a detached job are kept for it.
    tree_put(tree, root, "sink", tree_text(tree, "stdout", NULL));
    struct node *stages = tree_put(tree, root, "stages", tree_list(tree, NULL));
    for (size_t i = 0; i < spec->n_stages; i++)
        put_stage(tree, stages, spec, &spec->stages[i]);
    return root;
}

int fm_spec_build(const struct fm_spec *spec, struct fm_spec_parts *ret)
{
    _cleanup_(arena_done)
    struct arena arena = {0};
    _cleanup_(load_report_done)
    struct load_report report = {0};
    _free_ char *here = getcwd(NULL, 0);
    struct source pushed = {
        .kind = SOURCE_PUSH, .separator = {.end = "\n", .end_len = 1}, .delimiter = '\n'};
    const struct load_options load = {.source = spec->is_range ? NULL : &pushed};
    struct tree tree = {.arena = &arena};
    struct plan *plan = NULL;
    if (!here)
        return fm_failf(-errno, "the current folder: %s", strerror(errno));
    if (!spec->n_stages)
        return fm_failf(-EINVAL, "the job has no stage");
    struct node *root = make_tree(&tree, spec);
    if (tree.error < 0)
        return fm_failf(tree.error, "out of memory");
    int r = load_tree("job", here, root, &load, &plan, &report);
    if (r < 0)
        return fm_failf(r, "%.*s", (int)report.text.len,
                        report.text.len ? (const char *)report.text.data : "");
    *ret = (struct fm_spec_parts){
        .plan = plan, .push = !spec->is_range, .items_per_chunk = spec->items};
    return 0;
}
