// The words of the user's command: a script or an argv, with the item in its place.
#pragma once
#include "cli/oneliner/making.h"

// Whether a word has a placeholder with a number, {1}.
bool words_use_number(const struct oneliner *o);
// Puts the command: a script or an argv, with the item after it where no placeholder takes it. The
// source must be known: its columns are placeholders. -EINVAL, reported.
int words_put(struct making *m, struct node *stage, const char *key);
