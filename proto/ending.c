#include "proto/ending.h"

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_OK] = "ok",
        [OUTCOME_EXIT] = "exit",
        [OUTCOME_SIGNAL] = "signal",
        [OUTCOME_TIMEOUT] = "timeout",
        [OUTCOME_CRASH] = "crash",
        [OUTCOME_KERNEL] = "kernel",
        [OUTCOME_INPUT] = "input",
        [OUTCOME_NOT_FOUND] = "not-found",
        [OUTCOME_NOT_RUNNABLE] = "not-runnable",
        [OUTCOME_LIMIT] = "limit",
        [OUTCOME_CANCELLED] = "cancelled",
    };
    return (unsigned)outcome < OUTCOME_COUNT ? names[outcome] : "?";
}
