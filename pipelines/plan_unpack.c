#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pack.h"
#include "pipelines/plan_parts.h"

// NULL for nil.
static char *get_optional(struct pack_reader *r)
{
    return pack_read_nil(r) ? NULL : pack_read_strdup(r, PLAN_PACKED_MAX);
}

// The count is right at any time, so that a failure half-way frees exactly what exists.
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

static void get_stage(struct pack_reader *r, struct stage *stage)
{
    size_t n_shell = 0;
    plan_expect_array(r, STAGE_FIELDS);
    stage->kind = (enum stage_kind)pack_read_u64(r, STAGE_KERNEL);
    stage->name = get_optional(r);
    stage->is_script = pack_read_bool(r);
    plan_get_words(r, PLAN_ARGS_MAX, &stage->words, &stage->n_words);
    plan_get_words(r, PLAN_ARGS_MAX, &stage->shell, &n_shell);
    stage->workdir = get_optional(r);
    get_pairs(r, &stage->env, &stage->n_env);
    plan_expect_array(r, KERNEL_FIELDS);
    stage->library = get_optional(r);
    stage->function = get_optional(r);
    pack_read_exact(r, stage->digest, sizeof(stage->digest));
    stage->library_at = get_optional(r);
    get_pairs(r, &stage->args, &stage->n_args);
    stage->timeout_ns = pack_read_i64(r);
    stage->nice = (uint32_t)pack_read_u64(r, PLAN_NICE_MAX);
    stage->stdin_is_file = pack_read_bool(r);
    stage->is_batch = pack_read_bool(r);
    stage->has_tag = pack_read_bool(r);
    stage->leftovers = (enum leftovers)pack_read_u64(r, LEFTOVERS_KEEP_FOREVER);
    stage->leftovers_wait_ns = pack_read_i64(r);
    if (!pack_ok(r))
        return;
    bool is_kernel = stage->kind == STAGE_KERNEL;
    if (is_kernel != (stage->function != NULL) || is_kernel != (stage->n_words == 0) ||
        (stage->is_script && (stage->n_words != 1 || n_shell == 0)) ||
        (stage->library && (!is_kernel || stage->library[0] != '/')) ||
        (stage->library_at && (!stage->library || stage->library_at[0] != '/')) ||
        stage->timeout_ns < 0 || stage->leftovers_wait_ns < 0 ||
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
    plan_expect_array(r, STEP_FIELDS);
    step->chunking.rule = (enum chunk_rule)pack_read_u64(r, CHUNK_PARTS);
    step->chunking.n = pack_read_u64(r, UINT64_MAX);
    step->is_reduce = pack_read_bool(r);
    step->fan_in = (uint32_t)pack_read_u64(r, UINT32_MAX);
    step->retry.limit = (uint32_t)pack_read_u64(r, UINT32_MAX);
    step->retry.delay_ns = pack_read_i64(r);
    step->retry.backoff = pack_read_f64(r);
    step->retry.max_delay_ns = pack_read_i64(r);
    step->throttle.delay_ns = pack_read_i64(r);
    step->throttle.load = (uint32_t)pack_read_u64(r, UINT32_MAX);
    step->throttle.load_percent = (uint32_t)pack_read_u64(r, UINT32_MAX);
    step->throttle.memfree_bytes = pack_read_u64(r, INT64_MAX);
    step->timeout_percent = (uint32_t)pack_read_u64(r, UINT32_MAX);
    step->time_ns = pack_read_i64(r);
    step->cpus = pack_read_f64(r);
    step->memory_bytes = pack_read_u64(r, INT64_MAX);
    step->gpus = pack_read_f64(r);
    get_labels(r, step);
    uint32_t n = pack_read_array(r, PLAN_STAGES_MAX);
    bool bad = n == 0 || step->time_ns < 0 || step->fan_in == 1 || step->retry.delay_ns < 0 ||
               step->retry.max_delay_ns < 0 || !isfinite(step->retry.backoff) ||
               step->retry.backoff < 0 || step->throttle.delay_ns < 0 || !amount_ok(step->cpus) ||
               !amount_ok(step->gpus) ||
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

static void get_head(struct pack_reader *r, struct plan *plan)
{
    plan->name = pack_read_strdup(r, PLAN_NAME_MAX);
    plan->directory = pack_read_strdup(r, PLAN_PACKED_MAX);
    get_pairs(r, &plan->params, &plan->n_params);
    get_pairs(r, &plan->env, &plan->n_env);
    if (pack_ok(r) && (!plan_name_ok(plan->name) || plan->directory[0] != '/'))
        pack_fail(r);
}

static void get_steps(struct pack_reader *r, uint32_t n, struct plan *plan)
{
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
    plan_expect_array(r, SINK_FIELDS);
    sink->kind = (enum sink_kind)pack_read_u64(r, SINK_NONE);
    sink->format = (enum sink_format)pack_read_u64(r, FORMAT_JSON);
    sink->if_exists = (enum if_exists)pack_read_u64(r, EXISTS_SKIP);
    sink->path = get_optional(r);
    sink->name = get_optional(r);
    sink->failed_too = pack_read_bool(r);
    sink->folders = pack_read_bool(r);
    sink->lists = pack_read_bool(r);
    bool has_path = sink->kind == SINK_FILE || sink->kind == SINK_DIR;
    if (has_path != (sink->path != NULL))
        pack_fail(r);
}

static void get_step_plan(struct pack_reader *r, struct plan *plan)
{
    plan_expect_array(r, PLAN_FIELDS);
    get_head(r, plan);
    plan_source_unpack(r, &plan->source, false);
    plan->partial = pack_read_bool(r);
    get_steps(r, 1, plan);
    plan->max_failures = UINT64_MAX;
}

static void get_whole_plan(struct pack_reader *r, struct plan *plan)
{
    plan_expect_array(r, WHOLE_FIELDS);
    get_head(r, plan);
    plan_source_unpack(r, &plan->source, true);
    get_steps(r, pack_read_array(r, PLAN_STEPS_MAX), plan);
    get_sink(r, &plan->sink);
    plan->order = (enum order)pack_read_u64(r, ORDER_COMPLETION);
    plan->on_error = (enum on_error)pack_read_u64(r, ON_ERROR_STOP);
    int64_t priority = pack_read_i64(r);
    if (priority < -PLAN_PRIORITY_MAX || priority > PLAN_PRIORITY_MAX)
        pack_fail(r);
    plan->priority = (int32_t)priority;
    plan->max_failures = pack_read_u64(r, UINT64_MAX);
    plan->max_failures_bp = (uint32_t)pack_read_u64(r, 10000);
    plan->until.what = (enum until)pack_read_u64(r, UNTIL_FAILED);
    plan->until.n = pack_read_u64(r, UINT64_MAX);
    plan->until.bp = (uint32_t)pack_read_u64(r, 10000);
    plan->until.stops = pack_read_bool(r);
    plan->crash_limit = (uint32_t)pack_read_u64(r, UINT32_MAX);
    plan->parallelism = (uint32_t)pack_read_u64(r, UINT32_MAX);
}

// `what`: "step" or "plan", for the text of an error.
static int unpack(const void *data, size_t len, size_t max, const char *what,
                  void (*get)(struct pack_reader *r, struct plan *plan), struct plan **ret,
                  struct err *err)
{
    *ret = NULL;
    if (len > max)
        return err_set(err, -EPROTO, "a %s of %zu bytes exceeds the limit of %zu", what, len, max);
    _cleanup_(plan_free_ptr)
    struct plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return err_sys(err, -ENOMEM, "%s", what);
    struct pack_reader r;
    pack_reader_init(&r, data, len);
    get(&r, plan);
    if (!pack_at_end(&r))
        return err_set(err, -EPROTO, "a %s that can't be decoded", what);
    *ret = take(plan);
    return 0;
}

int plan_unpack_step(const void *data, size_t len, struct plan **ret, struct err *err)
{
    return unpack(data, len, PLAN_PACKED_MAX, "step", get_step_plan, ret, err);
}

int plan_unpack(const void *data, size_t len, bool partial, struct plan **ret, struct err *err)
{
    int r = unpack(data, len, PLAN_WHOLE_MAX, "plan", get_whole_plan, ret, err);
    if (*ret)
        (*ret)->partial = partial;
    return r;
}
