// Why an address can't be reached, found out by a plain connection of our own: ZeroMQ tries again
// and again and does not say what came of it.
#pragma once
#include "base/err.h"

// Connects to "tcp://host:port" or "ipc://path" and leaves. 0: something accepts connections there.
// Negative errno with text: -ECONNREFUSED (nobody listens), -ETIMEDOUT (no answer), -ENXIO (no such
// host), -EPROTO (something else answers), and others. Blocks: for up to `timeout_ms` for each
// address of the host, and for the look-up of its name.
int reach_try(const char *endpoint, int timeout_ms, struct err *err);
