// A bare script: the name of a program, and after it nothing but items (`gzip`, `gzip {}`). A shell
// would only start the program, so the program is started in its place where this machine has it.
// What is not found here goes to the shell, as do words that mean something to a shell itself.
#pragma once
#include <stddef.h>

// The words that the script `text` stands for; *ret_n 0: it is no bare script. -ENOMEM. The caller
// frees the list with bare_free().
int bare_split(const char *text, char ***ret_words, size_t *ret_n);
void bare_free(char **words);
