// The way in: every message goes from the socket to the file that handles it.
#pragma once

// Handles the messages waiting at a port, up to a fair share. A zsock_ready_fn; `arg` is the port.
void port_pump(void *arg);
