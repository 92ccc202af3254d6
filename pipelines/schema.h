// One table of all keys of a job file: what may stand where, of which type and in which limits. The
// loader checks by it, and whatever describes the format to a person or an editor comes from it.
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
    SECTION_SINK,
    SECTION_COUNT,
};

enum key_type {
    KEY_TEXT,
    KEY_NAME,     // [a-z0-9_-]{1,63}
    KEY_COUNT,    // a whole number, min..max
    KEY_INTEGER,  // with a sign
    KEY_NUMBER,   // may have a fraction; min..max
    KEY_SIZE,     // bytes; min..max
    KEY_DURATION, // min..max in seconds
    KEY_WORD,     // one of `words`
    KEY_TEXTS,    // a text or a list of texts
    KEY_LIST,     // of texts
    KEY_COMMAND,  // a script or an argv
    KEY_KERNEL,   // library.so:function or a built-in name
    KEY_PAIRS,    // names with texts
    KEY_MAP,      // a section of its own, or a short form
    KEY_STAGES,
    KEY_SHARE,  // a count or N%
    KEY_FLAG,   // true or false
    KEY_MATRIX, // names with lists or ranges, include and exclude with lists of pairs
};

enum {
    KEY_REQUIRED = 1u << 0,
    KEY_LATER = 1u << 1,    // part of the format, not of this version
    KEY_RESERVED = 1u << 2, // kept free
};

struct schema_key {
    unsigned sections; // 1u << SECTION_..., or several
    const char *name;
    enum key_type type;
    unsigned flags;
    uint64_t min, max;
    const char *words; // KEY_WORD: "a, b, c", in the order of the enum it becomes
    const char *help;  // one line
};

extern const struct schema_key schema[];
extern const size_t n_schema;

// What the section is called in a sentence: "a job", "a stage".
const char *section_title(enum section section);
// NULL when the section has no such key.
const struct schema_key *schema_find(enum section section, const char *name);
// The key of the section that is nearest to a word, or NULL.
const char *schema_nearest(enum section section, const char *word);
// A section that has the key, other than this one; SECTION_COUNT: none.
enum section schema_elsewhere(enum section section, const char *name);
// Writes the section's keys, "a, b, c", into `ret`; cut when it is too small.
void schema_list(enum section section, char *ret, size_t size);
// Splits `words`; returns how many. Each is copied into ret[i].
#define SCHEMA_WORDS_MAX 8
#define SCHEMA_WORD_LEN_MAX 23
size_t schema_words(const struct schema_key *key,
                    char ret[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1]);
