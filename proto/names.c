#include "proto/client.h"

const char *msg_name(int type)
{
    switch (type) {
#define MSG(name, number, direction, text)                                                         \
    case MSG_##name:                                                                               \
        return #name;
#include "proto/messages.def"
#undef MSG
    default:
        return "?";
    }
}

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

static unsigned rights_of(char sender)
{
    switch (sender) {
    case 'w':
    case 'b':
        return RIGHT_WORK;
    case 'k':
        return RIGHT_SUBMIT;
    case 'o':
        return RIGHT_SUBMIT | RIGHT_LOOK;
    case 'a':
        return RIGHT_WORK | RIGHT_SUBMIT | RIGHT_LOOK | RIGHT_RULE;
    default:
        return 0;
    }
}

bool msg_may_send(int type, unsigned rights)
{
    switch (type) {
#define MSG(name, number, sender, text)                                                            \
    case MSG_##name:                                                                               \
        return (rights_of(#sender[0]) & rights) != 0;
#include "proto/messages.def"
#undef MSG
    default:
        return false;
    }
}
