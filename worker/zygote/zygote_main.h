// The zygote's own loop, on the far side of the line that zygote.h holds.
#pragma once
#include <stdint.h>

struct shared;

struct zygote_message {
    uint32_t request; // enum zygote_request
    uint32_t slot;
    uint32_t life; // of the zygote that is asked
};

// Serves requests from `control` until it ends; then kills and reaps all descendants but those that
// are kept for good. Never returns.
// `life`: 1 for the worker's first zygote; a later one tells that it has come.
_Noreturn void zygote_main(int control, struct shared *shared, uint32_t life);
