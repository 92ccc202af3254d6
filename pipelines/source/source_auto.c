#include "pipelines/source/source_auto.h"

// Chunks of one size after which the size may change in any case: about as many as are in flight
// between the source and the workers.
#define AUTO_SETTLE_MIN 512u
#define AUTO_SETTLE_MAX 4096u
#define AUTO_AHEAD_NS (80 * 1000000ll) // work in flight for each slot
#define AUTO_GROW_MAX 8

static uint64_t settle_after(const struct source_want *want)
{
    int64_t mean = want->mean_run_ns > 0 ? want->mean_run_ns : 1;
    uint64_t n = (uint64_t)(AUTO_AHEAD_NS / mean) * want->slots;
    return n < AUTO_SETTLE_MIN ? AUTO_SETTLE_MIN : n < AUTO_SETTLE_MAX ? n : AUTO_SETTLE_MAX;
}

// The mean is that of chunks cut a while ago. So the size changes by a small factor, and again only
// when the mean shows the change, or after enough chunks that it would have: the mean of a program
// that takes longer to start than to run does not show it.
uint64_t auto_items_next(struct auto_items *a, const struct source_want *want, uint64_t remaining)
{
    int64_t mean = want->mean_run_ns;
    bool rose = a->mean_then_ns == 0 || mean - a->mean_then_ns >= a->mean_then_ns / 3;
    bool fell = a->mean_then_ns == 0 || a->mean_then_ns - mean >= a->mean_then_ns / 4;
    bool settled = a->chunks >= settle_after(want);
    uint64_t factor = 2;
    while (factor < AUTO_GROW_MAX && mean <= AUTO_RUN_NS / (int64_t)(2 * factor))
        factor *= 2;
    if (mean > 0 && mean <= AUTO_RUN_NS / 2 && (rose || settled) &&
        a->items <= UINT64_MAX / factor) {
        *a = (struct auto_items){.items = a->items * factor, .mean_then_ns = mean};
    } else if (mean >= AUTO_RUN_NS * 2 && a->items > 1 &&
               (fell || settled || a->chunks >= 4ull * want->slots)) {
        *a = (struct auto_items){.items = a->items / 2, .mean_then_ns = mean};
    }
    uint64_t items = a->items;
    if (remaining != UINT64_MAX && items > remaining / (4ull * want->slots))
        items = remaining / (4ull * want->slots);
    return items ? items : 1;
}
