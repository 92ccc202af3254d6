// What a signal does, for the two answers that need no handler; and its name.
#pragma once

#define SIGNAL_TEXT_MAX 32

// For the whole process. A number that can't be changed (KILL, STOP, those of libc) is ignored.
void signal_ignore(int number);
void signal_default(int number);
// Writes "signal 9 (SIGKILL)" into `text`, of SIGNAL_TEXT_MAX bytes, and returns it.
const char *signal_text(int number, char *text);
