#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/build/build.h"
#include "pipelines/build/build_range.h"
#include "pipelines/build/build_rows.h"
#include "pipelines/own_path.h"
#include "pipelines/plan.h"

static const char *const kinds[] = {
    [SOURCE_FILES] = "files",   [SOURCE_ITEMS] = "items", [SOURCE_LINES] = "lines",
    [SOURCE_RANGE] = "range",   [SOURCE_DATA] = "data",   [SOURCE_CSV] = "csv",
    [SOURCE_MATRIX] = "matrix",
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *source_word(enum source_kind kind)
{
    return kinds[kind];
}

static void add_text(struct builder *b, struct node *node, bool may_be_empty)
{
    const char *text;
    struct source *source = &b->plan->source;
    if (!(may_be_empty ? want_any_text(b, node, &text) : want_text(b, node, &text)))
        return;
    bool is_path = source->kind != SOURCE_ITEMS && source->kind != SOURCE_FILES;
    if (is_path && path_is_stdin(text))
        text = "-";
    if (node->is_data) {
        words_add(b, &source->texts, &source->n_texts, text);
        return;
    }
    _free_ char *filled = fill_in(b, node, text, false);
    if (filled)
        words_add(b, &source->texts, &source->n_texts, filled);
}

static void read_texts(struct builder *b, struct node *node)
{
    enum source_kind kind = b->plan->source.kind;
    if (node->is_bad)
        return;
    if (node->kind == NODE_SCALAR && kind != SOURCE_ITEMS) {
        add_text(b, node, false);
        return;
    }
    if (node->kind != NODE_LIST) {
        refuse(b, node, NULL, kind == SOURCE_ITEMS ? "expected a list" : "expected text or a list");
        return;
    }
    if (node->n == 0)
        refuse(b, node, NULL, "the list is empty");
    for (struct node *child = node->first; child; child = child->next)
        add_text(b, child, kind == SOURCE_ITEMS);
}

static void check_paths(struct builder *b, struct node *node)
{
    const struct source *source = &b->plan->source;
    size_t wanted = 0, from_stdin = 0;
    for (size_t i = 0; i < source->n_texts; i++) {
        wanted += source->texts[i][0] != '!';
        from_stdin += strcmp(source->texts[i], "-") == 0;
    }
    if (source->n_texts > 0 && wanted == 0 && source->kind != SOURCE_LINES &&
        source->kind != SOURCE_CSV)
        refuse(b, node, NULL, "only excludes (!pattern); add a pattern of files to read");
    if (from_stdin > 1)
        refuse(b, node, NULL, "\"-\" (standard input) can be read only once");
    if (from_stdin > 0 && source->kind == SOURCE_FILES)
        refuse(b, node, "source.lines: \"-\" reads one item per line",
               "\"-\" is standard input, not a file name");
}

static void read_delimiter(struct builder *b, const struct node *map)
{
    struct node *node = node_get(map, "delimiter");
    if (!node || node->is_bad)
        return;
    b->plan->source.keeps_cr = true; // what is written is meant
    if (node->kind == NODE_SCALAR && node->len == 1 && (*node->text == '\n' || !*node->text))
        b->plan->source.delimiter = (uint8_t)node->text[0];
    else if (node->kind == NODE_SCALAR && strcmp(node->text, "\\n") == 0)
        b->plan->source.delimiter = '\n';
    else if (node->kind == NODE_SCALAR && strcmp(node->text, "\\0") == 0)
        b->plan->source.delimiter = '\0';
    else
        refuse(b, node, NULL, "must be \"\\n\" or \"\\0\"");
}

void build_source(struct builder *b)
{
    struct source *source = &b->plan->source;
    struct node *map = node_get(b->root, "source");
    if (b->options && b->options->source) {
        *source = *b->options->source;
        *b->options->source = (struct source){0};
        b->has_source = true;
        return;
    }
    if (!map || !want_map(b, map))
        return;
    bool known = check_keys(b, map, SECTION_SOURCE);
    struct node *kind = check_kind(b, map, SECTION_SOURCE, known, NULL);
    if (!kind)
        return;
    source->kind = (enum source_kind)kind_index(kind, kinds, N_KINDS);
    b->has_source = true;
    source->separator.end[0] = '\n';
    source->separator.end_len = 1;
    source->delimiter = '\n';
    if (source->kind == SOURCE_RANGE)
        range_read(b, kind, &source->range);
    else if (source->kind == SOURCE_MATRIX)
        matrix_read(b, kind);
    else
        read_texts(b, kind);
    if (source->kind != SOURCE_RANGE && source->kind != SOURCE_ITEMS &&
        source->kind != SOURCE_MATRIX)
        check_paths(b, kind);
    if (source->kind == SOURCE_CSV)
        csv_read(b, map, kind);
    else
        read_delimiter(b, map);
    separator_read(b, map);
}

bool build_chunking(struct builder *b, struct node *node, struct chunking *ret)
{
    static const struct {
        const char *name;
        enum chunk_rule rule;
    } rules[] = {{"items", CHUNK_ITEMS},
                 {"bytes", CHUNK_BYTES},
                 {"lines", CHUNK_LINES},
                 {"records", CHUNK_LINES},
                 {"parts", CHUNK_PARTS}};
    struct chunking chunking = {CHUNK_AUTO, 0};
    if (node->is_bad)
        return false;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "auto") == 0) {
        *ret = chunking;
        return true;
    }
    if (node->kind != NODE_MAP) {
        refuse(b, node,
               "write {items: N}, {bytes: SIZE}, {lines: N}, {records: N}, {parts: N} or auto",
               "is not a chunk rule");
        return false;
    }
    bool known = check_keys(b, node, SECTION_CHUNK);
    struct node *rule = check_kind(b, node, SECTION_CHUNK, known, NULL);
    if (!rule)
        return false;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].name, rule->key->text) == 0)
            chunking.rule = rules[i].rule;
    bool good = chunking.rule == CHUNK_BYTES
                    ? read_size(b, SECTION_CHUNK, node, "bytes", &chunking.n)
                    : read_count(b, SECTION_CHUNK, node, rule->key->text, &chunking.n);
    if (good && known)
        *ret = chunking;
    return good && known;
}
