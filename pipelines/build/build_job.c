// The head of a job: version, name, params, env.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pipelines/build/build_job.h"
#include "pipelines/plan.h"

static bool word_ok(const char *text, bool may_begin_with_underscore)
{
    if (!isalpha((unsigned char)*text) && !(may_begin_with_underscore && *text == '_'))
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '_')
            return false;
    return true;
}

void build_env(struct builder *b, const struct node *map, struct plan_pair **ret, size_t *ret_n)
{
    struct node *env = node_get(map, "env");
    const char *text;
    if (!env || !want_map(b, env))
        return;
    for (struct node *node = env->first; node; node = node->next) {
        if (!word_ok(node->key->text, true))
            refuse_key(b, node, NULL, "not a valid variable name");
        else if (want_any_text(b, node, &text))
            pairs_add(b, ret, ret_n, node->key->text, text);
    }
}

static void set_param(struct builder *b, const struct node *map, const struct plan_pair *given)
{
    struct plan *plan = b->plan;
    char hint[HINT_MAX], all[HINT_MAX - 24] = "";
    size_t len = 0;
    for (size_t i = 0; i < plan->n_params; i++) {
        if (strcmp(plan->params[i].name, given->name) == 0) {
            char *value = keep(b, given->value);
            if (value) {
                free(plan->params[i].value);
                plan->params[i].value = value;
            }
            return;
        }
        if (len < sizeof(all))
            len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "",
                                    plan->params[i].name);
    }
    if (!hint_nearest(hint, given->name, b->param_names, plan->n_params))
        snprintf(hint, sizeof(hint),
                 plan->n_params ? "params of the job: %s" : "the job has no params%s", all);
    struct place at = map && map->key ? map->key->at : (struct place){0, 0};
    diag_error(b->diag, at, hint, "-p %s: the job has no such param", given->name);
}

void build_params(struct builder *b)
{
    struct plan *plan = b->plan;
    struct node *map = node_get(b->root, "params");
    const char *text;
    if (map && want_map(b, map)) {
        for (struct node *node = map->first; node; node = node->next) {
            if (!word_ok(node->key->text, false))
                refuse_key(b, node, NULL, "a name is a letter followed by letters, digits or '_'");
            else if (want_any_text(b, node, &text))
                pairs_add(b, &plan->params, &plan->n_params, node->key->text, text);
        }
    }
    b->param_names = calloc(plan->n_params + 1, sizeof(*b->param_names));
    b->param_values = calloc(plan->n_params + 1, sizeof(*b->param_values));
    if (!b->param_names || !b->param_values) {
        b->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < plan->n_params && b->error == 0; i++)
        b->param_names[i] = plan->params[i].name;
    for (size_t i = 0; b->options && i < b->options->n_params && b->error == 0; i++)
        set_param(b, map, &b->options->params[i]);
    for (size_t i = 0; i < plan->n_params; i++)
        b->param_values[i] = plan->params[i].value;
}

void build_version(struct builder *b)
{
    struct node *node = node_get(b->root, "version");
    const char *text;
    if (!node || !want_text(b, node, &text))
        return;
    if (!node->is_plain)
        refuse(b, node, NULL, "'%s' is quoted, expected a number", text);
    else if (strcmp(text, "1") != 0)
        refuse(b, node, NULL, "%s is not supported (this fanmill reads version 1)", text);
}

// The file's base name without its extension, with '-' for what a name may not hold.
static char *default_name(struct builder *b)
{
    const char *slash = strrchr(b->diag->name, '/');
    char *name = keep(b, slash ? slash + 1 : b->diag->name);
    if (!name)
        return NULL;
    char *dot = strrchr(name, '.');
    if (dot && dot > name)
        *dot = '\0';
    if (strlen(name) > PLAN_NAME_MAX)
        name[PLAN_NAME_MAX] = '\0';
    for (char *c = name; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
        if (!(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_'))
            *c = '-';
    }
    if (strspn(name, "-") == strlen(name)) {
        free(name);
        return keep(b, "job");
    }
    return name;
}

void build_name(struct builder *b)
{
    b->plan->name = node_get(b->root, "name") ? read_name(b, b->root) : default_name(b);
}

void build_description(struct builder *b)
{
    struct node *node = node_get(b->root, "description");
    const char *text;
    if (node)
        want_any_text(b, node, &text);
}
