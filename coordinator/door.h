// The way in for every message: from the socket to the file whose verb it is.
#pragma once

// Takes what has come through the port, a fair share of it. A zsock_ready_fn; `arg` is the port.
void port_pump(void *arg);
