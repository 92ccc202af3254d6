// From the tree of a job file to its plan, section by section. Each part reports every mistake it
// finds and goes on; the plan is good if there are none.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipelines/build/load.h"
#include "pipelines/file/schema.h"
#include "pipelines/file/yaml.h"
#include "pipelines/plan.h"

struct builder {
    struct diag *diag;
    const struct load_options *options;
    struct plan *plan;
    const struct node *root;
    const char **param_names;  // borrowed from plan->params
    const char **param_values; // in the same order
    bool has_source;           // plan->source.kind is known
    struct node *chunk_node;   // the job's own chunk rule, if it has one
    struct chunking chunk;     // what it says, when it is good
    int error;                 // -ENOMEM, sticky
};

// Reports a mistake at a node; the text is preceded by the node's path: "stages[0].retries: ".
// Nothing is reported about a node that is bad already. `hint` may be NULL.
void refuse(struct builder *b, struct node *node, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
// The same at the node's key, for a value that should not exist.
void refuse_key(struct builder *b, struct node *node, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void warn_at(struct builder *b, const struct node *node, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
// Writes "source.range" for a node; cut when `ret` is too small.
#define PATH_MAX_SHOWN 160
void node_path(const struct node *node, char *ret, size_t size);

// Reports unknown, reserved and missing keys of a map. False when a key is unknown: then a key that
// seems to be missing may only be misspelled.
bool check_keys(struct builder *b, struct node *map, enum section section);
// The one key of the map that is a kind of its section (KEY_ONE_OF). NULL with a mistake if there
// is more than one or, unless keys are unknown (`known`, of check_keys), none. Also reports keys
// that do not go with it. `hint` may be NULL.
struct node *check_kind(struct builder *b, struct node *map, enum section section, bool known,
                        const char *hint);
// Which of `names` the kind is; some may be NULL.
unsigned kind_index(const struct node *kind, const char *const *names, size_t n);
// "did you mean 'x'?" into `ret`, or NULL when none is near.
#define HINT_MAX 256
const char *hint_nearest(char ret[HINT_MAX], const char *word, const char *const *names, size_t n);

// Scalars. Each looks up `name` in the map, checks it by the schema and returns true when *ret was
// set; false when the key is absent, or its value is bad, which is reported.
bool read_count(struct builder *b, enum section section, const struct node *map, const char *name,
                uint64_t *ret);
bool read_integer(struct builder *b, const struct node *map, const char *name, int64_t *ret);
bool read_number(struct builder *b, enum section section, const struct node *map, const char *name,
                 double *ret);
bool read_size(struct builder *b, enum section section, const struct node *map, const char *name,
               uint64_t *ret);
bool read_duration(struct builder *b, enum section section, const struct node *map,
                   const char *name, int64_t *ret_ns);
// true or false. False when absent or bad.
bool read_flag(struct builder *b, const struct node *map, const char *name, bool *ret);
bool read_word(struct builder *b, enum section section, const struct node *map, const char *name,
               unsigned *ret);
// The name of a job or stage; the caller frees. NULL when absent or bad.
char *read_name(struct builder *b, const struct node *map);
// A scalar that is not empty and contains no NUL. *ret is borrowed from the tree.
bool want_text(struct builder *b, struct node *node, const char **ret);
// The same, but it may be empty.
bool want_any_text(struct builder *b, struct node *node, const char **ret);
bool want_map(struct builder *b, struct node *node);

// Copies into the plan. NULL when out of memory (sticky in b->error).
char *keep(struct builder *b, const char *text);
bool pairs_add(struct builder *b, struct plan_pair **pairs, size_t *n, const char *name,
               const char *value);
bool words_add(struct builder *b, char ***words, size_t *n, const char *word);

// Text in which placeholders of params, and only of these, are replaced now: paths, kernel args.
// The caller frees. NULL with a mistake, or when out of memory. `strict`: {}, {#} and {%} are
// mistakes.
char *fill_in(struct builder *b, struct node *node, const char *text, bool strict);
// Checks a text that the worker compiles again. `strict`: an unknown {word} is a mistake, because
// it would become part of a path. Returns false with a mistake. *ret_uses_item and *ret_is_constant
// may be NULL.
struct text_rules {
    bool is_script;
    bool is_batch; // the script gets many items
    bool has_item;
    bool has_fields; // of the item
    bool strict;
};
bool check_template(struct builder *b, struct node *node, const char *text,
                    const struct text_rules *rules, bool *ret_uses_item, bool *ret_is_constant);

void build_params(struct builder *b);
void build_env(struct builder *b, const struct node *map, struct plan_pair **ret, size_t *ret_n);
void build_source(struct builder *b);
// True with a rule. The caller decides whether it fits.
bool build_chunking(struct builder *b, struct node *node, struct chunking *ret);
void build_stages(struct builder *b);
void build_sink(struct builder *b);
void build_limits(struct builder *b);

// The key of a source's kind.
const char *source_word(enum source_kind kind);
