// One table of all keys of a job file: what may stand where, of which type and in which limits. The
// loader checks by it; the JSON Schema, fanmill-job(5) and the tables of the guide are written out
// of it (schema_docs.h).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum section {
    SECTION_JOB,
    SECTION_SOURCE,
    SECTION_RECORD,
    SECTION_RANGE,
    SECTION_CHUNK,
    SECTION_STAGE,
    SECTION_REDUCE,
    SECTION_RESOURCES,
    SECTION_RETRIES,
    SECTION_THROTTLE,
    SECTION_UNTIL,
    SECTION_LEFTOVERS,
    SECTION_SINK,
    SECTION_COUNT,
};

enum key_type {
    KEY_TEXT,
    KEY_NOTE,     // a text that may be empty
    KEY_NAME,     // [a-z0-9_-]{1,63}
    KEY_COUNT,    // a whole number, min..max
    KEY_INTEGER,  // with a sign
    KEY_NUMBER,   // may have a fraction; min..max
    KEY_SIZE,     // bytes; min..max
    KEY_DURATION, // min..max in seconds
    KEY_TIMEOUT,  // a duration, or N%
    KEY_WORD,     // one of `words`
    KEY_TEXTS,    // a text or a list of texts
    KEY_LIST,     // of texts
    KEY_COMMAND,  // a script or an argv
    KEY_KERNEL,   // library.so:function or a built-in name
    KEY_PAIRS,    // names with texts
    KEY_PARAMS,   // the same; a name is a letter, then letters, digits, _
    KEY_ENV,      // the same; names of environment variables
    KEY_AMOUNTS,  // names [a-z0-9_-]{1,31} with numbers
    KEY_MAP,      // the section called like the key, or one of `words`
    KEY_STAGES,
    KEY_SHARE,  // a count or N%, up to 100%
    KEY_LOAD,   // a count or a whole N%
    KEY_RANGE,  // A..B or A..B..STEP
    KEY_FLAG,   // true or false
    KEY_MATRIX, // names with lists or ranges, include and exclude with lists of pairs
};

enum {
    KEY_REQUIRED = 1u << 0,
    KEY_LATER = 1u << 1,    // part of the format, not of this version
    KEY_RESERVED = 1u << 2, // kept free
    KEY_ONE_OF = 1u << 3,   // a kind: exactly one key with this flag stands in a map
    KEY_WRONG = 1u << 4,    // never stands here; `help` is what the checker says
    KEY_NOT_OFFERED = KEY_LATER | KEY_RESERVED | KEY_WRONG,
};

struct schema_key {
    unsigned sections; // 1u << SECTION_..., or several
    const char *name;
    enum key_type type;
    unsigned flags;
    uint64_t min, max;
    // KEY_WORD: "a, b, c", in the order of the enum it becomes. Else words that may stand in place
    // of the type: chunk: auto.
    const char *words;
    // One line; `code` in backticks. What follows the last "; " is the default.
    const char *help;
};

extern const struct schema_key schema[];
extern const size_t n_schema;

// A key of any type whose name is that of a section may hold a map of the section too.
struct schema_section {
    const char *key;   // NULL: no key is called so (a job, a stage of the list)
    const char *title; // in a sentence: "a job", "a stage"
};
extern const struct schema_section schema_sections[SECTION_COUNT];

// A key that stands only beside one of some others.
struct schema_company {
    unsigned sections;
    const char *key;
    const char *with; // "command, pipe"
    const char *text; // what the checker says when none of them is given
    const char *hint; // NULL: none
};
extern const struct schema_company schema_company[];
extern const size_t n_schema_company;

// The section whose map the key may hold; SECTION_COUNT: none.
enum section schema_inside(const struct schema_key *key);
// Where the default begins in the key's help; NULL: it names none. *ret_len: length of what is
// before it.
const char *schema_default(const struct schema_key *key, size_t *ret_len);
// NULL when the section has no such key.
const struct schema_key *schema_find(enum section section, const char *name);
// The key of the section that is nearest to a word, or NULL.
const char *schema_nearest(enum section section, const char *word);
// A section that has the key, other than this one; SECTION_COUNT: none.
enum section schema_elsewhere(enum section section, const char *name);
// Writes those of the section's keys that have all of `flags`, "a, b, c", into `ret`; cut when it
// is too small.
void schema_list(enum section section, unsigned flags, char *ret, size_t size);
// Splits "a, b, c"; returns how many. Each is copied into ret[i].
#define SCHEMA_WORDS_MAX 8
#define SCHEMA_WORD_LEN_MAX 23
size_t schema_words(const char *words, char ret[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1]);
