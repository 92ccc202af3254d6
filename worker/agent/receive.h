// Messages of the coordinator become calls of the pool and its neighbours.
#pragma once
#include "worker/agent/agent.h"

// Carries one out. -ENOTCONN with text: the coordinator does not know this worker; -ESHUTDOWN: it
// has ended. Other errors, with text: the message is not one it may send now, or memory is out.
int receive(struct agent *agent, const struct zmessage *m, struct err *err);
