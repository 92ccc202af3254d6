#include "proto/rights.h"

#include "proto/msg_type.h"

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
    case 't':
        return RIGHT_ATTEND;
    case 'f':
        return RIGHT_SUBMIT | RIGHT_ATTEND;
    case 's':
        return RIGHT_SUBMIT | RIGHT_LOOK | RIGHT_ATTEND;
    case 'a':
        return RIGHT_ATTEND | RIGHT_WORK | RIGHT_SUBMIT | RIGHT_LOOK | RIGHT_RULE;
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
