// When a throttled step may begin a chunk.
#include "worker/pool/throttle.h"

#include <criterion/criterion.h>

#include "base/clock.h"

#define NOW (1000 * NS_PER_S)

static struct machine_state machine;
static int reads;

static void read_machine(struct machine_state *ret)
{
    reads++;
    *ret = machine;
}

static bool is_open(const struct throttle *t, int64_t last, int64_t *ret_again)
{
    reads = 0;
    *ret_again = 0;
    return throttle_open(t, NOW, last, read_machine, ret_again);
}

Test(throttle, a_delay_lies_between_two_beginnings)
{
    const struct throttle t = {.delay_ns = 3 * NS_PER_S};
    int64_t again;
    cr_expect(is_open(&t, 0, &again), "the first one needs no delay");
    cr_expect_not(is_open(&t, NOW - NS_PER_S, &again));
    cr_expect_eq(again, NOW + 2 * NS_PER_S);
    cr_expect(is_open(&t, NOW - 3 * NS_PER_S, &again));
    cr_expect_eq(reads, 0, "the machine does not matter");
}

Test(throttle, a_busy_machine_holds_back)
{
    const struct throttle count = {.load = 4}, share = {.load_percent = 150};
    int64_t again;
    machine = (struct machine_state){.running = 4, .cpus = 4};
    cr_expect_not(is_open(&count, 0, &again));
    cr_expect_gt(again, NOW);
    cr_expect(is_open(&share, 0, &again));
    cr_expect_eq(again, NOW, "the next one is asked for at once");
    machine.running = 3;
    cr_expect(is_open(&count, 0, &again));
    machine.running = 6;
    cr_expect_not(is_open(&share, 0, &again));
    machine.running = 5;
    cr_expect(is_open(&share, 0, &again));
}

Test(throttle, little_memory_holds_back)
{
    const struct throttle t = {.memfree_bytes = 1000};
    int64_t again;
    machine = (struct machine_state){.cpus = 1, .memfree_bytes = 999};
    cr_expect_not(is_open(&t, 0, &again));
    machine.memfree_bytes = 1000;
    cr_expect(is_open(&t, 0, &again));
}

Test(throttle, what_has_just_begun_shows_before_the_next_one_is_asked_for)
{
    const struct throttle t = {.load = 100};
    int64_t again;
    machine = (struct machine_state){.cpus = 1};
    cr_expect_not(is_open(&t, NOW - 1, &again));
    cr_expect_eq(reads, 0);
    cr_expect_gt(again, NOW);
    cr_expect(is_open(&t, again - 2 * (again - NOW) - 1, &again));
}

Test(throttle, the_machine_can_be_read)
{
    struct machine_state state;
    machine_state_read(&state);
    cr_expect_geq(state.cpus, 1);
    cr_expect_gt(state.memfree_bytes, 1 << 20);
    cr_expect_lt(state.memfree_bytes, UINT64_MAX, "/proc/meminfo says it");
}
