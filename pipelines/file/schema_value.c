// Sections and values of the table in words.
#include <string.h>

#include "pipelines/file/schema_docs.h"

const char *schema_section_name(enum section section)
{
    if (schema_sections[section].key)
        return schema_sections[section].key;
    return section == SECTION_JOB ? "job" : "stage";
}

enum section schema_section_named(const char *name)
{
    unsigned i = 0;
    while (i < SECTION_COUNT && strcmp(schema_section_name((enum section)i), name) != 0)
        i++;
    return (enum section)i;
}

static const char *type_words(enum key_type type)
{
    switch (type) {
    case KEY_TEXT:
    case KEY_NOTE:
        return "text";
    case KEY_NAME:
        return "name of `a-z 0-9 - _`";
    case KEY_COUNT:
        return "count";
    case KEY_INTEGER:
        return "whole number";
    case KEY_NUMBER:
        return "number";
    case KEY_SIZE:
        return "size";
    case KEY_DURATION:
        return "duration";
    case KEY_TEXTS:
        return "text or list";
    case KEY_LIST:
        return "list";
    case KEY_COMMAND:
        return "script or list of words";
    case KEY_KERNEL:
        return "`library.so:function` or built-in name";
    case KEY_PAIRS:
    case KEY_PARAMS:
        return "name: value";
    case KEY_ENV:
        return "NAME: value";
    case KEY_AMOUNTS:
        return "name: amount";
    case KEY_STAGES:
        return "list of stages";
    case KEY_SHARE:
        return "count or `N%`";
    case KEY_RANGE:
        return "`A..B` or `A..B..STEP`";
    case KEY_FLAG:
        return "`true` or `false`";
    case KEY_MATRIX:
        return "name: list or range";
    case KEY_WORD:
    case KEY_MAP:
        break;
    }
    return NULL;
}

// Adds "x", ", x", and for the last ", or x"; code stands between backticks.
static int add_form(struct buf *out, size_t *at, size_t n, const char *quote, const char *form)
{
    const char *join = *at == 0 ? "" : *at + 1 == n ? ", or " : ", ";
    ++*at;
    return buf_printf(out, "%s%s%s%s", join, quote, form, quote);
}

int schema_value(const struct schema_key *key, struct buf *out)
{
    char words[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
    size_t n_words = schema_words(key->words, words), at = 0;
    const char *type = type_words(key->type);
    enum section inside = schema_inside(key);
    size_t n = n_words + (type != NULL) + (inside != SECTION_COUNT);
    int r = 0;
    if (key->min == key->max && key->max)
        return buf_printf(out, "%llu", (unsigned long long)key->max);
    if (type)
        r = add_form(out, &at, n, "", type);
    for (size_t i = 0; i < n_words && r == 0; i++)
        r = add_form(out, &at, n, "`", words[i]);
    if (inside != SECTION_COUNT && r == 0)
        r = add_form(out, &at, n, "", "a map");
    return r;
}
