// What a step claims of the worker that runs one of its chunks.
#include <stdio.h>

#include "coordinator/core/place.h"

static uint64_t milli(double amount)
{
    return (uint64_t)(amount * 1000 + 0.5);
}

void step_set_claim(struct core_step *step)
{
    const struct step *spec = step->spec;
    step->claim = (struct resources){
        .cpus = milli(spec->cpus), .memory_bytes = spec->memory_bytes, .gpus = milli(spec->gpus)};
    for (size_t i = 0; i < spec->n_labels && i < RESOURCE_LABELS_MAX; i++) {
        struct resource_label *label = &step->claim.labels[step->claim.n_labels++];
        snprintf(label->name, sizeof(label->name), "%s", spec->labels[i].name);
        label->milli = milli(spec->labels[i].amount);
    }
    step->claims = step->claim.cpus > 1000 || step->claim.memory_bytes || step->claim.gpus ||
                   step->claim.n_labels;
}
