#include <errno.h>

#include "client/part.h"

int msg_put(struct buf *header, enum msg_type type, const void *m)
{
    switch (type) {
    case MSG_HELLO:
        return msg_put_hello(header, m);
    case MSG_HEARTBEAT:
        return msg_put_heartbeat(header, m);
    case MSG_BYE:
        return msg_put_bye(header, m);
    case MSG_OPEN:
        return msg_put_open(header, m);
    case MSG_TAKE:
        return msg_put_take(header, m);
    case MSG_CLOSE:
        return msg_put_close(header, m);
    case MSG_DATA:
        return msg_put_data(header, m);
    case MSG_FEED_END:
        return msg_put_feed_end(header, m);
    case MSG_SUBMIT:
        return msg_put_submit(header, m);
    case MSG_STORE:
        return msg_put_store(header, m);
    case MSG_CONTROL:
        return msg_put_control(header, m);
    case MSG_QUERY:
        return msg_put_query(header, m);
    default:
        return -EINVAL;
    }
}
