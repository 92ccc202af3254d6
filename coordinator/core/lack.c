// What workers lack for a chunk of a step, in words for a person: of the worker that lacks least.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/core/place.h"

// One want of a claim alone: cpus, memory, gpus, then its labels. False: there are no more.
static bool one_want(const struct resources *claim, uint32_t i, struct resources *ret)
{
    *ret = (struct resources){0};
    if (i == 0)
        ret->cpus = claim->cpus;
    else if (i == 1)
        ret->memory_bytes = claim->memory_bytes;
    else if (i == 2)
        ret->gpus = claim->gpus;
    else if (i - 3 < claim->n_labels)
        ret->labels[ret->n_labels++] = claim->labels[i - 3];
    else
        return false;
    return true;
}

// What `claimed` leaves.
static struct resources rest(const struct resources *total, const struct resources *claimed)
{
    struct resources left = *total;
    left.cpus -= left.cpus < claimed->cpus ? left.cpus : claimed->cpus;
    left.gpus -= left.gpus < claimed->gpus ? left.gpus : claimed->gpus;
    left.memory_bytes -=
        left.memory_bytes < claimed->memory_bytes ? left.memory_bytes : claimed->memory_bytes;
    for (uint32_t i = 0; i < left.n_labels; i++)
        for (uint32_t k = 0; k < claimed->n_labels; k++)
            if (strcmp(left.labels[i].name, claimed->labels[k].name) == 0)
                left.labels[i].milli -= left.labels[i].milli < claimed->labels[k].milli
                                            ? left.labels[i].milli
                                            : claimed->labels[k].milli;
    return left;
}

static void add_words(char *words, size_t size, const char *more)
{
    size_t n = strlen(words);
    snprintf(words + n, size - n, "%s%s", n ? "; " : "", more);
}

static void time_words(int64_t ns, char *ret, size_t size)
{
    long long s = ns > 0 ? ns / NS_PER_S : 0;
    if (s < 60)
        snprintf(ret, size, "%llds", s);
    else if (s < 3600)
        snprintf(ret, size, "%lldm%02llds", s / 60, s % 60);
    else
        snprintf(ret, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
}

// How many wants are not met, and each of them in words.
static uint32_t lacks_of(const struct core *core, const struct core_worker *worker,
                         const struct core_step *step, bool now, char *words, size_t size)
{
    struct resources have = now ? rest(&worker->total, &worker->claimed) : worker->total;
    struct resources want;
    char one[128], left[24], needs[24];
    uint32_t n = 0;
    words[0] = '\0';
    for (uint32_t i = 0; one_want(&step->claim, i, &want); i++) {
        // A chunk of one cpu or less takes a slot, which is counted otherwise.
        if ((i == 0 && now && !step->claims) || !resources_lack(&have, &want, one, sizeof(one)))
            continue;
        n++;
        add_words(words, size, one);
    }
    if (!worker_lasts(core, worker, step)) {
        n++;
        time_words(worker->ends - core->now, left, sizeof(left));
        time_words(step->spec->time_ns, needs, sizeof(needs));
        snprintf(one, sizeof(one), "ends in %s, a chunk needs %s", left, needs);
        add_words(words, size, one);
    }
    return n;
}

uint32_t step_lack(const struct core *core, const struct core_step *step, bool now, char *ret,
                   size_t size)
{
    uint32_t able = 0, least = UINT32_MAX;
    ret[0] = '\0';
    for (const struct core_worker *w = core->workers; w; w = w->hh.next) {
        char words[CORE_LACK_MAX];
        uint32_t n = lacks_of(core, w, step, now, words, sizeof(words));
        able += n == 0;
        if (n == 0 || n >= least || (now && w->draining))
            continue;
        least = n;
        snprintf(ret, size, "worker %" PRIu64 " %s%s", w->id, words, now ? " free" : "");
    }
    return able;
}
