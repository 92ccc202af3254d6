// Escapes for bytes that are hard to type.
#pragma once
#include <stddef.h>

// \n, \r, \t, \0 and \\ become what they mean; all else stays. `ret` has room for strlen(text) + 1
// and gets a NUL. Returns the length; a NUL may be inside.
size_t escape_read(const char *text, char *ret);
