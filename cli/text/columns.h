// How wide text is on a terminal.
#pragma once
#include <stddef.h>

#define TERMINAL_COLUMNS 80u // of one that does not say

// Columns of the terminal behind a descriptor; 0: it is none.
size_t terminal_columns(int fd);
// Columns that UTF-8 text takes: none for marks that combine, two for wide characters.
size_t text_columns(const char *text);
// Bytes of `text` that fit into `columns`; *ret_columns: what they take.
size_t text_fits(const char *text, size_t columns, size_t *ret_columns);
// Cuts text to `columns`; what was cut ends with an ellipsis. Writes to `ret`, of `size` bytes.
void text_cut(const char *text, size_t columns, char *ret, size_t size);
