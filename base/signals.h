// What happens when a signal comes, for the two answers that need no handler.
#pragma once

// For the whole process. A number that can't be changed (KILL, STOP, those of libc) is left alone.
void signal_ignore(int number);
void signal_default(int number);
