#include "worker/pool/throttle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "worker/cpus.h"

// No event tells of load or free memory: they are asked for.
#define ASK_AGAIN_NS (1 * NS_PER_S)
// What began needs this long to show in them.
#define SETTLE_NS (100 * NS_PER_MS)

bool throttle_open(const struct throttle *t, int64_t now, int64_t last,
                   void (*read)(struct machine_state *ret), int64_t *ret_again)
{
    bool machine = t->load || t->load_percent || t->memfree_bytes;
    int64_t wait = machine && t->delay_ns < SETTLE_NS ? SETTLE_NS : t->delay_ns;
    struct machine_state state;
    if (last && now < clock_after(last, wait)) {
        *ret_again = clock_after(last, wait);
        return false;
    }
    *ret_again = now;
    if (!machine)
        return true;
    read(&state);
    bool busy =
        (t->load && state.running >= t->load) ||
        (t->load_percent && state.running * 100ull >= (uint64_t)state.cpus * t->load_percent) ||
        (t->memfree_bytes && state.memfree_bytes < t->memfree_bytes);
    if (busy)
        *ret_again = clock_after(now, ASK_AGAIN_NS);
    return !busy;
}

void machine_state_read(struct machine_state *ret)
{
    *ret = (struct machine_state){.cpus = cpus_available(), .memfree_bytes = UINT64_MAX};
    _fclose_ FILE *load = fopen("/proc/loadavg", "re");
    _fclose_ FILE *memory = fopen("/proc/meminfo", "re");
    char line[128];
    unsigned running;
    if (load && fgets(line, sizeof(line), load) && sscanf(line, "%*s %*s %*s %u/", &running) == 1 &&
        running > 0)
        ret->running = running - 1;
    while (memory && fgets(line, sizeof(line), memory)) {
        unsigned long long kib;
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) {
            ret->memfree_bytes = kib << 10;
            break;
        }
    }
}
