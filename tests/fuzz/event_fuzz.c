// Logs of a core's events, as a file may hold them: read to their end, or refused.
#include "coordinator/core/event_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_log_reader reader;
    struct core_options options;
    struct event event;
    struct err err;
    int64_t now;
    if (event_log_open(&reader, data, size, &options, &err) == 0)
        while (event_log_next(&reader, &event, &now, &err) == 1)
            if (event.type == EV_SUBMIT)
                plan_free((struct plan *)(uintptr_t)event.plan);
    event_log_close(&reader);
    return 0;
}
