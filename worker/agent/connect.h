// The agent's connection: says HELLO, reads what comes, sends heartbeats, notices silence, and
// looks for a lost coordinator again.
//
// A worker with a lifeline ends when its coordinator is gone. Another one goes on with what it runs
// and says HELLO on a new connection, with growing patience; what becomes of what it runs is said
// in resume.h. It ends that when its coordinator has ended, or has been silent for too long.
#pragma once
#include "worker/agent/agent.h"

// Opens the connection and says HELLO. Negative errno with text.
int connect_begin(struct agent *agent, struct err *err);
// `grace`: a last message may take a while to leave.
void connect_end(struct agent *agent, bool grace);
