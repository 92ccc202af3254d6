// UTF-8, strictly: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Length of the character at `text` and the character itself; 0 when it is malformed or cut off.
size_t utf8_read(const char *text, size_t len, uint32_t *ret);
// Whether all of it is UTF-8.
bool utf8_ok(const char *text, size_t len);
// Whether a terminal would act on it, or show the text around it in another order or on another
// line: control characters, line and paragraph separators, marks of direction.
bool utf8_is_control(uint32_t c);
// Every byte of such a character, and of what is no UTF-8, becomes '?', but not tabs and newlines.
void utf8_make_harmless(char *text, size_t len);
