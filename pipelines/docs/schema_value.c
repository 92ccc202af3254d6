// Sections and values of the table in words.
#include <stdbool.h>
#include <string.h>

#include "pipelines/docs/limits.h"
#include "pipelines/docs/schema_docs.h"

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
    case KEY_TIMEOUT:
        return "duration or `N%`";
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
    case KEY_LOAD:
        return "count or `N%`";
    case KEY_RANGE:
        return "`A..B[..STEP]`";
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

// " (2 to 1,000)" or " (up to 1 GiB)", for types with limits.
static int add_range(struct buf *out, const struct schema_key *key)
{
    static const enum limit_unit units[] = {[KEY_COUNT] = LIMIT_COUNT,
                                            [KEY_NUMBER] = LIMIT_COUNT,
                                            [KEY_SIZE] = LIMIT_BYTES,
                                            [KEY_DURATION] = LIMIT_SECONDS};
    bool is_number = key->type == KEY_COUNT || key->type == KEY_NUMBER;
    if ((!is_number && key->type != KEY_SIZE && key->type != KEY_DURATION) || key->max == 0 ||
        key->max >= INT64_MAX)
        return 0;
    bool has_min = key->type == KEY_COUNT || key->min > (key->type == KEY_SIZE);
    int r = buf_add_str(out, has_min ? " (" : " (up to ");
    if (r == 0 && has_min)
        r = limit_number(units[key->type], key->min, out);
    if (r == 0 && has_min)
        r = buf_add_str(out, " to ");
    if (r == 0)
        r = limit_number(units[key->type], key->max, out);
    return r < 0 ? r : buf_add(out, ")", 1);
}

// Adds "x", ", x", and for the last ", or x" or, of two, " or x"; code stands between backticks.
static int add_form(struct buf *out, size_t *at, size_t n, const char *quote, const char *form)
{
    const char *last = n == 2 ? " or " : ", or ";
    const char *join = *at == 0 ? "" : *at + 1 == n ? last : ", ";
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
    if (type && r == 0)
        r = add_range(out, key);
    for (size_t i = 0; i < n_words && r == 0; i++)
        r = add_form(out, &at, n, "`", words[i]);
    if (inside != SECTION_COUNT && r == 0)
        r = add_form(out, &at, n, "", "a map");
    return r;
}
