#include "worker/pool/times.h"

#include <stdlib.h>
#include <string.h>

void times_add(struct times *times, int64_t ns)
{
    times->ns[times->next] = ns;
    times->next = (times->next + 1) % TIMES_MAX;
    if (times->n < TIMES_MAX)
        times->n++;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int64_t times_median(const struct times *times)
{
    int64_t sorted[TIMES_MAX];
    if (times->n < TIMES_ENOUGH)
        return 0;
    memcpy(sorted, times->ns, times->n * sizeof(sorted[0]));
    qsort(sorted, times->n, sizeof(sorted[0]), compare);
    return sorted[times->n / 2];
}
