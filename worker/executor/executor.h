// An executor: a process forked by the zygote that runs chunks, one at a time, and answers with
// results, until its socket ends.
#pragma once
#include <stdint.h>

struct kept;
struct page;

// Runs in the forked child; takes over the process. Never returns.
_Noreturn void executor_main(int fd, uint32_t slot, struct page *page, struct kept *kept);
