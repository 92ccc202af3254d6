// Input: a packed step, as a worker gets it from a coordinator.
#include <stdint.h>
#include <stdlib.h>

#include "pipelines/plan.h"
#include "worker/executor/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recipe *recipe = NULL;
    struct err err;
    if (recipe_new(1, 0, data, size, &recipe, &err) == 0 && !recipe)
        abort();
    recipe_free(recipe);
    return 0;
}
