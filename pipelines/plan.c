#include "pipelines/plan.h"

#include <stdlib.h>
#include <string.h>

#include "pipelines/plan_parts.h"

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
    plan_free_words(stage->words, stage->n_words);
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

const struct stage *plan_stage(const struct plan *plan, uint64_t number)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (number < plan->steps[i].n_stages)
            return &plan->steps[i].stages[number];
        number -= plan->steps[i].n_stages;
    }
    return NULL;
}

const char *plan_library(const struct plan *plan, const uint8_t digest[DIGEST_BYTES])
{
    const struct stage *stage;
    for (uint64_t i = 0; (stage = plan_stage(plan, i)); i++)
        if (stage->library && memcmp(stage->digest, digest, DIGEST_BYTES) == 0)
            return stage->library;
    return NULL;
}
