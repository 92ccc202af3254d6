#include <stdbool.h>
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

// Any scalar is a text as it is written.
#define SCALAR "'type': ['string', 'number', 'boolean'], 'minLength': 1"
#define ANY_SCALAR "'type': ['string', 'number', 'boolean', 'null']"
#define LIST "'type': 'array', 'minItems': 1, "
#define NAMES "'additionalProperties': {" ANY_SCALAR "}"
#define RANGE                                                                                      \
    "'type': 'string', 'pattern': '^(" INTEGER "\\.\\." INTEGER "(\\.\\." INTEGER                  \
    ")?|.*\\{.+\\}.*)$'"
#define AXIS                                                                                       \
    "'anyOf': [{" LIST "'items': {" ANY_SCALAR "}}, {" RANGE "}, {'$ref': '#/definitions/range'}]"
#define RULES "{'type': 'array', 'items': {'type': 'object', " NAMES ", 'minProperties': 1}}"

static void put_words(struct json_writer *w, const char *words)
{
    char list[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
    size_t n = schema_words(words, list);
    json_begin(w, "enum", "[");
    for (size_t i = 0; i < n; i++)
        json_put_text(w, NULL, list[i]);
    json_end(w, "]");
}

static void put_number(struct json_writer *w, const char *types, const struct schema_key *key,
                       const char *pattern)
{
    json_put_members(w, "'type': %s", types);
    if (key->max)
        json_put_number(w, "minimum", key->min);
    if (key->max && key->max < EXACT_MAX)
        json_put_number(w, "maximum", key->max);
    json_put_text(w, "pattern", pattern);
}

static void put_kernel(struct json_writer *w)
{
    json_put_members(w, "'type': 'string'");
    json_begin(w, "anyOf", "[");
    json_begin(w, NULL, "{");
    json_begin(w, "enum", "[");
    for (size_t i = 0; i < n_builtins; i++)
        json_put_text(w, NULL, builtins[i].name);
    json_end(w, "]");
    json_end(w, "}");
    json_put_members(w, "{'pattern': '^.+:[A-Za-z_][A-Za-z0-9_]*$'}, {'pattern': '\\{.+\\}'}");
    json_end(w, "]");
}

// The members that say what the type takes, into the object that is open.
static void put_type(struct json_writer *w, const struct schema_key *key)
{
    switch (key->type) {
    case KEY_TEXT:
        json_put_members(w, SCALAR);
        break;
    case KEY_NOTE:
        json_put_members(w, ANY_SCALAR);
        break;
    case KEY_NAME:
        json_put_members(w, SCALAR ", 'pattern': '^[a-z0-9_-]+$', 'maxLength': %d", PLAN_NAME_MAX);
        break;
    case KEY_COUNT:
    case KEY_INTEGER:
        put_number(w, "'integer'", key, NULL);
        break;
    case KEY_NUMBER:
        put_number(w, "'number'", key, NULL);
        break;
    case KEY_SIZE:
        put_number(w, "['number', 'string']", key, "^" DECIMAL "(B|[KMGT](B|iB)?)?$");
        break;
    case KEY_DURATION:
        put_number(w, "['number', 'string']", key, "^" DECIMAL "(ms|s|m|h|d)?$");
        break;
    case KEY_TIMEOUT:
        put_number(w, "['number', 'string']", key, "^(" DECIMAL "(ms|s|m|h|d)?|[1-9][0-9]*%)$");
        break;
    case KEY_SHARE:
        put_number(w, "['integer', 'string']", key, "^(100(\\.0+)?|(0|[1-9][0-9]?)(\\.[0-9]+)?)%$");
        break;
    case KEY_LOAD:
        put_number(w, "['integer', 'string']", key, "^[1-9][0-9]*%$");
        break;
    case KEY_RANGE:
        json_put_members(w, RANGE);
        break;
    case KEY_FLAG: // quotes do it no harm
        json_put_members(w, "'enum': [true, 'true', false, 'false']");
        break;
    case KEY_MATRIX:
        json_put_members(w, "'type': 'object', "
                            "'propertyNames': {'pattern': '^[A-Za-z_][A-Za-z0-9_-]*$'}, "
                            "'properties': {'include': " RULES ", 'exclude': " RULES "}, "
                            "'additionalProperties': {" AXIS "}");
        break;
    case KEY_WORD:
        put_words(w, key->words);
        break;
    case KEY_TEXTS:
        json_put_members(w, "'anyOf': [{" SCALAR "}, {" LIST "'items': {" SCALAR "}}]");
        break;
    case KEY_LIST:
        json_put_members(w, LIST "'items': {" ANY_SCALAR "}");
        break;
    case KEY_COMMAND:
        json_put_members(
            w, "'anyOf': [{" SCALAR "}, {" LIST "'maxItems': %d, 'items': {" ANY_SCALAR "}}]",
            PLAN_ARGS_MAX);
        break;
    case KEY_KERNEL:
        put_kernel(w);
        break;
    case KEY_PAIRS:
        json_put_members(w, "'type': 'object', " NAMES);
        break;
    case KEY_PARAMS:
    case KEY_ENV:
        json_put_members(
            w,
            "'type': 'object', 'propertyNames': {'pattern': '^[A-Za-z%s][A-Za-z0-9_]*$'}, " NAMES,
            key->type == KEY_ENV ? "_" : "");
        break;
    case KEY_AMOUNTS: // quotes do them no harm
        json_put_members(w,
                         "'type': 'object', 'maxProperties': %d, "
                         "'propertyNames': {'pattern': '^[a-z0-9_-]+$', 'maxLength': %d}, "
                         "'additionalProperties': {'type': ['number', 'string'], 'minimum': 0}",
                         PLAN_LABELS_MAX, PLAN_LABEL_MAX);
        break;
    case KEY_STAGES:
        json_put_members(w, LIST "'maxItems': %d, 'items': {'$ref': '#/definitions/stage'}",
                         PLAN_STAGES_MAX - 1);
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
        json_put_members(w, "'not': {}");
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
        if (inside != SECTION_COUNT)
            json_put_members(w, "{'$ref': '#/definitions/%s'}", schema_section_name(inside));
        json_end(w, "]");
    }
    if (standard && !(key->flags & KEY_NOT_OFFERED))
        put_default(w, key, standard);
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
            json_put_members(w, "{'required': ['%s']}", key->name);
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
            json_put_members(w, "{'required': ['%s']}", with[k]);
        json_end(w, "]");
        json_end(w, "}");
    }
    if (any)
        json_end(w, "}");
}

static void put_section(struct json_writer *w, enum section section)
{
    json_put_members(
        w, "'type': 'object', 'additionalProperties': false, 'patternProperties': {'^x-': {}}");
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
    json_put_members(&w, "'$schema': 'http://json-schema.org/draft-07/schema#', "
                         "'title': 'fanmill job file, version 1'");
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
