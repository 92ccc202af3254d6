// From the command line to a tree like a job file's, which the loader checks. A mistake is named
// by its flag or word.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/exit_code.h"
#include "cli/oneliner/job_name.h"
#include "cli/oneliner/making.h"
#include "cli/oneliner/oneliner.h"
#include "cli/oneliner/oneliner_words.h"
#include "cli/text/escape.h"
#include "cli/text/slots.h"
#include "pipelines/build/load.h"
#include "pipelines/input/matrix.h"
#include "pipelines/own_path.h"
#include "pipelines/plan.h"
#include "pipelines/source/source.h"

#define BLOCK_DEFAULT "4MiB"
#define NAME_DEFAULT "{#}.txt"

// ---- the stage

static int put_env(struct making *m, struct node *stage)
{
    const struct oneliner *o = m->o;
    if (!o->env.n)
        return 0;
    struct node *map = tree_put(&m->tree, stage, "env", tree_map(&m->tree, NULL));
    for (size_t i = 0; i < o->env.n; i++) {
        const char *text = o->env.list[i], *equals = strchrnul(text, '=');
        const char *name = making_text(m, "%.*s", (int)(equals - text), text);
        const char *value = *equals ? equals + 1 : getenv(name);
        if (!value)
            return making_mistake(o, "--env %s: not set here; write %s=VALUE", name, name);
        making_put(m, map, name, value, making_text(m, "--env %s", name));
    }
    return 0;
}

static int put_args(struct making *m, struct node *stage)
{
    const struct oneliner *o = m->o;
    if (!o->args.n)
        return 0;
    struct node *map = tree_put(&m->tree, stage, "args", tree_map(&m->tree, NULL));
    for (size_t i = 0; i < o->args.n; i++) {
        const char *text = o->args.list[i], *equals = strchr(text, '=');
        if (!equals || equals == text)
            return making_mistake(o, "--arg takes NAME=VALUE, not '%s'", text);
        const char *name = making_text(m, "%.*s", (int)(equals - text), text);
        making_put(m, map, name, equals + 1, making_text(m, "--arg %s", name));
    }
    return 0;
}

// "bash" is bash -c.
static void put_shell(struct making *m, struct node *stage)
{
    const char *text = m->o->shell;
    bool has_c = text && strlen(text) > 3 && strcmp(text + strlen(text) - 3, " -c") == 0;
    if (text)
        making_put(m, stage, "shell", has_c ? text : making_text(m, "%s -c", text), "--shell");
}

static int put_leftovers(struct making *m, struct node *stage)
{
    const char *text = m->o->leftovers, *equals = text ? strchr(text, '=') : NULL;
    if (!text)
        return 0;
    if (!equals) {
        if (strcmp(text, "kill") != 0 && strcmp(text, "keep") != 0)
            return making_mistake(
                m->o, "--leftovers is wait=TIME, kill, keep or keep=forever, not '%s'", text);
        making_put(m, stage, "leftovers", text, "--leftovers");
        return 0;
    }
    struct node *map = tree_put(&m->tree, stage, "leftovers", tree_map(&m->tree, "--leftovers"));
    making_put(m, map, making_text(m, "%.*s", (int)(equals - text), text), equals + 1,
               "--leftovers");
    return 0;
}

static void put_retries(struct making *m, struct node *stage)
{
    const struct oneliner *o = m->o;
    if (!o->retry_delay) {
        making_put(m, stage, "retries", o->retries, "--retries");
        return;
    }
    struct node *map = tree_put(&m->tree, stage, "retries", tree_map(&m->tree, NULL));
    making_put(m, map, "limit", o->retries ? o->retries : "1", "--retries");
    making_put(m, map, "delay", o->retry_delay, "--retry-delay");
}

static int put_stage(struct making *m, struct node *root)
{
    const struct oneliner *o = m->o;
    struct node *list = tree_put(&m->tree, root, "stages", tree_list(&m->tree, NULL));
    struct node *stage = tree_append(list, tree_map(&m->tree, NULL)), *resources;
    int r = 0;
    if (o->kind == ONELINER_CALL)
        making_put(m, stage, "kernel", o->kernel, "the kernel");
    else
        r = words_put(m, stage, o->kind == ONELINER_MAP ? "command" : "pipe");
    if (o->many ||
        (o->kind == ONELINER_MAP && o->items && strcmp(o->items, "1") != 0 && !o->inputs.group))
        making_put(m, stage, "batch", "true", o->many ? "-X" : "-n");
    making_put(m, stage, "tag", o->tag ? "true" : NULL, "--tag");
    put_retries(m, stage);
    making_put(m, stage, "timeout", o->timeout, "--timeout");
    making_put(m, stage, "workdir", o->workdir, "--workdir");
    if (o->kind != ONELINER_CALL)
        put_shell(m, stage);
    making_put(m, stage, "stdin", o->cat ? "file" : NULL, "--cat");
    making_put(m, stage, "nice", o->nice, "--nice");
    if (o->delay || o->load || o->memfree) {
        struct node *throttle = tree_put(&m->tree, stage, "throttle", tree_map(&m->tree, NULL));
        making_put(m, throttle, "delay", o->delay, "--delay");
        making_put(m, throttle, "load", o->load, "--load");
        making_put(m, throttle, "memfree", o->memfree, "--memfree");
    }
    if (o->cpus || o->memory || o->gpus) {
        resources = tree_put(&m->tree, stage, "resources", tree_map(&m->tree, NULL));
        making_put(m, resources, "cpus", o->cpus, "--cpus");
        making_put(m, resources, "memory", o->memory, "--memory");
        making_put(m, resources, "gpus", o->gpus, "--gpus");
    }
    if (r == 0)
        r = put_leftovers(m, stage);
    if (r == 0)
        r = put_env(m, stage);
    return r < 0 ? r : put_args(m, stage);
}

// ---- source and chunks

// A shell has expanded these names already: they name files, not patterns.
static const char *literal(struct making *m, const char *name)
{
    char *copy = arena_take(&m->arena, strlen(name) * 2 + 1), *at = copy;
    if (!copy) {
        m->tree.error = -ENOMEM;
        return "";
    }
    for (const char *c = name; *c; c++) {
        if (strchr("*?[\\", *c) || (c == name && *c == '!'))
            *at++ = '\\';
        *at++ = *c;
    }
    return copy;
}

static void put_mark(struct making *m, struct node *map, const char *key, const char *text,
                     const char *label)
{
    if (!text)
        return;
    char *copy = arena_take(&m->arena, strlen(text) + 1);
    size_t n = copy ? escape_read(text, copy) : 0;
    if (!copy)
        m->tree.error = -ENOMEM;
    struct node *node = tree_text(&m->tree, copy ? copy : "", label);
    node->len = n;
    node->has_nul = memchr(node->text, '\0', n) != NULL;
    tree_put(&m->tree, map, key, node);
}

static int put_data(struct making *m, struct node *source)
{
    const struct oneliner *o = m->o;
    const struct input_list *files = o->inputs.n ? &o->inputs.lists[0] : NULL;
    struct node *list = tree_put(&m->tree, source, "data", tree_list(&m->tree, "::::"));
    if (o->detached && inputs_from_stdin(&o->inputs))
        return making_mistake(o,
                              "a submitted job can't read standard input; give files: :::: FILE");
    if (!files)
        tree_append(list, tree_data(&m->tree, "-", "::::"));
    for (size_t i = 0; files && i < files->n; i++) {
        const char *name = path_is_stdin(files->words[i]) ? "-" : files->words[i];
        if (strcmp(name, "-") != 0 && access(name, R_OK) < 0)
            return making_mistake(o, ":::: '%s': %s", name, strerror(errno));
        tree_append(list, tree_data(&m->tree, literal(m, name), "::::"));
    }
    if (o->record_end || o->record_start || o->header_lines || o->drops_end) {
        struct node *record = tree_put(&m->tree, source, "record", tree_map(&m->tree, NULL));
        const char *end = o->record_end ? o->record_end : o->record_start ? "" : NULL;
        put_mark(m, record, "end", end, "--record-end");
        put_mark(m, record, "start", o->record_start, "--record-start");
        making_put(m, record, "keep", o->drops_end ? "false" : NULL, "--remove-rec-sep");
        making_put(m, record, "header",
                   o->header_lines && strcmp(o->header_lines, ":") == 0 ? "1" : o->header_lines,
                   "--header");
    }
    return 0;
}

// The names that a table gives its columns decide what is a placeholder.
static int find_columns(struct making *m, struct err *err)
{
    char here[] = ".";
    struct plan plan = {.directory = here, .source = m->source, .is_oneliner = true};
    int r = source_find_columns(&plan, !m->o->detached, err);
    m->source = plan.source;
    return r;
}

static int put_source(struct making *m, struct node *root)
{
    const struct oneliner *o = m->o;
    struct node *source = tree_put(&m->tree, root, "source", tree_map(&m->tree, NULL));
    struct err err = {0};
    if (o->kind == ONELINER_PIPE)
        return put_data(m, source);
    int padded = o->range ? inputs_padded_range(o->range, &m->source, &err) : 0;
    if (padded < 0)
        return making_mistake(o, "%s", err.text);
    if (padded)
        return 0;
    if (o->range) {
        making_put(m, source, "range", o->range, "--range");
        return 0;
    }
    int r = inputs_source(&o->inputs, words_use_number(o), o->detached, &m->source, &err);
    if (r == 0)
        r = find_columns(m, &err);
    if (r < 0)
        args_mistake(o->command, "%s", err.text);
    return r;
}

// -X: a list whose length is known is spread over the slots.
static const char *batch_items(struct making *m)
{
    uint64_t count = inputs_count(&m->source), slots = run_slots(&m->o->run);
    uint64_t n = PLAN_BATCH_ITEMS;
    if ((!m->o->range || m->source.n_texts) && count != UINT64_MAX && count / slots < n)
        n = count / slots + (count % slots != 0);
    snprintf(m->chunks, sizeof(m->chunks), "%llu", (unsigned long long)(n ? n : 1));
    return m->chunks;
}

static int put_parts(struct making *m, struct node *chunk)
{
    const struct oneliner *o = m->o;
    uint32_t n;
    if (inputs_from_stdin(&o->inputs))
        return making_mistake(o, "--parts needs files (:::: FILE): the size of standard input is "
                                 "unknown; use --block");
    if (!strchr(o->parts, '%')) {
        making_put(m, chunk, "parts", o->parts, "--parts");
        return 0;
    }
    if (!isdigit((unsigned char)*o->parts) || slots_parse(o->parts, run_slots(&o->run), &n) < 0)
        return making_mistake(o, "--parts takes a number, or N%% of the slots, not '%s'", o->parts);
    snprintf(m->chunks, sizeof(m->chunks), "%u", n);
    making_put(m, chunk, "parts", m->chunks, "--parts");
    return 0;
}

static int put_chunk(struct making *m, struct node *root)
{
    const struct oneliner *o = m->o;
    struct node *chunk = tree_map(&m->tree, NULL);
    int r = 0;
    if (!o->inputs.group)
        making_put(m, chunk, "items", o->many ? batch_items(m) : o->items, o->many ? "-X" : "-n");
    making_put(m, chunk, "bytes", o->block, "--block");
    making_put(m, chunk, "lines", o->lines, "--lines");
    making_put(m, chunk, "records", o->records, "-N");
    if (o->parts)
        r = put_parts(m, chunk);
    if (!chunk->n && o->kind == ONELINER_PIPE)
        making_put(m, chunk, "bytes", BLOCK_DEFAULT, "--block");
    if (chunk->n)
        tree_put(&m->tree, root, "chunk", chunk);
    return r;
}

// ---- the rest of the job

static void put_reduce(struct making *m, struct node *root)
{
    const struct oneliner *o = m->o;
    if (!o->reduce)
        return;
    bool is_kernel = strncmp(o->reduce, "builtin:", 8) == 0 || strstr(o->reduce, ".so:");
    struct node *reduce = tree_put(&m->tree, root, "reduce", tree_map(&m->tree, NULL));
    making_put(m, reduce, is_kernel ? "kernel" : "pipe", o->reduce, "--reduce");
    // A script may not be able to take its own output as input.
    making_put(m, reduce, "fan_in", o->fan_in ? o->fan_in : is_kernel ? NULL : "all", "--fan-in");
}

// A new folder for --files alone. NULL: reported.
static const char *own_folder(struct making *m)
{
    const char *root = getenv("TMPDIR");
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/fanmill-files-XXXXXX", root && *root ? root : "/tmp");
    if (m->o->run.dry_run)
        return making_text(m, "%s", path);
    if (n < 0 || (size_t)n >= sizeof(path) || !mkdtemp(path)) {
        making_mistake(m->o, "--files: can't make a folder in '%s': %s", root ? root : "/tmp",
                       strerror(errno));
        return NULL;
    }
    return making_text(m, "%s", path);
}

// As GNU parallel names them: 1/FIRST/2/SECOND.
static const char *results_name(struct making *m)
{
    const struct oneliner *o = m->o;
    size_t n = m->source.kind == SOURCE_MATRIX ? matrix_n_columns(m->source.matrix) : 1;
    bool one_item =
        o->kind == ONELINER_MAP && !o->many && (!o->items || strcmp(o->items, "1") == 0);
    if (!one_item)
        return "{#}";
    const char *name = n > 1 ? "" : "1/{}";
    for (size_t i = 1; n > 1 && i <= n; i++)
        name = making_text(m, "%s%s%zu/{%zu}", name, i > 1 ? "/" : "", i, i);
    return name;
}

static int put_sink(struct making *m, struct node *root)
{
    const struct oneliner *o = m->o;
    const char *dir = o->results ? o->results : o->out_dir;
    if (o->lists && !dir && !(dir = own_folder(m)))
        return -EINVAL;
    if (!o->output && !dir)
        return 0;
    struct node *sink = tree_put(&m->tree, root, "sink", tree_map(&m->tree, NULL));
    making_put(m, sink, "file", o->output, "-o");
    making_put(m, sink, "dir", dir, o->results ? "--results" : "--out-dir");
    making_put(m, sink, "each", o->results ? "folder" : NULL, "--results");
    if (dir)
        making_put(m, sink, "name",
                   o->name      ? o->name
                   : o->results ? results_name(m)
                                : NAME_DEFAULT,
                   "--name");
    return 0;
}

// When to end, in GNU parallel's words.
static int put_halt(struct making *m, struct node *root)
{
    const struct oneliner *o = m->o;
    const char *halt = o->halt;
    if (!halt)
        return 0;
    if (o->on_error || o->max_failures)
        return making_mistake(o, "use either --halt or --on-error and --max-failures");
    if (strcmp(halt, "0") == 0 || strcmp(halt, "never") == 0)
        return 0;
    if (strcmp(halt, "1") == 0 || strcmp(halt, "2") == 0) // as older versions have it
        halt = *halt == '1' ? "soon,fail=1" : "now,fail=1";
    static const char *const whats[][2] = {
        {"fail=", "failed"}, {"success=", "ok"}, {"done=", "done"}};
    bool is_now = strncmp(halt, "now,", 4) == 0;
    const char *what = is_now ? halt + 4 : strncmp(halt, "soon,", 5) == 0 ? halt + 5 : "";
    for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
        size_t len = strlen(whats[i][0]);
        if (strncmp(what, whats[i][0], len) != 0)
            continue;
        struct node *until = tree_put(&m->tree, root, "until", tree_map(&m->tree, "--halt"));
        making_put(m, until, whats[i][1], what + len, "--halt");
        making_put(m, until, "running", is_now ? "stop" : "finish", "--halt");
        return 0;
    }
    return making_mistake(
        o,
        "--halt is never, or now or soon, then fail=N, success=N or done=N, or N%%: "
        "now,fail=1, not '%s'",
        halt);
}

// The job's name in messages: its program's.
static const char *job_name(struct making *m)
{
    const struct oneliner *o = m->o;
    char name[PLAN_NAME_MAX + 1];
    const char *text = o->words ? o->words[0] : NULL;
    if (o->kind == ONELINER_CALL) {
        const char *colon = strrchr(o->kernel, ':');
        text = colon ? colon + 1 : o->kernel;
    }
    job_name_of(text, o->kind != ONELINER_CALL && o->n_words == 1, name, sizeof(name));
    return name[0] ? making_text(m, "%s", name) : o->command;
}

static int put_job(struct making *m, struct node *root)
{
    const struct oneliner *o = m->o;
    const char *name = job_name(m);
    making_put(m, root, "version", "1", NULL);
    making_put(m, root, "name", strchr(name, ' ') ? strchr(name, ' ') + 1 : name, NULL);
    int r = put_source(m, root);
    if (r == 0)
        r = put_chunk(m, root);
    if (r == 0)
        r = put_stage(m, root);
    put_reduce(m, root);
    if (r == 0)
        r = put_sink(m, root);
    making_put(m, root, "order", o->unordered ? "completion" : NULL, "--unordered");
    making_put(m, root, "on_error", o->on_error, "--on-error");
    making_put(m, root, "max_failures", o->max_failures, "--max-failures");
    if (r == 0)
        r = put_halt(m, root);
    return r < 0 ? r : m->tree.error;
}

int oneliner_plan(const struct oneliner *o, struct plan **ret)
{
    _cleanup_(making_done)
    struct making m = {.o = o};
    _cleanup_(load_report_done)
    struct load_report report = {0};
    char command[64];
    m.tree.arena = &m.arena;
    struct node *root = tree_map(&m.tree, NULL);
    int r = put_job(&m, root);
    if (r == -ENOMEM)
        args_mistake(o->command, "out of memory");
    if (r < 0)
        return r;
    bool has_source = o->kind != ONELINER_PIPE && (!o->range || m.source.n_texts);
    const struct load_options load = {.parallelism = o->run.slots,
                                      .source = has_source ? &m.source : NULL};
    snprintf(command, sizeof(command), "fanmill %s", o->command);
    r = load_tree(command, ".", root, &load, ret, &report);
    fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
    if (r == 0 && o->run.json)
        (*ret)->sink.format = FORMAT_JSON;
    // At a terminal one wants to see what a command says even when it fails.
    if (r == 0) {
        (*ret)->sink.failed_too = true;
        (*ret)->sink.lists = o->lists;
        (*ret)->is_oneliner = true;
    }
    return r;
}
