// One chunk in an executor: its input goes through the step's stages, one after another, and what
// comes out of the last is its result.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "proto/message.h"
#include "worker/executor/input.h"
#include "worker/executor/recipe.h"
#include "worker/executor/words.h"

struct page;

// Results of a stage back to back, and their lengths.
struct output {
    struct buf body;
    struct buf lens; // uint32_t each
    uint32_t n;
};

// Reused from chunk to chunk. chunk_init once, chunk_done frees.
struct chunk {
    // of the executor
    struct page *page;
    int signals; // signalfd of SIGCHLD and SIGUSR1, both blocked
    uint32_t slot;
    // Sends what a kernel of the last stage has emitted, and empties the output. Called only when
    // the job wants parts.
    void (*send_part)(void *arg, struct output *out);
    void *send_arg;
    // of the run
    struct recipe *recipe;
    uint64_t serial;
    uint64_t number;
    uint64_t item_first;
    uint32_t attempt;
    int64_t began; // monotonic ns
    // what came of it
    struct ending ending;
    char error[PROTO_TEXT_MAX];
    struct buf stderr_tail;
    struct output *result; // one of `outputs`
    // reused
    struct input first;
    struct input later;
    struct output outputs[2];
    struct words words;  // texts of argv and of what else a program gets
    struct row row;      // of the item that a command runs for
    struct row next_row; // of a further item of a batch
};

void chunk_init(struct chunk *c, struct page *page, int signals, uint32_t slot);
void chunk_done(struct chunk *c);
// Runs it: fills in `what came of it`. Blocking, as long as the chunk takes.
void chunk_run(struct chunk *c, const struct input_chunk *input);
// Gives back the memory of unusually large chunks.
void chunk_trim(struct chunk *c);

// For the runners: the chunk ends with this. Always returns -1.
int chunk_fail(struct chunk *c, enum outcome outcome, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
// Keeps the last PROTO_STDERR_TAIL_MAX bytes.
void chunk_add_stderr(struct chunk *c, const void *data, size_t len);
void chunk_add_usage(struct chunk *c, const struct rusage *usage);

// The runners. `before` is NULL for the first stage. 0, or -1 when the chunk has failed.
int command_run(struct chunk *c, struct recipe_stage *s, struct output *before, struct output *out);
int pipe_run(struct chunk *c, struct recipe_stage *s, struct input *in, struct output *out);
int kernel_run(struct chunk *c, struct recipe_stage *s, struct input *in, struct output *out);
