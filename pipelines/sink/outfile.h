// A file that appears whole or not at all: it is written beside its target and renamed.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pipelines/plan.h"

struct outfile {
    int fd;     // -1: none
    char *path; // of the target, links followed
    char *part; // of the unfinished file; NULL: written in place (append, a device, a pipe)
    enum if_exists if_exists;
};
#define OUTFILE_INIT ((struct outfile){.fd = -1})

// 0; 1 when the target is there and if_exists is skip; -EEXIST when it is there and if_exists is
// error; other negative errno. All with text that names the target.
int outfile_open(struct outfile *file, const char *path, enum if_exists if_exists, struct err *err);
// Blocking, whole.
int outfile_write(struct outfile *file, const void *data, size_t len, struct err *err);
// Puts the file in its place and closes it. `durable`: its bytes are on the disk before.
int outfile_finish(struct outfile *file, bool durable, struct err *err);
// Closes, and removes what is unfinished. Safe at any time.
void outfile_done(struct outfile *file);
