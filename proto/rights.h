#pragma once
#include <stdbool.h>

// Which messages a peer may send. A peer on the private socket has all rights.
enum right {
    RIGHT_WORK = 1,    // be a worker
    RIGHT_SUBMIT = 2,  // submit jobs, control one's own
    RIGHT_LOOK = 4,    // see jobs, records and workers
    RIGHT_RULE = 8,    // control all jobs, and workers
    RIGHT_ATTEND = 16, // read the source and write the sink of one job
};
// Looks at the type alone, before anything is decoded. False for a type that no peer sends.
bool msg_may_send(int type, unsigned rights);
