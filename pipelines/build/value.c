// Scalars by the schema: text to numbers, sizes, durations and words, with a hint for what people
// write instead.
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "pipelines/build/build.h"

static const struct schema_key *row(enum section section, const char *name)
{
    return schema_find(section, name);
}

bool want_any_text(struct builder *b, struct node *node, const char **ret)
{
    if (node->is_bad)
        return false;
    const struct node *only = node->kind == NODE_MAP && node->n == 1 ? node->first : NULL;
    if (node->kind == NODE_MAP && node->is_flow && node->n == 0) {
        refuse(b, node, NULL, "found an empty mapping; to write the placeholder, quote it: \"{}\"");
    } else if (only && node->is_flow && only->kind == NODE_SCALAR && only->len == 0) {
        refuse(b, node, NULL, "found a mapping; to write the placeholder, quote it: \"{%s}\"",
               only->key->text);
    } else if (node->kind != NODE_SCALAR) {
        refuse(b, node, NULL, "expected text, found a %s",
               node->kind == NODE_MAP ? "mapping" : "list");
    } else if (node->has_nul) {
        refuse(b, node, NULL, "text can't contain a NUL character");
    } else {
        *ret = node->text;
        return true;
    }
    return false;
}

bool want_text(struct builder *b, struct node *node, const char **ret)
{
    const char *text;
    if (!want_any_text(b, node, &text))
        return false;
    if (*text == '\0') {
        refuse(b, node, NULL, "needs a value");
        return false;
    }
    *ret = text;
    return true;
}

bool want_map(struct builder *b, struct node *node)
{
    if (!node->is_bad && node->kind != NODE_MAP)
        refuse(b, node, NULL, "expected a mapping, found %s",
               node->kind == NODE_LIST ? "a list" : "text");
    return !node->is_bad && node->kind == NODE_MAP;
}

// A number's text: it must not be quoted.
static struct node *numeral(struct builder *b, const struct node *map, const char *name,
                            const char **ret)
{
    struct node *node = node_get(map, name);
    if (!node || !want_text(b, node, ret))
        return NULL;
    if (!node->is_plain) {
        refuse(b, node, NULL, "'%s' is quoted, expected a number", *ret);
        return NULL;
    }
    return node;
}

static void refuse_not_whole(struct builder *b, struct node *node, const char *text)
{
    const char *digits = text + (*text == '-');
    if (digits[0] == '0' && digits[1] && strspn(digits, "0123456789") == strlen(digits))
        refuse(b, node, NULL, "'%s' has a leading zero", text);
    else
        refuse(b, node, NULL, "'%s' is not a whole number", text);
}

static void refuse_range(struct builder *b, struct node *node, const char *text, uint64_t min,
                         uint64_t max)
{
    refuse(b, node, NULL, "%s is out of range %llu..%llu", text, (unsigned long long)min,
           (unsigned long long)max);
}

bool read_count(struct builder *b, enum section section, const struct node *map, const char *name,
                uint64_t *ret)
{
    const struct schema_key *key = row(section, name);
    const char *text;
    struct node *node = numeral(b, map, name, &text);
    uint64_t value = 0;
    int64_t negative;
    if (!node)
        return false;
    int r = parse_u64(text, &value);
    if (r == -ERANGE || (r == -EINVAL && *text == '-' && parse_i64(text, &negative) != -EINVAL) ||
        (r == 0 && (value < key->min || value > key->max))) {
        refuse_range(b, node, text, key->min, key->max);
        return false;
    }
    if (r < 0) {
        refuse_not_whole(b, node, text);
        return false;
    }
    *ret = value;
    return true;
}

bool read_integer(struct builder *b, const struct node *map, const char *name, int64_t *ret)
{
    const char *text;
    struct node *node = numeral(b, map, name, &text);
    if (!node)
        return false;
    int r = parse_i64(text, ret);
    if (r == -ERANGE)
        refuse(b, node, NULL, "%s does not fit into 64 bits", text);
    else if (r < 0)
        refuse_not_whole(b, node, text);
    return r == 0;
}

bool read_number(struct builder *b, enum section section, const struct node *map, const char *name,
                 double *ret)
{
    const struct schema_key *key = row(section, name);
    const char *text;
    struct node *node = numeral(b, map, name, &text);
    if (!node)
        return false;
    size_t digits = strspn(text, "0123456789"), rest = 0;
    if (text[digits] == '.')
        rest = 1 + strspn(text + digits + 1, "0123456789");
    const char *from = text + (*text == '-');
    if (digits == 0 || rest == 1 || text[digits + rest] || digits > 15) {
        if (*text == '-' && isdigit((unsigned char)*from))
            refuse_range(b, node, text, key->min, key->max);
        else
            refuse(b, node, NULL, "'%s' is not a number", text);
        return false;
    }
    double value = 0, scale = 1;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (text[i] - '0');
    for (size_t i = 1; i < rest; i++)
        value += (text[digits + i] - '0') * (scale /= 10);
    if (value < (double)key->min || value > (double)key->max) {
        refuse_range(b, node, text, key->min, key->max);
        return false;
    }
    *ret = value;
    return true;
}

// "8 gb" and the like: the number and the letters after it, regardless of blanks and case.
static size_t unit_of(const char *text, char unit[8])
{
    size_t digits = strspn(text, "0123456789."), n = 0;
    const char *c = text + digits;
    while (*c == ' ')
        c++;
    for (; isalpha((unsigned char)*c) && n < 7; c++)
        unit[n++] = (char)tolower((unsigned char)*c);
    unit[n] = '\0';
    return *c == '\0' ? digits : 0;
}

bool read_size(struct builder *b, enum section section, const struct node *map, const char *name,
               uint64_t *ret)
{
    const struct schema_key *key = row(section, name);
    struct node *node = node_get(map, name);
    const char *text;
    uint64_t value = 0;
    if (!node || !want_text(b, node, &text))
        return false;
    int r = parse_size(text, &value);
    if (r == -ERANGE || (r == 0 && (value < key->min || value > key->max))) {
        refuse_range(b, node, text, key->min, key->max);
        return false;
    }
    if (r == 0) {
        *ret = value;
        return true;
    }
    char unit[8], letter;
    size_t digits = unit_of(text, unit);
    letter = (char)toupper((unsigned char)unit[0]);
    if (digits > 0 && strchr("KMGT", letter) && letter &&
        (!unit[1] || strcmp(unit + 1, "b") == 0 || strcmp(unit + 1, "ib") == 0)) {
        int power = (int)(strchr("KMGT", letter) - "KMGT") + 1;
        refuse(b, node, NULL, "'%s' is not a size; write %.*s%cB (1000^%d) or %.*s%ciB (1024^%d)",
               text, (int)digits, text, letter, power, (int)digits, text, letter, power);
    } else {
        refuse(b, node,
               "a bare number means bytes; K, M, G, T, KiB ... are powers of 1024, KB ... of 1000",
               "'%s' is not a size", text);
    }
    return false;
}

bool read_flag(struct builder *b, const struct node *map, const char *name, bool *ret)
{
    struct node *node = node_get(map, name);
    const char *text;
    if (!node || !want_text(b, node, &text))
        return false;
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        refuse(b, node, NULL, "'%s' is neither true nor false", text);
        return false;
    }
    *ret = is_true;
    return true;
}

static const char *duration_unit(const char *unit)
{
    static const char *const units[][2] = {
        {"s", "s"},   {"sec", "s"},  {"secs", "s"}, {"second", "s"}, {"seconds", "s"},
        {"m", "m"},   {"min", "m"},  {"mins", "m"}, {"minute", "m"}, {"minutes", "m"},
        {"h", "h"},   {"hr", "h"},   {"hour", "h"}, {"hours", "h"},  {"d", "d"},
        {"day", "d"}, {"days", "d"}, {"ms", "ms"},  {"msec", "ms"},  {"millis", "ms"},
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(units[i][0], unit) == 0)
            return units[i][1];
    return NULL;
}

bool read_duration(struct builder *b, enum section section, const struct node *map,
                   const char *name, int64_t *ret_ns)
{
    const struct schema_key *key = row(section, name);
    struct node *node = node_get(map, name);
    const char *text;
    int64_t value = 0;
    char unit[8];
    if (!node || !want_text(b, node, &text))
        return false;
    int r = parse_duration(text, &value);
    if (r == -ERANGE || (r == 0 && value > (int64_t)key->max * 1000000000)) {
        refuse(b, node, NULL, "%s is more than %llu days", text,
               (unsigned long long)key->max / 86400);
        return false;
    }
    if (r == 0) {
        *ret_ns = value;
        return true;
    }
    size_t digits = unit_of(text, unit);
    const char *known = digits > 0 ? duration_unit(unit) : NULL;
    if (known)
        refuse(b, node, NULL, "'%s' is not a duration; write %.*s%s", text, (int)digits, text,
               known);
    else
        refuse(b, node, "a bare number means seconds; or add ms, s, m, h or d",
               "'%s' is not a duration", text);
    return false;
}

bool read_word(struct builder *b, enum section section, const struct node *map, const char *name,
               unsigned *ret)
{
    const struct schema_key *key = row(section, name);
    struct node *node = node_get(map, name);
    char words[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
    const char *names[SCHEMA_WORDS_MAX];
    const char *text;
    char hint[HINT_MAX];
    if (!node || !want_text(b, node, &text))
        return false;
    size_t n = schema_words(key->words, words);
    for (unsigned i = 0; i < n; i++) {
        names[i] = words[i];
        if (strcmp(words[i], text) == 0) {
            *ret = i;
            return true;
        }
    }
    refuse(b, node, hint_nearest(hint, text, names, n), "'%s' is not one of %s", text, key->words);
    return false;
}

char *read_name(struct builder *b, const struct node *map)
{
    struct node *node = node_get(map, "name");
    const char *text;
    if (!node || !want_text(b, node, &text))
        return NULL;
    if (plan_name_ok(text))
        return keep(b, text);
    refuse(b, node, NULL,
           "'%s' is not a valid name: use a-z, 0-9, '-' and '_', at most %d characters", text,
           PLAN_NAME_MAX);
    return NULL;
}
