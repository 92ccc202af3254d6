// The median of the last chunks' times.
#include "worker/pool/times.h"

#include <criterion/criterion.h>

Test(times, few_say_nothing)
{
    struct times times = {.n = 0};
    cr_expect_eq(times_median(&times), 0);
    for (uint32_t i = 1; i < TIMES_ENOUGH; i++)
        times_add(&times, 5);
    cr_expect_eq(times_median(&times), 0);
    times_add(&times, 5);
    cr_expect_eq(times_median(&times), 5);
}

Test(times, one_that_is_unusual_changes_little)
{
    struct times times = {.n = 0};
    times_add(&times, 3);
    times_add(&times, 1000000);
    times_add(&times, 2);
    times_add(&times, 1);
    times_add(&times, 4);
    cr_expect_eq(times_median(&times), 3);
}

Test(times, old_ones_are_forgotten)
{
    struct times times = {.n = 0};
    for (uint32_t i = 0; i < TIMES_MAX; i++)
        times_add(&times, 100);
    for (uint32_t i = 0; i <= TIMES_MAX / 2; i++)
        times_add(&times, 7);
    cr_expect_eq(times_median(&times), 7);
    cr_expect_eq(times.n, TIMES_MAX);
}
