#include "worker/pool/pool_step.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/plan.h"

static int64_t kernel_timeout(const struct plan *plan)
{
    int64_t least = 0;
    const struct step *step = &plan->steps[0];
    for (size_t i = 0; i < step->n_stages; i++) {
        const struct stage *stage = &step->stages[i];
        if (stage->kind == STAGE_KERNEL && stage->timeout_ns &&
            (!least || stage->timeout_ns < least))
            least = stage->timeout_ns;
    }
    return least;
}

static bool has_library(const struct plan *plan)
{
    const struct stage *stage;
    for (uint64_t i = 0; (stage = plan_stage(plan, i)); i++)
        if (stage->kind == STAGE_KERNEL && stage->library)
            return true;
    return false;
}

int pool_step_new(const struct msg_step *from, uint32_t slots, struct pool_step **ret,
                  struct err *err)
{
    struct plan *plan = NULL;
    int r = plan_unpack_step(from->packed, from->packed_len, &plan, err);
    if (r < 0)
        return r;
    int64_t timeout_ns = kernel_timeout(plan);
    bool is_foreign = has_library(plan);
    double cpus = plan->steps[0].cpus;
    uint32_t weight = cpus > 1 ? (uint32_t)ceil(cpus < slots ? cpus : slots) : 1;
    uint32_t timeout_percent = plan->steps[0].timeout_percent;
    struct throttle throttle = plan->steps[0].throttle;
    plan_free(plan);
    struct pool_step *step = calloc(1, sizeof(*step));
    uint64_t *known = calloc(slots / 64 + 1, sizeof(*known));
    uint8_t *packed = malloc(from->packed_len);
    if (!step || !known || !packed) {
        free(step);
        free(known);
        free(packed);
        return err_sys(err, -ENOMEM, "step %u", from->step + 1);
    }
    *step = (struct pool_step){.refs = 1,
                               .job = from->job,
                               .step = from->step,
                               .kernel_timeout_ns = timeout_ns,
                               .is_foreign = is_foreign,
                               .weight = weight,
                               .throttle = throttle,
                               .timeout_percent = timeout_percent,
                               .known = known,
                               .waits = true,
                               .packed = packed,
                               .packed_len = from->packed_len};
    memcpy(packed, from->packed, from->packed_len);
    *ret = step;
    return 0;
}

void pool_step_over_time(const struct pool_step *step, char *ret, size_t size)
{
    snprintf(ret, size, "it took longer than %u%% of the median time of the others, %.3g s",
             step->timeout_percent, (double)times_median(&step->times) / 1e9);
}

void pool_step_unref(struct pool_step *step)
{
    if (--step->refs)
        return;
    free(step->known);
    free(step->packed);
    free(step->hopeless);
    free(step);
}
