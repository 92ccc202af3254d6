#include <stdlib.h>

#include "coordinator/core/state.h"

#define ACTIONS_CAP_MIN 64

void delivery_done(struct delivery *d)
{
    for (size_t i = 0; i < d->n_parts; i++)
        slice_drop(&d->parts[i]);
    free(d->parts);
    for (size_t i = 0; i < d->n_errors; i++)
        slice_drop(&d->errors[i]);
    free(d->errors);
    free(d->error);
    slice_drop(&d->item);
    slice_drop(&d->payload);
    slice_drop(&d->stderr_text);
    *d = (struct delivery){0};
}

static void action_done(struct action *action)
{
    switch (action->type) {
    case ACT_LEASE:
        slice_drop(&action->lease.body);
        free(action->lease.lens);
        break;
    case ACT_FETCH:
        slice_drop(&action->fetch.extent);
        break;
    case ACT_ASIDE:
        free(action->aside);
        break;
    case ACT_DELIVER:
        delivery_done(&action->delivery);
        break;
    case ACT_JOB_END:
        free(action->summary);
        break;
    default:
        break;
    }
}

void actions_clear(struct actions *actions)
{
    for (size_t i = 0; i < actions->len; i++)
        action_done(&actions->list[i]);
    actions->len = 0;
}

void actions_done(struct actions *actions)
{
    actions_clear(actions);
    free(actions->list);
    *actions = (struct actions){0};
}

struct action *action_add(struct actions *actions, enum action_type type, uint64_t job,
                          uint64_t worker)
{
    if (actions->len == actions->cap) {
        size_t cap = actions->cap ? actions->cap * 2 : ACTIONS_CAP_MIN;
        struct action *list = realloc(actions->list, cap * sizeof(*list));
        if (!list)
            return NULL;
        actions->list = list;
        actions->cap = cap;
    }
    struct action *action = &actions->list[actions->len++];
    *action = (struct action){.type = type, .job = job, .worker = worker};
    return action;
}
