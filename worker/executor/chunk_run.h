// One chunk in an executor, while it runs: where it stands, what came of it so far, and the memory
// that the next one uses again.
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/message.h"
#include "worker/executor/input.h"
#include "worker/executor/recipe.h"
#include "worker/executor/words.h"

struct kept;
struct page;

// Results of a stage back to back, and their lengths.
struct output {
    struct buf body;
    struct buf lens; // uint32_t each
    uint32_t n;
};
void output_clear(struct output *out);

// Reused from chunk to chunk. chunk_run_init once; chunk_run_done frees.
struct chunk_run {
    // of the executor
    struct page *page;
    struct kept *kept;
    int signals;      // signalfd of SIGCHLD and SIGUSR1, both blocked
    sigset_t blocked; // in programs that are started
    uint32_t slot;
    // Sends what a kernel of the last stage has emitted, and empties the output. Called only when
    // the job wants parts.
    void (*send_part)(void *arg, struct output *out);
    // Sends bytes of standard error ahead of the chunk's end.
    void (*send_stderr)(void *arg, const void *data, size_t len);
    void *send_arg;
    // of the run
    struct recipe *recipe;
    uint64_t serial;
    uint64_t number;
    uint64_t item_first;
    uint32_t attempt;
    int64_t began; // monotonic ns
    // what came of it
    bool has_run; // a program or kernel of it
    int full;     // negative errno: nothing has run, for the machine refused a process
    struct ending ending;
    char error[PROTO_TEXT_MAX];
    char note[PROTO_TEXT_MAX / 2]; // what else should be told, whether it failed or not
    struct buf errors;             // what was written to standard error and not sent yet
    uint64_t error_bytes;
    bool mid_line;   // the last of them ends no line
    const char *tag; // before each line of them; NULL: none
    size_t tag_len;
    struct output *result; // one of `outputs`
    // reused
    struct input first;
    struct input later;
    struct output outputs[2];
    struct words words;  // texts of argv and of what else a program gets
    struct row row;      // of the item that a command runs for
    struct row next_row; // of a further item of a batch
};

void chunk_run_init(struct chunk_run *c, struct page *page, struct kept *kept, int signals,
                    uint32_t slot);
void chunk_run_done(struct chunk_run *c);
// Gives back the memory of unusually large chunks.
void chunk_run_trim(struct chunk_run *c);

// For the stages: the chunk ends with this. Always returns -1.
int chunk_run_fail(struct chunk_run *c, enum outcome outcome, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
// Adds to what is told about the chunk, whatever its outcome.
void chunk_run_note(struct chunk_run *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
// Standard error of the chunk's programs, up to PROTO_STDERR_MAX; more is dropped, which is noted.
void chunk_run_add_stderr(struct chunk_run *c, const void *data, size_t len);
// Sends all but the last PROTO_STDERR_TAIL_MAX bytes of it, which travel with the chunk's ending.
void chunk_run_send_stderr(struct chunk_run *c);
