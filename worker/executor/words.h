// The words of a command: argv of one run, from the templates of its stage and one item or, for a
// batch command, as many as fit.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pipelines/template/template.h"
#include "worker/executor/recipe.h"

#define WORD_BYTES_MAX (128u << 10) // the kernel's MAX_ARG_STRLEN
// Of all words of a batch and their pointers. The kernel allows more, but the environment counts
// there too, and a longer command is not faster.
#define BATCH_BYTES_MAX (128u << 10)

struct words {
    struct buf text; // the words, each with its NUL
    struct buf argv; // offsets into `text` while it moves; words_argv makes pointers of them
    size_t too_long; // bytes of the word because of which words_build gave -E2BIG
};
void words_init(struct words *w);
void words_done(struct words *w);

// The values of an item: 1, 0 after the last one, negative errno. Borrowed until the next call.
// A first item always exists.
typedef int words_item_fn(void *arg, size_t index, struct template_values *ret);

// Clears `w` and fills in the stage's words. Without is_batch the first item is all there is.
// *ret_taken: items that went in, at least one if any is left. -E2BIG: a word is too long;
// -EILSEQ: a NUL in an item; -ENOMEM, -ENOBUFS, and what `next` returned.
int words_build(struct words *w, const struct recipe_stage *s, words_item_fn *next, void *arg,
                size_t *ret_taken);
// Ends with NULL. Valid until `text` grows: what belongs there too is added before.
char **words_argv(struct words *w);
// How many words.
size_t words_count(const struct words *w);
