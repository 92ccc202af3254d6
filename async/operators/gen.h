// Generators: streams written as a function that yields. It has a stack of its own and runs in its
// consumer's task, so what it awaits, the consumer awaits, and the consumer's cancel is its cancel.
#pragma once
#include "async/operators/stream.h"

struct gen;

// Starts with the first next(). Its result < 0 becomes the stream's final error. NULL: no memory.
typedef int gen_fn(struct gen *gen, void *arg);
struct stream *gen_new(gen_fn *fn, void *arg, void (*drop)(void *item));
// Passes one item to the consumer. 0 when asked for more; -ECANCELED once the stream is closed: the
// function should return soon. The item is then dropped. Not allowed inside a scope or group that
// the generator itself opened (asserted): the consumer would run inside it.
int gen_yield(struct gen *gen, void *item);
