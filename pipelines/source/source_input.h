// A path of the source, read from its beginning to its end as plain bytes: a pipe, standard input,
// a file, a compressed file. Only source*.c include it.
#pragma once
#include <sys/types.h>

#include "pipelines/source/source_path.h"

struct source_input;

// Opens the path; a file that begins like a compressed one is unpacked. Borrows plan and path.
// Errors with text.
int source_input_open(const struct plan *plan, const char *path, struct source_input **ret,
                      struct err *err);
// The path is a text: the mark that some programs write before UTF-8 is dropped, and UTF-16 is
// refused by the first read.
void source_input_is_text(struct source_input *in);
// Accepts NULL. Returns NULL.
struct source_input *source_input_close(struct source_input *in);
// The next bytes, borrowed until the next call. Returns their number, at most SOURCE_BLOCK; 0 at
// the end.
// -EAGAIN when nothing can be read now; -EBADMSG when compressed data are damaged, after all that
// comes before; else negative errno with text.
ssize_t source_input_read(struct source_input *in, const uint8_t **ret, struct err *err);
int source_input_fd(const struct source_input *in);
