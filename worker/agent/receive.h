// Messages of the coordinator become calls of the pool and its neighbours.
#pragma once
#include "worker/agent/agent.h"

// Carries one out. -ENOTCONN with text: the coordinator has ended or does not know this worker.
// Other errors, with text: the message is not one it may send now, or memory is out.
int receive(struct agent *agent, const struct zmessage *m, struct err *err);
