// Where a program is: the search along PATH that execvp does, once for many runs.
#pragma once
#include "worker/executor/recipe.h"

// Looks `name` up along the PATH of the stage's environment; a name with a slash means itself, seen
// from `directory`. *ret_path is borrowed from the stage or is `name`, until the next call.
// -ENOENT; -EACCES when a file of that name exists but may not be run; -ENOMEM.
int find_program(struct recipe_stage *s, const char *name, const char *directory,
                 const char **ret_path);
