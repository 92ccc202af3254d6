// The agent's connection: says HELLO, reads what comes, sends heartbeats, notices silence, and
// looks for a lost coordinator again.
//
// A worker with a lifeline ends when its coordinator is gone. Another one drops all of it and says
// HELLO on a new connection, with growing patience.
#pragma once
#include "worker/agent/agent.h"

// Opens the connection and says HELLO. Negative errno with text.
int connect_begin(struct agent *agent, struct err *err);
// `grace`: a last message may take a while to leave.
void connect_end(struct agent *agent, bool grace);
