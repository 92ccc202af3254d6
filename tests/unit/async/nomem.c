// Fails the first allocation of async/ in a scene, then the second, and so on until it runs
// through: each time the scene must end with an error of its own and leave nothing behind. The
// linker leads the allocations here (--wrap).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "parts.h"
#include "run.h"

static int left = -1; // allocations until one fails; < 0: none will

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return fails() ? NULL : __real_reallocarray(p, n, size);
}

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    return fails() ? MAP_FAILED : __real_mmap(at, len, prot, flags, fd, offset);
}

// How many failures it took to run through; < 0 when one went wrong.
static int walk_through(const char *name, task_fn *fn)
{
    for (int at = 0;; at++) {
        left = at;
        int r = run_virtual(fn, NULL);
        bool failed = left < 0;
        left = -1;
        // A scope without memory for its timer is over at once: that, too, is an answer.
        if (parts_left() || (r && (!failed || (r != -ENOMEM && r != -ETIMEDOUT)))) {
            fprintf(stderr, "%s, allocation %d failed: result %d, %d left\n", name, at, r,
                    parts_left());
            return -1;
        }
        if (!failed)
            return at;
    }
}

int main(void)
{
    int bad = 0;
    for (size_t i = 0; i < n_parts; i++) {
        int n = walk_through(parts[i].name, parts[i].fn);
        bad += n < 3; // the main task, its stack, the timers
    }
    return bad || walk_through("together", parts_together) < 50;
}
