#include <criterion/criterion.h>

#include "proto/msg_type.h"
#include "proto/rights.h"

Test(rights, a_role_sends_its_own_messages_only)
{
    cr_assert(msg_may_send(MSG_RESULT, RIGHT_WORK));
    cr_assert_not(msg_may_send(MSG_SUBMIT, RIGHT_WORK));
    cr_assert_not(msg_may_send(MSG_QUERY, RIGHT_WORK));
    cr_assert_not(msg_may_send(MSG_RESULT, RIGHT_SUBMIT | RIGHT_LOOK | RIGHT_RULE));
    cr_assert(msg_may_send(MSG_SUBMIT, RIGHT_SUBMIT));
    cr_assert_not(msg_may_send(MSG_SUBMIT, RIGHT_LOOK));
    cr_assert_not(msg_may_send(MSG_CONTROL, RIGHT_LOOK));
    cr_assert(msg_may_send(MSG_OPEN, RIGHT_LOOK));
    cr_assert(msg_may_send(MSG_HELLO, RIGHT_LOOK));
    for (int type = 0; type < 256; type++)
        cr_assert(!msg_may_send(type, 0) && (type != MSG_LEASE || !msg_may_send(type, ~0u)));
}
