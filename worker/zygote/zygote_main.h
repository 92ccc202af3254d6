// The zygote's own loop, on the far side of the line that zygote.h holds.
#pragma once
#include <stdint.h>

struct page;

struct zygote_message {
    uint32_t request; // enum zygote_request
    uint32_t slot;
};

// Serves requests from `control` until it ends; then kills and reaps all descendants. Never
// returns.
_Noreturn void zygote_main(int control, struct page *pages, uint32_t slots_max);
