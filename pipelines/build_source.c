#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/build.h"
#include "pipelines/rules.h"

static const char *const kinds[] = {
    [SOURCE_FILES] = "files", [SOURCE_ITEMS] = "items", [SOURCE_LINES] = "lines",
    [SOURCE_RANGE] = "range", [SOURCE_DATA] = "data",
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

// Kinds of the format that this version doesn't read. check_keys tells about them.
static const char *const later_kinds[] = {"csv", "matrix"};

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
        tell(b, node, NULL, kind == SOURCE_ITEMS ? "expected a list" : "expected a text or a list");
        return;
    }
    if (node->n == 0)
        tell(b, node, NULL, "the list is empty");
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
    if (source->n_texts > 0 && wanted == 0 && source->kind != SOURCE_LINES)
        tell(b, node, NULL, "only excludes (!pattern); name what to take too");
    if (from_stdin > 1)
        tell(b, node, NULL, "\"-\", the standard input, can be read only once");
    if (from_stdin > 0 && source->kind == SOURCE_FILES)
        tell(b, node, "source.lines: \"-\" reads one item a line",
             "\"-\" is the standard input, not the name of a file");
}

// A..B or A..B..STEP, both ends included.
static bool parse_range(const char *text, struct range *ret, bool *ret_zero_step)
{
    char parts[3][24];
    int64_t numbers[3] = {0, 0, 0};
    size_t n = 0;
    for (const char *c = text; n < 3; n++) {
        const char *dots = strstr(c, "..");
        size_t len = dots ? (size_t)(dots - c) : strlen(c);
        if (len >= sizeof(parts[0]))
            return false;
        memcpy(parts[n], c, len);
        parts[n][len] = '\0';
        if (parse_i64(parts[n], &numbers[n]) < 0 || (n == 2 && dots))
            return false;
        if (!dots) {
            n++;
            break;
        }
        c = dots + 2;
    }
    if (n < 2)
        return false;
    int64_t first = numbers[0], last = numbers[1];
    if (n == 2)
        numbers[2] = first <= last ? 1 : -1;
    *ret_zero_step = numbers[2] == 0;
    if (numbers[2] == 0)
        return true;
    // Like bash, the sign of the step follows the direction.
    bool down = last < first;
    uint64_t span = down ? (uint64_t)first - (uint64_t)last : (uint64_t)last - (uint64_t)first;
    uint64_t size = numbers[2] < 0 ? 0 - (uint64_t)numbers[2] : (uint64_t)numbers[2];
    *ret = (struct range){.start = first,
                          .step = down ? (int64_t)(0 - size) : (int64_t)size,
                          .count = span / size == UINT64_MAX ? UINT64_MAX : span / size + 1};
    return true;
}

static void read_range(struct builder *b, struct node *node)
{
    struct range *range = &b->plan->source.range;
    bool zero_step = false;
    const char *text;
    *range = (struct range){.start = 0, .step = 1};
    if (node->is_bad)
        return;
    if (node->kind == NODE_MAP) {
        check_keys(b, node, SECTION_RANGE);
        bool given = read_count(b, SECTION_RANGE, node, "count", &range->count);
        given &= read_integer(b, node, "start", &range->start) || !node_get(node, "start");
        given &= read_integer(b, node, "step", &range->step) || !node_get(node, "step");
        if (!given)
            return;
        zero_step = range->step == 0;
    } else {
        if (!want_text(b, node, &text))
            return;
        _free_ char *filled = fill_in(b, node, text, true);
        if (!filled)
            return;
        if (!parse_range(filled, range, &zero_step)) {
            tell(b, node, "write 1..100 (both ends included) or 1..100..5", "'%s' is not a range",
                 filled);
            return;
        }
    }
    if (zero_step)
        tell(b, node, NULL, "a step of 0 never ends");
    else if (!plan_range_ok(range))
        tell(b, node, NULL, "the numbers do not fit into 64 bits");
}

static void read_record(struct builder *b, const struct node *map)
{
    struct node *record = node_get(map, "record"), *end;
    const char *text;
    if (!record || !want_map(b, record))
        return;
    if (b->plan->source.kind != SOURCE_DATA) {
        tell_key(b, record, NULL, "only data has records");
        return;
    }
    check_keys(b, record, SECTION_RECORD);
    end = node_get(record, "end");
    if (!end || end->is_bad)
        return;
    if (end->kind == NODE_SCALAR && end->len == 1)
        b->plan->source.record.end = (uint8_t)end->text[0];
    else if (end->kind == NODE_SCALAR && end->len == 0)
        tell(b, end, NULL, "must not be empty");
    else if (end->has_nul || want_text(b, end, &text))
        tell(b, end, "in double quotes \\n is one byte", "must be one byte in this version");
}

static void read_delimiter(struct builder *b, const struct node *map)
{
    struct node *node = node_get(map, "delimiter");
    if (!node || node->is_bad)
        return;
    if (b->plan->source.kind != SOURCE_LINES)
        tell_key(b, node, NULL, "only lines have a delimiter");
    else if (node->kind == NODE_SCALAR && node->len == 1 && (*node->text == '\n' || !*node->text))
        b->plan->source.delimiter = (uint8_t)node->text[0];
    else if (node->kind == NODE_SCALAR && strcmp(node->text, "\\n") == 0)
        b->plan->source.delimiter = '\n';
    else if (node->kind == NODE_SCALAR && strcmp(node->text, "\\0") == 0)
        b->plan->source.delimiter = '\0';
    else
        tell(b, node, NULL, "must be \"\\n\" or \"\\0\"");
}

void build_source(struct builder *b)
{
    struct node *map = node_get(b->root, "source"), *kind = NULL;
    char found[HINT_MAX] = "";
    size_t n = 0, n_later = 0, len = 0;
    if (b->options && b->options->source) {
        b->plan->source = *b->options->source;
        *b->options->source = (struct source){0};
        b->has_source = true;
        return;
    }
    if (!map || !want_map(b, map))
        return;
    bool known = check_keys(b, map, SECTION_SOURCE);
    for (size_t i = 0; i < sizeof(later_kinds) / sizeof(later_kinds[0]); i++)
        n_later += node_get(map, later_kinds[i]) != NULL;
    for (unsigned i = 0; i < N_KINDS; i++) {
        struct node *node = node_get(map, kinds[i]);
        if (!node)
            continue;
        kind = node;
        b->plan->source.kind = (enum source_kind)i;
        len += (size_t)snprintf(found + len, sizeof(found) - len, "%s%s", n ? ", " : "", kinds[i]);
        n++;
    }
    if (n + n_later > 1 || (n + n_later == 0 && known))
        tell(b, map, NULL, "needs exactly one of files, items, lines, range, data (found: %s)",
             n ? found : "none");
    if (n != 1 || n_later > 0)
        return;
    b->has_source = true;
    b->plan->source.record.end = '\n';
    b->plan->source.delimiter = '\n';
    if (b->plan->source.kind == SOURCE_RANGE)
        read_range(b, kind);
    else
        read_texts(b, kind);
    if (b->plan->source.kind != SOURCE_RANGE && b->plan->source.kind != SOURCE_ITEMS)
        check_paths(b, kind);
    read_record(b, map);
    read_delimiter(b, map);
}

bool build_chunking(struct builder *b, struct node *node, struct chunking *ret)
{
    static const struct {
        const char *name;
        enum chunk_rule rule;
    } rules[] = {{"items", CHUNK_ITEMS},
                 {"bytes", CHUNK_BYTES},
                 {"lines", CHUNK_LINES},
                 {"parts", CHUNK_PARTS}};
    size_t n = 0;
    struct chunking chunking = {CHUNK_AUTO, 0};
    bool good = true;
    if (node->is_bad)
        return false;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "auto") == 0) {
        *ret = chunking;
        return true;
    }
    if (node->kind != NODE_MAP) {
        tell(b, node, "write {items: N}, {bytes: SIZE}, {lines: N}, {parts: N} or auto",
             "is not a chunk rule");
        return false;
    }
    check_keys(b, node, SECTION_CHUNK);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const char *name = rules[i].name;
        if (!node_get(node, name))
            continue;
        n++;
        chunking.rule = rules[i].rule;
        good &= rules[i].rule == CHUNK_BYTES
                    ? read_size(b, SECTION_CHUNK, node, name, &chunking.n)
                    : read_count(b, SECTION_CHUNK, node, name, &chunking.n);
    }
    if (n != 1 && n == node->n)
        tell(b, node, NULL, "needs exactly one of items, bytes, lines, parts");
    if (n != 1 || !good || node->n != 1)
        return false;
    *ret = chunking;
    return true;
}
