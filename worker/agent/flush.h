// What the agent sends at the end of each turn of the loop: the results that came together, as one
// message, and its credit, when that has changed.
//
// Credit is an absolute window of chunks: AHEAD_NS of work for each slot, none while too many
// results wait for their acknowledgement. It is sent again when it has changed by a quarter.
#pragma once
#include "worker/agent/agent.h"

void flush_begin(struct agent *agent);
void flush_end(struct agent *agent);
