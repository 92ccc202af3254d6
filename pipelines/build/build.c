// What all parts of the builder need: reporting mistakes, checking keys, filling the plan.
#include "pipelines/build/build.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/parse.h"

void node_path(const struct node *node, char *ret, size_t size)
{
    char part[80] = "";
    size_t len = 0;
    ret[0] = '\0';
    if (node->label) {
        snprintf(ret, size, "%s", node->label);
        return;
    }
    if (!node->parent)
        return;
    node_path(node->parent, ret, size);
    len = strlen(ret);
    if (node->key)
        snprintf(part, sizeof(part), "%s%.70s", len ? "." : "", node->key->text);
    else
        snprintf(part, sizeof(part), "[%zu]", node->index);
    if (len + strlen(part) < size)
        memcpy(ret + len, part, strlen(part) + 1);
}

static void add_mistake(struct builder *b, bool is_warning, const struct node *node,
                        struct place at, const char *hint, const char *fmt, va_list ap)
{
    char path[PATH_MAX_SHOWN];
    _free_ char *text = NULL;
    node_path(node, path, sizeof(path));
    if (vasprintf(&text, fmt, ap) < 0) {
        text = NULL;
        b->error = -ENOMEM;
        return;
    }
    const char *colon = *path ? ": " : "";
    if (is_warning)
        diag_warn(b->diag, at, hint, "%s%s%s", path, colon, text);
    else
        diag_error(b->diag, at, hint, "%s%s%s", path, colon, text);
}

static void refuse_at(struct builder *b, struct node *node, struct place at, const char *hint,
                      const char *fmt, va_list ap)
{
    if (!node->is_bad)
        add_mistake(b, false, node, at, hint, fmt, ap);
    node->is_bad = true;
}

void refuse(struct builder *b, struct node *node, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    refuse_at(b, node, node->at, hint, fmt, ap);
    va_end(ap);
}

void refuse_key(struct builder *b, struct node *node, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    refuse_at(b, node, node->key ? node->key->at : node->at, hint, fmt, ap);
    va_end(ap);
}

void warn_at(struct builder *b, const struct node *node, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_mistake(b, true, node, node->at, hint, fmt, ap);
    va_end(ap);
}

const char *hint_nearest(char ret[HINT_MAX], const char *word, const char *const *names, size_t n)
{
    const char *nearest = parse_nearest(word, names, n);
    if (!nearest)
        return NULL;
    snprintf(ret, HINT_MAX, "did you mean '%.60s'?", nearest);
    return ret;
}

static void refuse_unknown(struct builder *b, struct node *value, enum section section)
{
    const char *name = value->key->text;
    const char *nearest = schema_nearest(section, name);
    enum section elsewhere = schema_elsewhere(section, name);
    char hint[HINT_MAX], keys[HINT_MAX - 16], path[PATH_MAX_SHOWN];
    if (section == SECTION_CHUNK && strcmp(name, "count") == 0) {
        snprintf(hint, sizeof(hint), "use items (per chunk) or parts (number of chunks)");
    } else if (nearest) {
        snprintf(hint, sizeof(hint), "did you mean '%s'?", nearest);
    } else if (elsewhere != SECTION_COUNT) {
        snprintf(hint, sizeof(hint), "'%s' is a key of %s", name, schema_sections[elsewhere].title);
    } else {
        schema_list(section, 0, keys, sizeof(keys));
        snprintf(hint, sizeof(hint), "known keys: %s", keys);
    }
    node_path(value->parent, path, sizeof(path));
    diag_error(b->diag, value->key->at, hint, "%s%sunknown key '%s'", path, *path ? ": " : "",
               name);
}

bool check_keys(struct builder *b, struct node *map, enum section section)
{
    bool known = true;
    for (struct node *value = map->first; value; value = value->next) {
        const char *name = value->key->text;
        const struct schema_key *key = schema_find(section, name);
        if (strncmp(name, "x-", 2) == 0)
            continue;
        known &= key != NULL;
        if (!key)
            refuse_unknown(b, value, section);
        else if (key->flags & KEY_RESERVED)
            refuse_key(b, value, NULL, "reserved for a later version%s",
                       section == SECTION_JOB ? "; this file describes one job" : "");
        else if (key->flags & KEY_LATER)
            refuse_key(b, value, NULL, "not supported by this version of fanmill");
        else if (key->flags & KEY_WRONG)
            refuse_key(b, value, NULL, "%s", key->help);
    }
    for (size_t i = 0; i < n_schema; i++)
        if ((schema[i].sections >> section & 1) && (schema[i].flags & KEY_REQUIRED) &&
            !node_get(map, schema[i].name)) {
            char path[PATH_MAX_SHOWN];
            node_path(map, path, sizeof(path));
            diag_error(b->diag, map->at, NULL, "%s%s'%s' is missing: %s", path, *path ? ": " : "",
                       schema[i].name, schema[i].help);
        }
    return known;
}

// Keys that do not go with what else is in the map.
static void check_company(struct builder *b, struct node *map, enum section section)
{
    for (size_t i = 0; i < n_schema_company; i++) {
        const struct schema_company *c = &schema_company[i];
        char with[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
        struct node *node = c->sections >> section & 1 ? node_get(map, c->key) : NULL;
        size_t n = schema_words(c->with, with), found = 0;
        for (size_t w = 0; node && w < n; w++)
            found += node_get(map, with[w]) != NULL;
        if (node && !found)
            refuse_key(b, node, c->hint, "%s", c->text);
    }
}

struct node *check_kind(struct builder *b, struct node *map, enum section section, bool known,
                        const char *hint)
{
    struct node *kind = NULL;
    char all[HINT_MAX], found[HINT_MAX] = "";
    size_t n = 0, n_others = 0, len = 0;
    for (size_t i = 0; i < n_schema; i++) {
        const struct schema_key *key = &schema[i];
        struct node *node = key->sections >> section & 1 && key->flags & KEY_ONE_OF
                                ? node_get(map, key->name)
                                : NULL;
        if (!node)
            continue;
        if (key->flags & KEY_NOT_OFFERED) { // reported already
            n_others++;
            continue;
        }
        kind = node;
        if (len < sizeof(found))
            len += (size_t)snprintf(found + len, sizeof(found) - len, "%s%s", n ? ", " : "",
                                    key->name);
        n++;
    }
    schema_list(section, KEY_ONE_OF, all, sizeof(all));
    if (n + n_others > 1 || (n + n_others == 0 && known))
        refuse(b, map, hint, "needs exactly one of %s (found: %s)", all, n ? found : "none");
    if (n != 1 || n_others > 0)
        return NULL;
    check_company(b, map, section);
    return kind;
}

unsigned kind_index(const struct node *kind, const char *const *names, size_t n)
{
    for (unsigned i = 0; i < n; i++)
        if (names[i] && strcmp(names[i], kind->key->text) == 0)
            return i;
    assert(!"every kind of the schema is built");
    return 0;
}

char *keep(struct builder *b, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        b->error = -ENOMEM;
    return copy;
}

bool pairs_add(struct builder *b, struct plan_pair **pairs, size_t *n, const char *name,
               const char *value)
{
    if (grow(*pairs, *n, 1) < 0) {
        b->error = -ENOMEM;
        return false;
    }
    (*pairs)[*n] = (struct plan_pair){.name = keep(b, name), .value = keep(b, value)};
    *n += 1;
    return b->error == 0;
}

bool words_add(struct builder *b, char ***words, size_t *n, const char *word)
{
    if (grow(*words, *n, 2) < 0) { // one for the NULL at the end
        b->error = -ENOMEM;
        return false;
    }
    (*words)[*n] = keep(b, word);
    *n += 1;
    (*words)[*n] = NULL;
    return b->error == 0;
}
