#include "worker/kept.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "worker/process.h"

#define READ_BYTES 4096u
#define ENVIRONMENT_MAX (4u << 20) // bytes that are looked at

// An entry: the process's number, whether it is kept for good, and when it was born, which tells it
// from a later process of the same number.
#define START_BITS 40u
#define GOOD_BIT (1ull << START_BITS)
#define PID_SHIFT (START_BITS + 1u)
#define START_MASK (GOOD_BIT - 1)

static pid_t pid_of(uint64_t entry)
{
    return (pid_t)(entry >> PID_SHIFT);
}

static bool is_living(uint64_t entry)
{
    struct process process;
    return process_read(pid_of(entry), &process) == 0 &&
           (process.born & START_MASK) == (entry & START_MASK);
}

void kept_add(struct kept *kept, pid_t pid, enum kept_how how)
{
    struct process process;
    if (process_read(pid, &process) < 0)
        return;
    uint64_t entry = (uint64_t)pid << PID_SHIFT | (how == KEPT_GOOD ? GOOD_BIT : 0) |
                     (process.born & START_MASK);
    for (unsigned i = 0; i < KEPT_TABLE; i++) {
        uint64_t old = atomic_load(&kept->entries[i]);
        if (old == entry)
            return;
        if ((!old || !is_living(old)) &&
            atomic_compare_exchange_strong(&kept->entries[i], &old, entry))
            return;
    }
}

// The mark's value in an environment: entries that each end with a NUL byte.
static enum kept_how marked(pid_t pid)
{
    char path[32];
    char text[READ_BYTES + sizeof(KEPT_MARK) + 16];
    const size_t keep = sizeof(KEPT_MARK) + sizeof(KEPT_FOREVER);
    size_t have = 1, total = 0;
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return KEPT_NOT;
    text[0] = '\0'; // as if an entry had ended before the first one
    ssize_t n;
    while (total < ENVIRONMENT_MAX && (n = read(fd, text + have, READ_BYTES)) > 0) {
        have += (size_t)n;
        total += (size_t)n;
        const char good[] = "\0" KEPT_MARK "=" KEPT_FOREVER;
        const char until[] = "\0" KEPT_MARK "=" KEPT_UNTIL_END;
        if (memmem(text, have, good, sizeof(good)))
            return KEPT_GOOD;
        if (memmem(text, have, until, sizeof(until)))
            return KEPT_WORKER;
        size_t rest = have < keep + 2 ? have : keep + 2;
        memmove(text, text + have - rest, rest);
        have = rest;
    }
    return KEPT_NOT;
}

static enum kept_how listed(const struct kept *kept, pid_t pid)
{
    for (unsigned i = 0; i < KEPT_TABLE; i++) {
        uint64_t entry = atomic_load_explicit(&kept->entries[i], memory_order_relaxed);
        if (entry && pid_of(entry) == pid && is_living(entry))
            return entry & GOOD_BIT ? KEPT_GOOD : KEPT_WORKER;
    }
    return KEPT_NOT;
}

bool kept_is_known(void *kept, pid_t pid)
{
    return listed(kept, pid) != KEPT_NOT;
}

enum kept_how kept_find(const struct kept *kept, pid_t pid)
{
    enum kept_how how = listed(kept, pid);
    return how == KEPT_NOT ? marked(pid) : how;
}

bool kept_for_good(void *kept, pid_t pid)
{
    return kept_find(kept, pid) == KEPT_GOOD;
}
