// Placeholders: {} {.} {/} {//} {/.} {..} {/..} {+/} {+.} {+..} {#} {%}, {1} {2} {-1} and {name}
// followed by the same forms ({1.}, {name/.}), and each with a final @q for text quoted for a shell
// ({@q}); {{}} is a literal {}. Only known names are replaced; `{print $1}`, `${HOME}` and `a{1,3}`
// stay as written. What is made of digits, dots and slashes and means nothing is refused. Values
// are data, never code: a script is compiled once and its values arrive as "$1", "$2", ...
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

#define TEMPLATE_NEST_MAX 64 // nested quotes and substitutions of a script
#define TEMPLATE_HERE_MAX 8  // here-documents that begin on one line

struct row;
struct source;
struct template;

enum template_mode {
    TEMPLATE_WORD,   // the whole text becomes one string: an argv word, a path, an argument
    TEMPLATE_SCRIPT, // a shell script: each placeholder becomes a quoted positional parameter
    TEMPLATE_BATCH,  // a script for many items: {} becomes "$@", the only parameters
};

struct template_names {
    const char *const *params; // values that are the same for every chunk
    size_t n_params;
    bool has_item;         // false: {} and its forms are unknown here (a `pipe` over data, say)
    bool numbers_are_text; // {2} is a regular expression's, not a mistake: no item is here
    // Whose rows the items are: its columns are {1}, {2}.. and {name}. NULL: items have no fields.
    const struct source *source;
};

// Compiles a text. On failure (-EINVAL) err has the reason, and *ret_offset the byte.
// The caller frees with template_free().
int template_compile(const char *text, enum template_mode mode, const struct template_names *names,
                     struct template **ret, struct err *err, size_t *ret_offset);
struct template *template_free(struct template *t);
DEFINE_CLEANUP(struct template *, template_free)

// True when a placeholder depends on the item ({}, {.}, {/}, {//}, {/.}, {1}, {column}).
bool template_uses_item(const struct template *t);
// True when nothing is replaced.
bool template_is_constant(const struct template *t);

struct template_values {
    const char *item; // any bytes but NUL
    size_t item_len;
    uint64_t seq;              // {#}, from 1
    uint32_t slot;             // {%}, from 1
    const char *const *params; // in the order of names.params
    const struct row *row;     // the item's fields; NULL: none
};

// TEMPLATE_WORD: appends the filled-in text. TEMPLATE_SCRIPT: not allowed.
int template_expand(const struct template *t, const struct template_values *values,
                    struct buf *out);
// TEMPLATE_SCRIPT: the script with "${1}".. in place of placeholders, and the values for them.
const char *template_script(const struct template *t);
size_t template_n_args(const struct template *t);
int template_expand_arg(const struct template *t, size_t arg, const struct template_values *values,
                        struct buf *out);
// An unknown {nmae} that resembles a known name, or a word that GNU parallel would replace, for a
// warning with a hint; NULL if there is none. Borrowed from `t`.
const char *template_suspect(const struct template *t, const char **ret_hint);
