// Processes that outlive the chunk that started them, on purpose (`leftovers: keep`). Whoever ends
// what is left behind asks here first and spares them.
//
// They are known by their environment, which their own children inherit; and, because a daemon may
// overwrite its environment or hide it, by a table that agent, zygote and executors share.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define KEPT_MARK "FANMILL_LEFTOVERS" // a variable: KEPT_UNTIL_END or KEPT_FOREVER
#define KEPT_UNTIL_END "keep"
#define KEPT_FOREVER "forever"
#define KEPT_TABLE 1024 // processes of one worker; those over it are known by their environment

// Zeroed: empty. In shared memory; an entry is one word, so that no reader sees half of one.
struct kept {
    _Atomic uint64_t entries[KEPT_TABLE];
};

enum kept_how {
    KEPT_NOT,
    KEPT_WORKER, // until the worker ends
    KEPT_GOOD,   // for good
};

// Remembers a child of the caller. Reads /proc.
void kept_add(struct kept *kept, pid_t pid, enum kept_how how);
// Whether the table alone says so; `kept` is a struct kept. Reads /proc.
bool kept_is_known(void *kept, pid_t pid);
// Whether it outlives the worker; `kept` is a struct kept. Reads /proc.
bool kept_for_good(void *kept, pid_t pid);
// How a child of the caller is kept. Reads /proc.
enum kept_how kept_find(const struct kept *kept, pid_t pid);
