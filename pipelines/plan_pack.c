#include <errno.h>

#include "base/pack.h"
#include "pipelines/plan_parts.h"

static void put_pairs(struct pack_writer *w, const struct plan_pair *pairs, size_t n)
{
    pack_map(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        pack_str(w, pairs[i].name);
        pack_str(w, pairs[i].value);
    }
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
    plan_put_words(w, stage->words, stage->n_words);
    plan_put_words(w, stage->shell, n_shell);
    pack_str(w, stage->workdir);
    put_pairs(w, stage->env, stage->n_env);
    pack_array(w, KERNEL_FIELDS);
    pack_str(w, stage->library);
    pack_str(w, stage->function);
    pack_bin(w, stage->digest, sizeof(stage->digest));
    pack_str(w, library_at);
    put_pairs(w, stage->args, stage->n_args);
    pack_i64(w, stage->timeout_ns);
    pack_u64(w, stage->nice);
    pack_bool(w, stage->stdin_is_file);
    pack_bool(w, stage->is_batch);
    pack_bool(w, stage->has_tag);
    pack_u64(w, stage->leftovers);
    pack_i64(w, stage->leftovers_wait_ns);
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
    pack_i64(w, step->throttle.delay_ns);
    pack_u64(w, step->throttle.load);
    pack_u64(w, step->throttle.load_percent);
    pack_u64(w, step->throttle.memfree_bytes);
    pack_u64(w, step->timeout_percent);
    pack_i64(w, step->time_ns);
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

static void put_head(struct pack_writer *w, const struct plan *plan)
{
    pack_str(w, plan->name);
    pack_str(w, plan->directory);
    put_pairs(w, plan->params, plan->n_params);
    put_pairs(w, plan->env, plan->n_env);
}

// What was written since `before` is taken back if it is too long, or after an error.
static int finish(const struct pack_writer *w, struct buf *out, size_t before, size_t max)
{
    int r = w->error == 0 && out->len - before > max ? -ENOBUFS : w->error;
    if (r < 0)
        out->len = before;
    return r;
}

int plan_pack_step(const struct plan *plan, size_t step, char *const *library_at, struct buf *out)
{
    struct pack_writer w;
    size_t before = out->len;
    if (step >= plan->n_steps)
        return -EINVAL;
    pack_writer_init(&w, out);
    pack_array(&w, PLAN_FIELDS);
    put_head(&w, plan);
    plan_source_pack(&w, &plan->source, false, step == 0);
    pack_bool(&w, plan->partial && step + 1 == plan->n_steps && !plan->steps[step].is_reduce);
    put_step(&w, &plan->steps[step], library_at);
    return finish(&w, out, before, PLAN_PACKED_MAX);
}

int plan_pack(const struct plan *plan, struct buf *out)
{
    struct pack_writer w;
    size_t before = out->len;
    pack_writer_init(&w, out);
    pack_array(&w, WHOLE_FIELDS);
    put_head(&w, plan);
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
    pack_bool(&w, plan->sink.folders);
    pack_bool(&w, plan->sink.lists);
    pack_u64(&w, plan->order);
    pack_u64(&w, plan->on_error);
    pack_i64(&w, plan->priority);
    pack_u64(&w, plan->max_failures);
    pack_u64(&w, plan->max_failures_bp);
    pack_u64(&w, plan->until.what);
    pack_u64(&w, plan->until.n);
    pack_u64(&w, plan->until.bp);
    pack_bool(&w, plan->until.stops);
    pack_u64(&w, plan->crash_limit);
    pack_u64(&w, plan->parallelism);
    return finish(&w, out, before, PLAN_WHOLE_MAX);
}
