#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/builtin.h"
#include "pipelines/docs/schema_docs.h"
#include "pipelines/json_writer.h"
#include "pipelines/plan.h"

#define NUMERAL "(0|[1-9][0-9]*)"
#define DECIMAL NUMERAL "(\\.[0-9]+)?"
#define INTEGER "-?" NUMERAL
#define EXACT_MAX (1ull << 53) // greater numbers are not exact in every reader of JSON

static void put_types(struct json_writer *w, const char *types)
{
    char list[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
    size_t n = schema_words(types, list);
    if (n == 1) {
        json_put_text(w, "type", types);
        return;
    }
    json_begin(w, "type", "[");
    for (size_t i = 0; i < n; i++)
        json_put_text(w, NULL, list[i]);
    json_end(w, "]");
}

static void put_words(struct json_writer *w, const char *words)
{
    char list[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
    size_t n = schema_words(words, list);
    json_begin(w, "enum", "[");
    for (size_t i = 0; i < n; i++)
        json_put_text(w, NULL, list[i]);
    json_end(w, "]");
}

static void put_limits(struct json_writer *w, const struct schema_key *key)
{
    if (key->max == 0)
        return;
    json_put_number(w, "minimum", key->min);
    if (key->max < EXACT_MAX)
        json_put_number(w, "maximum", key->max);
}

// Any scalar is a text as it is written.
static void put_scalar(struct json_writer *w, bool may_be_empty)
{
    put_types(w, may_be_empty ? "string, number, boolean, null" : "string, number, boolean");
    if (!may_be_empty)
        json_put_number(w, "minLength", 1);
}

static void put_list(struct json_writer *w, bool of_any, unsigned max)
{
    json_put_text(w, "type", "array");
    json_put_number(w, "minItems", 1);
    if (max)
        json_put_number(w, "maxItems", max);
    json_begin(w, "items", "{");
    put_scalar(w, of_any);
    json_end(w, "}");
}

static void put_text_or_list(struct json_writer *w, bool of_any, unsigned max)
{
    json_begin(w, "anyOf", "[");
    json_begin(w, NULL, "{");
    put_scalar(w, false);
    json_end(w, "}");
    json_begin(w, NULL, "{");
    put_list(w, of_any, max);
    json_end(w, "}");
    json_end(w, "]");
}

static void put_names(struct json_writer *w, const char *pattern)
{
    json_put_text(w, "type", "object");
    if (pattern) {
        json_begin(w, "propertyNames", "{");
        json_put_text(w, "pattern", pattern);
        json_end(w, "}");
    }
    json_begin(w, "additionalProperties", "{");
    put_scalar(w, true);
    json_end(w, "}");
}

static void put_amounts(struct json_writer *w)
{
    json_put_text(w, "type", "object");
    json_put_number(w, "maxProperties", PLAN_LABELS_MAX);
    json_begin(w, "propertyNames", "{");
    json_put_text(w, "pattern", "^[a-z0-9_-]+$");
    json_put_number(w, "maxLength", PLAN_LABEL_MAX);
    json_end(w, "}");
    json_begin(w, "additionalProperties", "{");
    put_types(w, "number, string"); // quotes do no harm here
    json_put_number(w, "minimum", 0);
    json_end(w, "}");
}

#define RANGE_PATTERN "^(" INTEGER "\\.\\." INTEGER "(\\.\\." INTEGER ")?|.*\\{.+\\}.*)$"

static void put_range(struct json_writer *w)
{
    json_put_text(w, "type", "string");
    json_put_text(w, "pattern", RANGE_PATTERN);
}

// A list of values or a range.
static void put_axis(struct json_writer *w)
{
    json_begin(w, "anyOf", "[");
    json_begin(w, NULL, "{");
    put_list(w, true, 0);
    json_end(w, "}");
    json_begin(w, NULL, "{");
    put_range(w);
    json_end(w, "}");
    json_begin(w, NULL, "{");
    json_put_text(w, "$ref", "#/definitions/range");
    json_end(w, "}");
    json_end(w, "]");
}

static void put_matrix(struct json_writer *w)
{
    static const char *const rules[] = {"include", "exclude"};
    json_put_text(w, "type", "object");
    json_begin(w, "propertyNames", "{");
    json_put_text(w, "pattern", "^[A-Za-z_][A-Za-z0-9_-]*$");
    json_end(w, "}");
    json_begin(w, "properties", "{");
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        json_begin(w, rules[i], "{");
        json_put_text(w, "type", "array");
        json_begin(w, "items", "{");
        put_names(w, NULL);
        json_put_number(w, "minProperties", 1);
        json_end(w, "}");
        json_end(w, "}");
    }
    json_end(w, "}");
    json_begin(w, "additionalProperties", "{");
    put_axis(w);
    json_end(w, "}");
}

// Quotes do no harm to it.
static void put_flag(struct json_writer *w)
{
    static const char *const words[] = {"true", "false"};
    json_begin(w, "enum", "[");
    for (size_t i = 0; i < 2; i++) {
        json_put_raw(w, NULL, "%s", words[i]);
        json_put_text(w, NULL, words[i]);
    }
    json_end(w, "]");
}

static void put_kernel(struct json_writer *w)
{
    static const char *const patterns[] = {"^.+:[A-Za-z_][A-Za-z0-9_]*$", "\\{.+\\}"};
    json_put_text(w, "type", "string");
    json_begin(w, "anyOf", "[");
    json_begin(w, NULL, "{");
    json_begin(w, "enum", "[");
    for (size_t i = 0; i < n_builtins; i++)
        json_put_text(w, NULL, builtins[i].name);
    json_end(w, "]");
    json_end(w, "}");
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        json_begin(w, NULL, "{");
        json_put_text(w, "pattern", patterns[i]);
        json_end(w, "}");
    }
    json_end(w, "]");
}

// The members that say what the type takes, into the object that is open.
static void put_type(struct json_writer *w, const struct schema_key *key)
{
    switch (key->type) {
    case KEY_TEXT:
    case KEY_NOTE:
        put_scalar(w, key->type == KEY_NOTE);
        break;
    case KEY_NAME:
        put_scalar(w, false);
        json_put_text(w, "pattern", "^[a-z0-9_-]+$");
        json_put_number(w, "maxLength", PLAN_NAME_MAX);
        break;
    case KEY_COUNT:
        json_put_text(w, "type", "integer");
        put_limits(w, key);
        break;
    case KEY_INTEGER:
        json_put_text(w, "type", "integer");
        break;
    case KEY_NUMBER:
        json_put_text(w, "type", "number");
        put_limits(w, key);
        break;
    case KEY_SIZE:
        put_types(w, "number, string");
        put_limits(w, key);
        json_put_text(w, "pattern", "^" DECIMAL "(B|[KMGT](B|iB)?)?$");
        break;
    case KEY_DURATION:
        put_types(w, "number, string");
        put_limits(w, key);
        json_put_text(w, "pattern", "^" DECIMAL "(ms|s|m|h|d)?$");
        break;
    case KEY_SHARE:
        put_types(w, "integer, string");
        put_limits(w, key);
        json_put_text(w, "pattern", "^(100(\\.0+)?|(0|[1-9][0-9]?)(\\.[0-9]+)?)%$");
        break;
    case KEY_RANGE:
        put_range(w);
        break;
    case KEY_FLAG:
        put_flag(w);
        break;
    case KEY_MATRIX:
        put_matrix(w);
        break;
    case KEY_WORD:
        put_words(w, key->words);
        break;
    case KEY_TEXTS:
        put_text_or_list(w, false, 0);
        break;
    case KEY_LIST:
        put_list(w, true, 0);
        break;
    case KEY_COMMAND:
        put_text_or_list(w, true, PLAN_ARGS_MAX);
        break;
    case KEY_KERNEL:
        put_kernel(w);
        break;
    case KEY_PAIRS:
        put_names(w, NULL);
        break;
    case KEY_PARAMS:
        put_names(w, "^[A-Za-z][A-Za-z0-9_]*$");
        break;
    case KEY_ENV:
        put_names(w, "^[A-Za-z_][A-Za-z0-9_]*$");
        break;
    case KEY_AMOUNTS:
        put_amounts(w);
        break;
    case KEY_STAGES:
        json_put_text(w, "type", "array");
        json_put_number(w, "minItems", 1);
        json_put_number(w, "maxItems", PLAN_STAGES_MAX - 1);
        json_begin(w, "items", "{");
        json_put_text(w, "$ref", "#/definitions/stage");
        json_end(w, "}");
        break;
    case KEY_MAP:
        break;
    }
}

static bool is_word(const char *words, const char *word)
{
    char list[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
    size_t n = schema_words(words, list);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

// Defaults that are values; others, "all slots", are words for a person.
static void put_default(struct json_writer *w, const struct schema_key *key, const char *text)
{
    uint64_t n;
    int64_t ns;
    bool is_number = key->type == KEY_COUNT || key->type == KEY_INTEGER || key->type == KEY_NUMBER;
    if (is_word(key->words, text) || (key->type == KEY_DURATION && parse_duration(text, &ns) == 0))
        json_put_text(w, "default", text);
    else if (key->type == KEY_FLAG || (is_number && parse_u64(text, &n) == 0))
        json_put_raw(w, "default", "%s", text);
    else if ((key->type == KEY_TEXT || key->type == KEY_NOTE) && *text == '"' &&
             !text[strcspn(text, " ")])
        json_put_raw(w, "default", "%s", text);
}

static void put_description(struct json_writer *w, const struct schema_key *key)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    size_t len;
    const char *standard = schema_default(key, &len);
    int r = 0;
    if (key->flags & KEY_RESERVED)
        r = buf_add_str(&text, "reserved for a later version of the format");
    else if (key->flags & KEY_LATER)
        r = buf_printf(&text, "not in this version of fanmill: %s", key->help);
    else if (standard)
        r = buf_printf(&text, "%.*s (default: %s)", (int)len, key->help, standard);
    else
        r = buf_add_str(&text, key->help);
    if (r == 0)
        r = buf_add(&text, "", 1);
    if (r < 0)
        w->error = r;
    else
        json_put_text(w, "description", (const char *)text.data);
}

static void put_key(struct json_writer *w, const struct schema_key *key)
{
    size_t len;
    const char *standard = schema_default(key, &len);
    enum section inside = schema_inside(key);
    bool has_words = key->words && key->type != KEY_WORD;
    json_begin(w, key->name, "{");
    put_description(w, key);
    if (key->flags & (KEY_RESERVED | KEY_LATER)) {
        json_begin(w, "not", "{");
        json_end(w, "}");
    } else if (key->min == key->max && key->max) {
        json_put_number(w, "const", key->max);
    } else if (inside == SECTION_COUNT && !has_words) {
        put_type(w, key);
    } else {
        json_begin(w, "anyOf", "[");
        if (has_words) {
            json_begin(w, NULL, "{");
            put_words(w, key->words);
            json_end(w, "}");
        }
        if (key->type != KEY_MAP) {
            json_begin(w, NULL, "{");
            put_type(w, key);
            json_end(w, "}");
        }
        if (inside != SECTION_COUNT) {
            char ref[64];
            snprintf(ref, sizeof(ref), "#/definitions/%s", schema_section_name(inside));
            json_begin(w, NULL, "{");
            json_put_text(w, "$ref", ref);
            json_end(w, "}");
        }
        json_end(w, "]");
    }
    if (standard && !(key->flags & KEY_NOT_OFFERED))
        put_default(w, key, standard);
    json_end(w, "}");
}

static void put_required(struct json_writer *w, const char *name, const char *key)
{
    json_begin(w, name, "{");
    json_begin(w, "required", "[");
    json_put_text(w, NULL, key);
    json_end(w, "]");
    json_end(w, "}");
}

// One of the keys with `flag`, or all of them.
static void put_rule(struct json_writer *w, enum section section, const char *name, unsigned flag)
{
    bool any = false;
    for (size_t i = 0; i < n_schema; i++) {
        const struct schema_key *key = &schema[i];
        if (!(key->sections >> section & 1) || !(key->flags & flag) ||
            (key->flags & KEY_NOT_OFFERED))
            continue;
        if (!any)
            json_begin(w, name, "[");
        any = true;
        if (flag == KEY_ONE_OF)
            put_required(w, NULL, key->name);
        else
            json_put_text(w, NULL, key->name);
    }
    if (any)
        json_end(w, "]");
}

static void put_company(struct json_writer *w, enum section section)
{
    bool any = false;
    for (size_t i = 0; i < n_schema_company; i++) {
        const struct schema_company *c = &schema_company[i];
        char with[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
        size_t n = schema_words(c->with, with);
        if (!(c->sections >> section & 1))
            continue;
        if (!any)
            json_begin(w, "dependencies", "{");
        any = true;
        json_begin(w, c->key, "{");
        json_begin(w, "anyOf", "[");
        for (size_t k = 0; k < n; k++)
            put_required(w, NULL, with[k]);
        json_end(w, "]");
        json_end(w, "}");
    }
    if (any)
        json_end(w, "}");
}

static void put_section(struct json_writer *w, enum section section)
{
    json_put_text(w, "type", "object");
    json_put_flag(w, "additionalProperties", false);
    json_begin(w, "patternProperties", "{");
    json_begin(w, "^x-", "{");
    json_end(w, "}");
    json_end(w, "}");
    put_rule(w, section, "required", KEY_REQUIRED);
    put_rule(w, section, "oneOf", KEY_ONE_OF);
    put_company(w, section);
    json_begin(w, "properties", "{");
    for (size_t i = 0; i < n_schema; i++)
        if ((schema[i].sections >> section & 1) && !(schema[i].flags & KEY_WRONG))
            put_key(w, &schema[i]);
    json_end(w, "}");
}

int schema_json(struct buf *out)
{
    struct json_writer w = {.out = out, .indented = true};
    json_open(&w);
    json_put_text(&w, "$schema", "http://json-schema.org/draft-07/schema#");
    json_put_text(&w, "title", "fanmill job file, version 1");
    put_section(&w, SECTION_JOB);
    json_begin(&w, "definitions", "{");
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        if (i == SECTION_JOB)
            continue;
        json_begin(&w, schema_section_name((enum section)i), "{");
        put_section(&w, (enum section)i);
        json_end(&w, "}");
    }
    json_end(&w, "}");
    return json_done(&w);
}
