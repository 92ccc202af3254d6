// A file that appears complete or not at all: it is written next to its target and renamed.
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

// 0; 1 when the target exists and if_exists is skip; -EEXIST when it exists and if_exists is error;
// other negative errno. All with text that names the target.
int outfile_open(struct outfile *file, const char *path, enum if_exists if_exists, struct err *err);
// Blocking, whole.
int outfile_write(struct outfile *file, const void *data, size_t len, struct err *err);
// Puts the file in its place and closes it. `durable`: after its bytes are on the disk.
int outfile_finish(struct outfile *file, bool durable, struct err *err);
// Closes the file, and removes it if it is unfinished. Safe at any time.
void outfile_done(struct outfile *file);
