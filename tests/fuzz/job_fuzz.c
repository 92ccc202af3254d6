// Input: a job file. Whatever it holds, the loader answers with a plan or with errors.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "pipelines/build/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan *plan = NULL;
    struct load_report report = {0};
    int r = load_text("job.yaml", "/", (const char *)data, size, NULL, &plan, &report);
    if ((r == 0) != (plan != NULL) || (r == -EINVAL) != (report.n_errors > 0))
        abort();
    if (plan) {
        // What was loaded can be sent, and comes back.
        for (size_t i = 0; i < plan->n_steps; i++) {
            struct buf packed = {0};
            struct plan *back = NULL;
            struct err err;
            if (plan_pack_step(plan, i, NULL, &packed) == 0 &&
                plan_unpack_step(packed.data, packed.len, &back, &err) < 0)
                abort();
            plan_free(back);
            buf_done(&packed);
        }
    }
    plan_free(plan);
    load_report_done(&report);
    return 0;
}
