// The zygote's own loop, on the far side of the line that zygote.h holds.
#pragma once
#include <stdint.h>

struct shared;

struct zygote_message {
    uint32_t request; // enum zygote_request
    uint32_t slot;
};

// Serves requests from `control` until it ends; then kills and reaps all descendants but those that
// are kept for good. Never returns.
_Noreturn void zygote_main(int control, struct shared *shared);
