// Input: a packed plan, as a coordinator gets it from a client. What is taken is packed again, and
// its matrix gives its first and last row.
#include <stdint.h>
#include <stdlib.h>

#include "pipelines/input/matrix.h"
#include "pipelines/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct matrix *m)
{
    struct row row;
    row_init(&row);
    uint64_t n = matrix_count(m);
    if (matrix_row(m, n, &row) == 0)
        abort();
    if (n && (matrix_row(m, 0, &row) < 0 || matrix_row(m, n - 1, &row) < 0))
        abort();
    row_done(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan *plan = NULL;
    struct buf again;
    struct err err;
    if (plan_unpack(data, size, false, &plan, &err) < 0)
        return 0;
    buf_init(&again, 0);
    if (plan_pack(plan, &again) < 0)
        abort();
    if (plan->source.kind == SOURCE_MATRIX)
        look(plan->source.matrix);
    plan_free(plan);
    buf_done(&again);
    return 0;
}
