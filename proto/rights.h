#pragma once
#include <stdbool.h>

// Which messages a peer may send. A peer that came through the private socket may all.
enum right {
    RIGHT_WORK = 1,   // be a worker
    RIGHT_SUBMIT = 2, // submit jobs, rule one's own
    RIGHT_LOOK = 4,   // see jobs, records and workers
    RIGHT_RULE = 8,   // rule everybody's jobs, and workers
};
// Looks at the type alone, before anything is decoded. False for a type that no peer sends.
bool msg_may_send(int type, unsigned rights);
