// A job's name from its command line: that of the program it runs.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Writes the name, letters of [a-z0-9_-], into `ret`; "" when nothing looks like one. `is_script`:
// the text is a shell's, and the first program in it counts, not a word of the shell.
void job_name_of(const char *text, bool is_script, char *ret, size_t size);
