// Stages to steps: consecutive stages are fused; one with a chunk rule of its own, or with other
// resources or retries, begins a new step; the reduce is the last.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/parse.h"
#include "pipelines/build/build.h"
#include "pipelines/build/build_stage.h"

#define FAN_IN_DEFAULT 16

static bool same_retry(const struct retry_policy *a, const struct retry_policy *b)
{
    return a->limit == b->limit && a->delay_ns == b->delay_ns && a->backoff == b->backoff &&
           a->max_delay_ns == b->max_delay_ns;
}

static void keep_labels(struct builder *b, struct step *step, const struct node *labels)
{
    if (!labels || !labels->n || b->diag->n_errors)
        return;
    step->labels = calloc(labels->n, sizeof(*step->labels));
    if (!step->labels) {
        b->error = -ENOMEM;
        return;
    }
    for (const struct node *node = labels->first; node; node = node->next)
        step->labels[step->n_labels++] = (struct plan_label){.name = keep(b, node->key->text),
                                                             .amount = strtod(node->text, NULL)};
}

// Takes the stage over in any case. NULL when out of memory.
static struct step *step_add(struct builder *b, struct draft *draft, bool begin)
{
    struct plan *plan = b->plan;
    if (begin) {
        if (grow(plan->steps, plan->n_steps, 1) < 0) {
            b->error = -ENOMEM;
            return NULL;
        }
        plan->steps[plan->n_steps++] = (struct step){.retry = draft->retry,
                                                     .throttle = draft->throttle,
                                                     .time_ns = draft->time_ns,
                                                     .cpus = draft->cpus,
                                                     .memory_bytes = draft->memory_bytes,
                                                     .gpus = draft->gpus};
        keep_labels(b, &plan->steps[plan->n_steps - 1], draft->labels);
    }
    struct step *step = &plan->steps[plan->n_steps - 1];
    if (grow(step->stages, step->n_stages, 1) < 0) {
        b->error = -ENOMEM;
        return NULL;
    }
    step->stages[step->n_stages++] = draft->stage;
    if (draft->timeout_percent > step->timeout_percent)
        step->timeout_percent = draft->timeout_percent;
    return step;
}

// A draft's stage before the plan has it, as a plan of its own, so that one function frees it.
static void drop_stage(struct stage *stage)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    struct step *step = calloc(1, sizeof(*step));
    struct stage *copy = calloc(1, sizeof(*copy));
    if (!plan || !step || !copy) {
        free(plan);
        free(step);
        free(copy);
        return;
    }
    *copy = *stage;
    *step = (struct step){.stages = copy, .n_stages = 1};
    plan->steps = step;
    plan->n_steps = 1;
    plan_free(plan);
}

static bool begins_step(const struct builder *b, const struct draft *draft)
{
    if (b->plan->n_steps == 0 || draft->has_chunk)
        return true;
    const struct step *step = &b->plan->steps[b->plan->n_steps - 1];
    return throttle_is_set(&draft->throttle) ||
           (draft->has_retry && !same_retry(&draft->retry, &step->retry)) ||
           (draft->has_time && draft->time_ns != step->time_ns) ||
           (draft->has_resources &&
            (draft->cpus != step->cpus || draft->memory_bytes != step->memory_bytes ||
             draft->gpus != step->gpus || draft->labels || step->n_labels));
}

static bool has_command(const struct step *step)
{
    for (size_t i = 0; i < step->n_stages; i++)
        if (step->stages[i].kind == STAGE_COMMAND)
            return true;
    return false;
}

// Whether the source allows a rule for its chunks.
static void check_first_chunk(struct builder *b, struct node *node, enum chunk_rule rule)
{
    const struct source *source = &b->plan->source;
    const char *word = source_word(source->kind);
    struct node *record = node_get(node_get(b->root, "source"), "record");
    if (rule == CHUNK_LINES && source->kind == SOURCE_DATA && record &&
        !source->separator.end_len && !source->separator.start_len && node_get(record, "end"))
        refuse(b, node_get(record, "end"), NULL,
               "must not be empty unless chunks are cut by bytes");
    if (source->kind == SOURCE_DATA) {
        if (rule == CHUNK_ITEMS)
            refuse(b, node, "use {lines: N} or {bytes: SIZE}",
                   "source 'data' produces data, not items");
        for (size_t i = 0; rule == CHUNK_PARTS && i < source->n_texts; i++)
            if (strcmp(source->texts[i], "-") == 0)
                refuse(b, node, "use {bytes: SIZE}",
                       "'-' is a pipe, but parts needs a seekable file");
    } else if (rule == CHUNK_BYTES || rule == CHUNK_LINES) {
        refuse(b, node, "use {items: N}", "source '%s' produces items, not data", word);
    } else if (rule == CHUNK_PARTS &&
               (source->kind == SOURCE_LINES || source->kind == SOURCE_CSV)) {
        refuse(b, node, "use {items: N}", "the number of %s is not known until the end",
               source->kind == SOURCE_LINES ? "lines" : "rows");
    }
}

// `draft` began the step; its chunk rule is final once all of its stages are known.
static void settle_chunk(struct builder *b, struct step *step, bool is_first,
                         const struct draft *draft)
{
    struct node *node = node_get(draft->node, "chunk");
    step->chunking = draft->chunk;
    if (is_first && b->chunk_node) {
        if (node)
            refuse_key(b, node, NULL, "the job's own chunk already says how the source is cut");
        node = b->chunk_node;
        step->chunking = b->chunk;
    }
    if (is_first && b->has_source && node && !node->is_bad)
        check_first_chunk(b, node, step->chunking.rule);
    else if (!is_first && node && step->chunking.rule == CHUNK_PARTS)
        refuse(b, node, "use {items: N} or {bytes: SIZE}",
               "results arrive as they are produced: their number is not known");
    if (step->chunking.rule == CHUNK_AUTO && has_command(step) &&
        (!is_first || b->plan->source.kind != SOURCE_DATA))
        step->chunking =
            (struct chunking){CHUNK_ITEMS, step->stages[0].is_batch ? PLAN_BATCH_ITEMS : 1};
}

static void check_step(struct builder *b, const struct step *step, bool is_first,
                       struct draft *drafts)
{
    bool data = is_first ? b->plan->source.kind == SOURCE_DATA : step->chunking.rule != CHUNK_ITEMS;
    for (size_t i = 0; i < step->n_stages; i++) {
        struct draft *draft = &drafts[i];
        struct node *action;
        if (is_first && !b->has_source)
            continue;
        if (i > 0 && draft->stage.is_batch)
            refuse_key(b, node_get(draft->node, "batch"), "give this stage a chunk of its own",
                       "only the first stage of a step can be a batch");
        if (draft->stage.kind == STAGE_COMMAND && data) {
            action = node_get(draft->node, "command");
            refuse_key(b, action, "use pipe, which gets the data on standard input",
                       "runs once for each item, but %s",
                       is_first ? "source 'data' produces data" : "its chunks are data");
        } else if (draft->stage.kind == STAGE_COMMAND && i > 0 && step->chunking.n != 1 &&
                   (drafts[i - 1].stage.kind != STAGE_COMMAND || drafts[i - 1].stage.is_batch)) {
            action = node_get(draft->node, "command");
            refuse_key(
                b, action, "give this stage a chunk of its own: {items: 1}",
                "runs once for each item, but the previous stage produces one result for many");
        } else if (draft->stage.kind == STAGE_PIPE && is_first && i == 0 && !data) {
            warn_at(b, node_get(draft->node, "pipe"), NULL,
                    "source '%s' produces items, not data; each chunk is its items, one per line",
                    source_word(b->plan->source.kind));
        }
    }
}

static void check_stage_names(struct builder *b, struct draft *drafts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; drafts[i].stage.name && j < i; j++)
            if (drafts[j].stage.name && strcmp(drafts[i].stage.name, drafts[j].stage.name) == 0) {
                refuse(b, node_get(drafts[i].node, "name"), NULL, "another stage is named '%s'",
                       drafts[i].stage.name);
                break;
            }
}

static void build_reduce(struct builder *b, struct draft *draft)
{
    struct node *node = node_get(b->root, "reduce"), *fan_in;
    uint64_t n = FAN_IN_DEFAULT;
    if (!node || node->is_bad || !stage_read(b, node, SECTION_REDUCE, draft))
        return;
    fan_in = node_get(node, "fan_in");
    if (fan_in && fan_in->kind == NODE_SCALAR && strcmp(fan_in->text, "all") == 0)
        n = PLAN_FAN_IN_ALL;
    else if (fan_in && fan_in->kind == NODE_SCALAR && fan_in->is_plain &&
             (strcmp(fan_in->text, "1") == 0 || strcmp(fan_in->text, "0") == 0))
        refuse(b, fan_in, NULL, "%s would never end; use 2 or more, or all", fan_in->text);
    else
        read_count(b, SECTION_REDUCE, node, "fan_in", &n);
    struct step *step = step_add(b, draft, true);
    if (!step)
        return;
    step->is_reduce = true;
    step->fan_in = (uint32_t)n;
    stage_check_texts(b, draft);
}

// The stages of the list; returns how many of them could be read.
static size_t read_stages(struct builder *b, struct node *list, struct draft *drafts)
{
    size_t n = 0;
    for (struct node *node = list->first; node && n < PLAN_STAGES_MAX; node = node->next)
        if (stage_read(b, node, SECTION_STAGE, &drafts[n]))
            n++;
        else
            drop_stage(&drafts[n].stage);
    return n;
}

static void form_steps(struct builder *b, struct draft *drafts, size_t n)
{
    size_t first = 0;
    for (size_t i = 0; i < n; i++) {
        bool begin = begins_step(b, &drafts[i]);
        if (begin && i > 0 && !drafts[i].has_chunk)
            warn_at(b, drafts[i].node, "give it a chunk of its own to say how it is fed",
                    "other resources or retries begin a new step, fed by the results before "
                    "it");
        if (begin)
            first = i;
        if (!step_add(b, &drafts[i], begin)) {
            for (; i < n; i++)
                drop_stage(&drafts[i].stage);
            return;
        }
        if (i + 1 < n && !begins_step(b, &drafts[i + 1]))
            continue;
        size_t last = b->plan->n_steps - 1;
        settle_chunk(b, &b->plan->steps[last], last == 0, &drafts[first]);
        check_step(b, &b->plan->steps[last], last == 0, &drafts[first]);
        for (size_t j = first; j <= i; j++) {
            drafts[j].is_first = last == 0;
            stage_check_texts(b, &drafts[j]);
        }
    }
}

void build_stages(struct builder *b)
{
    struct node *list = node_get(b->root, "stages");
    struct draft reduce = {0};
    b->chunk_node = node_get(b->root, "chunk");
    if (b->chunk_node)
        build_chunking(b, b->chunk_node, &b->chunk);
    if (list && !list->is_bad && list->kind != NODE_LIST)
        refuse(b, list, "start each stage with '- '", "expected a list of stages");
    if (list && !list->is_bad && list->n == 0)
        refuse(b, list, NULL, "needs at least one stage");
    if (list && list->n > PLAN_STAGES_MAX - 1)
        refuse(b, list, NULL, "more than %d stages", PLAN_STAGES_MAX - 1);
    if (list && !list->is_bad) {
        _free_ struct draft *drafts = calloc(PLAN_STAGES_MAX, sizeof(*drafts));
        if (!drafts) {
            b->error = -ENOMEM;
            return;
        }
        size_t n = read_stages(b, list, drafts);
        check_stage_names(b, drafts, n);
        form_steps(b, drafts, n);
    }
    build_reduce(b, &reduce);
    if (b->plan->n_steps == 0 || !b->plan->steps[b->plan->n_steps - 1].is_reduce)
        drop_stage(&reduce.stage);
}
