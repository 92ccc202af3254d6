// A list of paths, and the files that a pattern means: with ** for any number of folders, which
// glob(3) does not know. Only source*.c include it.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pipelines/plan.h"

// Owns its strings. Zeroed by the user.
struct paths {
    char **names;
    size_t len;
};
void paths_done(struct paths *p);
// Appends a copy. -ENOMEM.
int paths_add(struct paths *p, const char *name);
// Sorts bytewise from `first` on; with `unique`, equal names are kept once.
void paths_sort(struct paths *p, size_t first, bool unique);
// Appends the files that match a pattern, sorted: *, ?, [...] within a name, ** for any number of
// folders. A pattern without these is the path itself. Hidden names must be matched by an explicit
// dot. Relative patterns begin at `directory` and yield relative paths. -ENOENT when nothing
// matches.
int paths_glob(struct paths *p, const char *pattern, const char *directory, struct err *err);
// Whether the path matches the pattern, for patterns that exclude.
bool path_matches(const char *pattern, const char *path);
// Removes the paths that match one of the source's patterns with a leading "!".
void paths_exclude(struct paths *p, const struct source *source);
