// A terminal taken over for a picture: its other screen, no cursor, keys as they are typed. Given
// back on every end: by terminal_leave(), by exit(), and when the process dies of a fault of its
// own.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Takes the terminal behind `out`, and the keys of `in` if that is one, too. -ENOTTY. At most one
// in a process at a time.
int terminal_enter(int in, int out);
// Does nothing when none is taken. From signal handlers, too.
void terminal_leave(void);
// Rows and columns; 24 and 80 when it does not say.
void terminal_size(int fd, size_t *ret_rows, size_t *ret_columns);
