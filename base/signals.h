// What a signal does, for the answers that need no handler; and its name.
#pragma once
#include <stdbool.h>

#define SIGNAL_TEXT_MAX 32

// For the whole process. A number that can't be changed (KILL, STOP, those of libc) is ignored.
void signal_ignore(int number);
void signal_default(int number);
bool signal_is_ignored(int number);
// It does nothing to this process, and yet what a program that is started gets is untouched: an
// ignored signal stays ignored, any other has its default effect there, for exec() drops handlers.
void signal_absorb(int number);
// Writes "signal 9 (SIGKILL)" into `text`, of SIGNAL_TEXT_MAX bytes, and returns it.
const char *signal_text(int number, char *text);
