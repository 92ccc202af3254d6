#include "worker/executor/builtin.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/signals.h"

#define SLEEP_SLICE_NS (100 * NS_PER_MS) // between two looks for a cancel

static int builtin_noop(fm_call *call)
{
    (void)call;
    return 0;
}

static int builtin_identity(fm_call *call)
{
    size_t len;
    const void *data = fm_data(call, &len);
    return data ? fm_emit(call, data, len) : -1;
}

static int builtin_sleep(fm_call *call)
{
    const char *text = fm_arg(call, "time");
    int64_t left = 0;
    if (text && (parse_duration(text, &left) < 0 || left < 0))
        return fm_fail(call, "time: '%s' is not a duration", text);
    while (left > 0) {
        int64_t slice = left < SLEEP_SLICE_NS ? left : SLEEP_SLICE_NS;
        struct timespec t = {.tv_sec = slice / NS_PER_S, .tv_nsec = slice % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
        left -= slice;
        int r = fm_progress(call, 0, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

// The number given for `name`, or `otherwise`.
static uint64_t count_arg(const fm_call *call, const char *name, uint64_t otherwise)
{
    const char *text = fm_arg(call, name);
    uint64_t value;
    return text && parse_u64(text, &value) == 0 ? value : otherwise;
}

static int builtin_fail(fm_call *call)
{
    const char *text = fm_arg(call, "text");
    if (call->attempt > count_arg(call, "attempts", UINT64_MAX))
        return 0;
    return fm_fail(call, "%s", text ? text : "failed on purpose");
}

static int builtin_crash(fm_call *call)
{
    int number = (int)count_arg(call, "signal", SIGSEGV);
    if (call->attempt > count_arg(call, "attempts", UINT64_MAX))
        return 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal_default(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    kill(getpid(), number);
    return fm_fail(call, "signal %d did not end the executor", number);
}

fm_kernel_fn *builtin_kernel(const char *name)
{
    static const struct {
        const char *name;
        fm_kernel_fn *fn;
    } table[] = {
        {"noop", builtin_noop},
        {"identity", builtin_identity},
        {"sleep", builtin_sleep},
        {"sum", builtin_sum},
        {"sum_u64", builtin_sum_u64},
        {"sum_f64", builtin_sum_f64},
        {"count_lines", builtin_count_lines},
        {"word_count", builtin_word_count},
        {"merge_counts", builtin_merge_counts},
        {"primes", builtin_primes},
        {"find_primes", builtin_find_primes},
        {"pi", builtin_pi},
        {"fail", builtin_fail},
        {"crash", builtin_crash},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].fn;
    return NULL;
}
