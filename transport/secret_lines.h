// Lines of `word value`, in files of keys and peers. A line that begins with '#' and a blank is a
// comment. No file outside transport/ includes this.
#pragma once
#include <stddef.h>

struct secret_lines {
    const char *at;
    const char *end;
    unsigned number; // of the line read last, from 1
    char word[32];
    char value[512];
};
// Borrows the text. The caller wipes the struct when the text is secret.
void secret_lines_init(struct secret_lines *l, const char *text, size_t len);
// 1 with a word and its value, 0 at the end, -EINVAL for another kind of line.
int secret_lines_next(struct secret_lines *l);
