// What a supervisor is told: systemd's datagrams (sd_notify(3)), without its library.
#pragma once

// Sends `state`, such as "READY=1", to $NOTIFY_SOCKET. 0, also without one; negative errno.
int notify_say(const char *state);
