// A file that appears complete or not at all: it is written without a name, or next to its target,
// and then takes its place. What is no file (a pipe, a terminal, /dev/null, /dev/fd/N) is a stream,
// and what is appended to is written in place.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pipelines/plan.h"

struct outfile {
    int fd;     // -1: none
    int folder; // of the target; -1: it is a stream
    bool in_place;
    char *path; // for messages
    char *name; // of the target, in its folder
    char *part; // of the unfinished file; NULL: in place, or without a name
    enum if_exists if_exists;
};
#define OUTFILE_INIT ((struct outfile){.fd = -1, .folder = -1})

// Follows links: what they name is replaced. `plan`: whose fences hold. 0; 1 when the target exists
// and if_exists is skip; -EEXIST when it exists and if_exists is error; other negative errno. All
// with text that names the target. Opening a FIFO waits for its reader.
int outfile_open(struct outfile *file, const struct plan *plan, const char *path, struct err *err);
// The same for a name within an open folder. Follows no link: one in its place is replaced. Takes
// the descriptor over, also on failure. `path` is for messages.
int outfile_open_at(struct outfile *file, int folder, const char *name, const char *path,
                    enum if_exists if_exists, struct err *err);
// Blocking, whole.
int outfile_write(struct outfile *file, const void *data, size_t len, struct err *err);
// Puts the file in its place and closes it. `durable`: after its bytes are on the disk.
int outfile_finish(struct outfile *file, bool durable, struct err *err);
// Closes the file, and removes it if it is unfinished. Safe at any time.
void outfile_done(struct outfile *file);
