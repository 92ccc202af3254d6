#include "pipelines/plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pack.h"
#include "pipelines/build/rules.h"
#include "pipelines/plan_source.h"

#define PLAN_FIELDS 7
#define STEP_FIELDS 13
#define STAGE_FIELDS 12
#define KERNEL_FIELDS 4
#define WHOLE_FIELDS 13
#define SINK_FIELDS 6

static void free_words(char **words, size_t n)
{
    for (size_t i = 0; words && i < n; i++)
        free(words[i]);
    free(words);
}

static void free_list(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

static void free_pairs(struct plan_pair *pairs, size_t n)
{
    for (size_t i = 0; pairs && i < n; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
    free(pairs);
}

static void stage_done(struct stage *stage)
{
    free(stage->name);
    free_words(stage->words, stage->n_words);
    free_list(stage->shell);
    free(stage->workdir);
    free_pairs(stage->env, stage->n_env);
    free(stage->library);
    free(stage->library_at);
    free(stage->function);
    free_pairs(stage->args, stage->n_args);
}

struct plan *plan_free(struct plan *plan)
{
    if (!plan)
        return NULL;
    free(plan->name);
    free(plan->directory);
    free_pairs(plan->params, plan->n_params);
    free_pairs(plan->env, plan->n_env);
    plan_source_done(&plan->source);
    for (size_t i = 0; plan->steps && i < plan->n_steps; i++) {
        for (size_t j = 0; plan->steps[i].stages && j < plan->steps[i].n_stages; j++)
            stage_done(&plan->steps[i].stages[j]);
        free(plan->steps[i].stages);
        for (size_t j = 0; plan->steps[i].labels && j < plan->steps[i].n_labels; j++)
            free(plan->steps[i].labels[j].name);
        free(plan->steps[i].labels);
    }
    free(plan->steps);
    free(plan->sink.path);
    free(plan->sink.name);
    free(plan);
    return NULL;
}

bool plan_name_ok(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= PLAN_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

bool plan_label_ok(const char *name)
{
    return plan_name_ok(name) && strlen(name) <= PLAN_LABEL_MAX;
}

bool plan_range_ok(const struct range *range)
{
    int64_t span, last;
    if (range->step == 0 || range->count > INT64_MAX)
        return false;
    if (range->count == 0)
        return true;
    return !__builtin_mul_overflow((int64_t)(range->count - 1), range->step, &span) &&
           !__builtin_add_overflow(range->start, span, &last);
}

static void put_pairs(struct pack_writer *w, const struct plan_pair *pairs, size_t n)
{
    pack_map(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        pack_str(w, pairs[i].name);
        pack_str(w, pairs[i].value);
    }
}

static void put_words(struct pack_writer *w, char *const *words, size_t n)
{
    pack_array(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        pack_str(w, words[i]);
}

static void put_stage(struct pack_writer *w, const struct stage *stage, const char *library_at)
{
    size_t n_shell = 0;
    while (stage->shell && stage->shell[n_shell])
        n_shell++;
    pack_array(w, STAGE_FIELDS);
    pack_u64(w, stage->kind);
    pack_str(w, stage->name);
    pack_bool(w, stage->is_script);
    put_words(w, stage->words, stage->n_words);
    put_words(w, stage->shell, n_shell);
    pack_str(w, stage->workdir);
    put_pairs(w, stage->env, stage->n_env);
    pack_array(w, KERNEL_FIELDS);
    pack_str(w, stage->library);
    pack_str(w, stage->function);
    pack_bin(w, stage->digest, sizeof(stage->digest));
    pack_str(w, library_at);
    put_pairs(w, stage->args, stage->n_args);
    pack_i64(w, stage->timeout_ns);
    pack_bool(w, stage->is_batch);
    pack_bool(w, stage->has_tag);
}

static void put_step(struct pack_writer *w, const struct step *step, char *const *library_at)
{
    pack_array(w, STEP_FIELDS);
    pack_u64(w, step->chunking.rule);
    pack_u64(w, step->chunking.n);
    pack_bool(w, step->is_reduce);
    pack_u64(w, step->fan_in);
    pack_u64(w, step->retry.limit);
    pack_i64(w, step->retry.delay_ns);
    pack_f64(w, step->retry.backoff);
    pack_i64(w, step->retry.max_delay_ns);
    pack_f64(w, step->cpus);
    pack_u64(w, step->memory_bytes);
    pack_f64(w, step->gpus);
    pack_map(w, (uint32_t)step->n_labels);
    for (size_t i = 0; i < step->n_labels; i++) {
        pack_str(w, step->labels[i].name);
        pack_f64(w, step->labels[i].amount);
    }
    pack_array(w, (uint32_t)step->n_stages);
    for (size_t i = 0; i < step->n_stages; i++)
        put_stage(w, &step->stages[i], library_at ? library_at[i] : NULL);
}

int plan_pack_step(const struct plan *plan, size_t step, char *const *library_at, struct buf *out)
{
    struct pack_writer w;
    size_t before = out->len;
    if (step >= plan->n_steps)
        return -EINVAL;
    pack_writer_init(&w, out);
    pack_array(&w, PLAN_FIELDS);
    pack_str(&w, plan->name);
    pack_str(&w, plan->directory);
    put_pairs(&w, plan->params, plan->n_params);
    put_pairs(&w, plan->env, plan->n_env);
    plan_source_pack(&w, &plan->source, false, step == 0);
    pack_bool(&w, plan->partial && step + 1 == plan->n_steps && !plan->steps[step].is_reduce);
    put_step(&w, &plan->steps[step], library_at);
    if (w.error == 0 && out->len - before > PLAN_PACKED_MAX)
        w.error = -ENOBUFS;
    if (w.error < 0)
        out->len = before;
    return w.error;
}

static void expect_array(struct pack_reader *r, uint32_t n)
{
    if (pack_read_array(r, n) != n)
        pack_fail(r);
}

// NULL for nil.
static char *get_optional(struct pack_reader *r)
{
    return pack_read_nil(r) ? NULL : pack_read_strdup(r, PLAN_PACKED_MAX);
}

// Both of these leave an array whose count is right at any time, so that a failure half-way frees
// exactly what is there.
static void get_pairs(struct pack_reader *r, struct plan_pair **ret, size_t *ret_n)
{
    uint32_t n = pack_read_map(r, PLAN_ARGS_MAX);
    if (n == 0)
        return;
    struct plan_pair *pairs = calloc(n, sizeof(*pairs));
    if (!pairs) {
        pack_fail(r);
        return;
    }
    *ret = pairs;
    *ret_n = n;
    for (uint32_t i = 0; i < n && pack_ok(r); i++) {
        pairs[i].name = pack_read_strdup(r, PLAN_PACKED_MAX);
        pairs[i].value = pack_read_strdup(r, PLAN_PACKED_MAX);
    }
}

static void get_words(struct pack_reader *r, char ***ret, size_t *ret_n)
{
    uint32_t n = pack_read_array(r, PLAN_ARGS_MAX);
    if (n == 0)
        return;
    char **words = calloc((size_t)n + 1, sizeof(*words));
    if (!words) {
        pack_fail(r);
        return;
    }
    *ret = words;
    *ret_n = n;
    for (uint32_t i = 0; i < n && pack_ok(r); i++)
        words[i] = pack_read_strdup(r, PLAN_PACKED_MAX);
}

static void get_stage(struct pack_reader *r, struct stage *stage)
{
    size_t n_shell = 0;
    expect_array(r, STAGE_FIELDS);
    stage->kind = (enum stage_kind)pack_read_u64(r, STAGE_KERNEL);
    stage->name = get_optional(r);
    stage->is_script = pack_read_bool(r);
    get_words(r, &stage->words, &stage->n_words);
    get_words(r, &stage->shell, &n_shell);
    stage->workdir = get_optional(r);
    get_pairs(r, &stage->env, &stage->n_env);
    expect_array(r, KERNEL_FIELDS);
    stage->library = get_optional(r);
    stage->function = get_optional(r);
    pack_read_exact(r, stage->digest, sizeof(stage->digest));
    stage->library_at = get_optional(r);
    get_pairs(r, &stage->args, &stage->n_args);
    stage->timeout_ns = pack_read_i64(r);
    stage->is_batch = pack_read_bool(r);
    stage->has_tag = pack_read_bool(r);
    if (!pack_ok(r))
        return;
    bool is_kernel = stage->kind == STAGE_KERNEL;
    if (is_kernel != (stage->function != NULL) || is_kernel != (stage->n_words == 0) ||
        (stage->is_script && (stage->n_words != 1 || n_shell == 0)) ||
        (stage->library && (!is_kernel || stage->library[0] != '/')) ||
        (stage->library_at && (!stage->library || stage->library_at[0] != '/')) ||
        stage->timeout_ns < 0 ||
        (stage->kind != STAGE_COMMAND && (stage->is_batch || stage->has_tag)))
        pack_fail(r);
}

static bool amount_ok(double amount)
{
    return isfinite(amount) && amount >= 0 && amount <= 1e6;
}

static void get_labels(struct pack_reader *r, struct step *step)
{
    uint32_t n = pack_read_map(r, PLAN_LABELS_MAX);
    if (n == 0)
        return;
    step->labels = calloc(n, sizeof(*step->labels));
    if (!step->labels) {
        pack_fail(r);
        return;
    }
    step->n_labels = n;
    for (uint32_t i = 0; i < n && pack_ok(r); i++) {
        step->labels[i].name = pack_read_strdup(r, PLAN_LABEL_MAX);
        step->labels[i].amount = pack_read_f64(r);
        if (pack_ok(r) &&
            (!plan_label_ok(step->labels[i].name) || !amount_ok(step->labels[i].amount)))
            pack_fail(r);
    }
}

static void get_step(struct pack_reader *r, struct step *step)
{
    expect_array(r, STEP_FIELDS);
    step->chunking.rule = (enum chunk_rule)pack_read_u64(r, CHUNK_PARTS);
    step->chunking.n = pack_read_u64(r, UINT64_MAX);
    step->is_reduce = pack_read_bool(r);
    step->fan_in = (uint32_t)pack_read_u64(r, UINT32_MAX);
    step->retry.limit = (uint32_t)pack_read_u64(r, UINT32_MAX);
    step->retry.delay_ns = pack_read_i64(r);
    step->retry.backoff = pack_read_f64(r);
    step->retry.max_delay_ns = pack_read_i64(r);
    step->cpus = pack_read_f64(r);
    step->memory_bytes = pack_read_u64(r, INT64_MAX);
    step->gpus = pack_read_f64(r);
    get_labels(r, step);
    uint32_t n = pack_read_array(r, PLAN_STAGES_MAX);
    bool bad = n == 0 || step->fan_in == 1 || step->retry.delay_ns < 0 ||
               step->retry.max_delay_ns < 0 || !isfinite(step->retry.backoff) ||
               step->retry.backoff < 0 || !amount_ok(step->cpus) || !amount_ok(step->gpus) ||
               (step->chunking.rule == CHUNK_AUTO) != (step->chunking.n == 0);
    if (!pack_ok(r))
        return;
    if (bad || !(step->stages = calloc(n, sizeof(*step->stages)))) {
        pack_fail(r);
        return;
    }
    step->n_stages = n;
    for (uint32_t i = 0; i < n && pack_ok(r); i++)
        get_stage(r, &step->stages[i]);
}

static int read_plan(struct plan *plan, const void *data, size_t len, struct err *err)
{
    if (len > PLAN_PACKED_MAX)
        return err_set(err, -EPROTO, "a step of %zu bytes is over the limit of %u", len,
                       PLAN_PACKED_MAX);
    plan->steps = calloc(1, sizeof(*plan->steps));
    if (!plan->steps)
        return err_sys(err, -ENOMEM, "step");
    plan->n_steps = 1;

    struct pack_reader r;
    pack_reader_init(&r, data, len);
    expect_array(&r, PLAN_FIELDS);
    plan->name = pack_read_strdup(&r, PLAN_NAME_MAX);
    plan->directory = pack_read_strdup(&r, PLAN_PACKED_MAX);
    get_pairs(&r, &plan->params, &plan->n_params);
    get_pairs(&r, &plan->env, &plan->n_env);
    plan_source_unpack(&r, &plan->source, false);
    plan->partial = pack_read_bool(&r);
    get_step(&r, &plan->steps[0]);
    if (!pack_at_end(&r) || !plan_name_ok(plan->name) || plan->directory[0] != '/')
        return err_set(err, -EPROTO, "a step that can't be decoded");
    plan->max_failures = UINT64_MAX;
    return 0;
}

int plan_unpack_step(const void *data, size_t len, struct plan **ret, struct err *err)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return err_sys(err, -ENOMEM, "step");
    int r = read_plan(plan, data, len, err);
    if (r < 0)
        plan = plan_free(plan);
    *ret = plan;
    return r;
}

int plan_pack(const struct plan *plan, struct buf *out)
{
    struct pack_writer w;
    size_t before = out->len;
    pack_writer_init(&w, out);
    pack_array(&w, WHOLE_FIELDS);
    pack_str(&w, plan->name);
    pack_str(&w, plan->directory);
    put_pairs(&w, plan->params, plan->n_params);
    put_pairs(&w, plan->env, plan->n_env);
    plan_source_pack(&w, &plan->source, true, true);
    pack_array(&w, (uint32_t)plan->n_steps);
    for (size_t i = 0; i < plan->n_steps; i++)
        put_step(&w, &plan->steps[i], NULL);
    pack_array(&w, SINK_FIELDS);
    pack_u64(&w, plan->sink.kind);
    pack_u64(&w, plan->sink.format);
    pack_u64(&w, plan->sink.if_exists);
    pack_str(&w, plan->sink.path);
    pack_str(&w, plan->sink.name);
    pack_bool(&w, plan->sink.failed_too);
    pack_u64(&w, plan->order);
    pack_u64(&w, plan->on_error);
    pack_u64(&w, plan->max_failures);
    pack_u64(&w, plan->max_failures_bp);
    pack_u64(&w, plan->crash_limit);
    pack_u64(&w, plan->parallelism);
    if (w.error == 0 && out->len - before > PLAN_WHOLE_MAX)
        w.error = -ENOBUFS;
    if (w.error < 0)
        out->len = before;
    return w.error;
}

static void get_steps(struct pack_reader *r, struct plan *plan)
{
    uint32_t n = pack_read_array(r, PLAN_STEPS_MAX);
    if (n < 1 || !pack_ok(r) || !(plan->steps = calloc(n, sizeof(*plan->steps)))) {
        pack_fail(r);
        return;
    }
    plan->n_steps = n;
    for (uint32_t i = 0; i < n && pack_ok(r); i++)
        get_step(r, &plan->steps[i]);
    for (uint32_t i = 0; i + 1 < n; i++)
        if (plan->steps[i].is_reduce) // only the last may
            pack_fail(r);
}

static void get_sink(struct pack_reader *r, struct sink *sink)
{
    expect_array(r, SINK_FIELDS);
    sink->kind = (enum sink_kind)pack_read_u64(r, SINK_NONE);
    sink->format = (enum sink_format)pack_read_u64(r, FORMAT_JSON);
    sink->if_exists = (enum if_exists)pack_read_u64(r, EXISTS_SKIP);
    sink->path = get_optional(r);
    sink->name = get_optional(r);
    sink->failed_too = pack_read_bool(r);
    bool has_path = sink->kind == SINK_FILE || sink->kind == SINK_DIR;
    if (has_path != (sink->path != NULL))
        pack_fail(r);
}

static int read_whole(struct plan *plan, const void *data, size_t len, struct err *err)
{
    struct pack_reader r;
    if (len > PLAN_WHOLE_MAX)
        return err_set(err, -EPROTO, "a plan of %zu bytes is over the limit of %u", len,
                       PLAN_WHOLE_MAX);
    pack_reader_init(&r, data, len);
    expect_array(&r, WHOLE_FIELDS);
    plan->name = pack_read_strdup(&r, PLAN_NAME_MAX);
    plan->directory = pack_read_strdup(&r, PLAN_PACKED_MAX);
    get_pairs(&r, &plan->params, &plan->n_params);
    get_pairs(&r, &plan->env, &plan->n_env);
    plan_source_unpack(&r, &plan->source, true);
    get_steps(&r, plan);
    get_sink(&r, &plan->sink);
    plan->order = (enum order)pack_read_u64(&r, ORDER_COMPLETION);
    plan->on_error = (enum on_error)pack_read_u64(&r, ON_ERROR_STOP);
    plan->max_failures = pack_read_u64(&r, UINT64_MAX);
    plan->max_failures_bp = (uint32_t)pack_read_u64(&r, 10000);
    plan->crash_limit = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    plan->parallelism = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    if (!pack_at_end(&r) || !plan_name_ok(plan->name) || plan->directory[0] != '/')
        return err_set(err, -EPROTO, "a plan that can't be decoded");
    return 0;
}

int plan_unpack(const void *data, size_t len, bool partial, struct plan **ret, struct err *err)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return err_sys(err, -ENOMEM, "plan");
    plan->partial = partial;
    int r = read_whole(plan, data, len, err);
    if (r < 0)
        plan = plan_free(plan);
    *ret = plan;
    return r;
}
