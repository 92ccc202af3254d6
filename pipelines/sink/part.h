// Names of unfinished files. They say who makes them (host, process and its start), so that those
// of the dead can be told from those that somebody still writes. Hidden, so that no pattern
// matches.
//
//     .NAME.HOST.PID.START.part
#pragma once
#include "base/err.h"

// The caller frees it; NULL: no memory. `attempt`: to get another one.
char *part_name(const char *name, unsigned attempt);
// Removes parts in the folder whose makers were of this host and are gone: those of `name`, or of
// any file (NULL). Whatever can't be looked at stays.
void parts_clear(int folder, const char *name);
