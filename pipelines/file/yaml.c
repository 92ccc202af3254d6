#include "pipelines/file/yaml.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define QUOTE_HINT "quote text that starts with { [ * & ! % @ ` or -, or contains ': ' or ' #'"

struct reader {
    yaml_parser_t parser;
    struct diag *diag;
    struct arena *arena;
    size_t nodes;
    int error; // -EINVAL: a mistake was reported, stop; -ENOMEM
};

static void parser_done(struct reader *reader)
{
    yaml_parser_delete(&reader->parser);
}

static struct place place_at(yaml_mark_t mark)
{
    return (struct place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static void stop(struct reader *reader, int error)
{
    if (reader->error == 0)
        reader->error = error;
}

// Replaces libyaml's own words where a user needs better ones.
static void report_problem(struct reader *reader)
{
    const yaml_parser_t *p = &reader->parser;
    struct place at = place_at(p->problem_mark);
    const char *problem = p->problem ? p->problem : "this is not valid YAML";
    const char *context = p->context ? p->context : "";
    size_t len;
    const char *line = line_find(reader->diag->text, reader->diag->len, at.line, &len);
    if (p->error == YAML_MEMORY_ERROR) {
        stop(reader, -ENOMEM);
        return;
    }
    stop(reader, -EINVAL);
    if (strcmp(context, "while scanning a quoted scalar") == 0 &&
        strcmp(problem, "found unexpected end of stream") == 0) {
        diag_error(reader->diag, place_at(p->context_mark), NULL, "this quote is never closed");
        return;
    }
    if (strcmp(problem, "found character that cannot start any token") == 0) {
        size_t blank = 0;
        while (blank < len && line[blank] == ' ')
            blank++;
        if (blank < len && line[blank] == '\t' && at.column == blank + 1)
            diag_error(reader->diag, at, NULL, "a tab is used for indentation; use spaces");
        else
            diag_error(reader->diag, at, QUOTE_HINT, "text can't start with this character");
        return;
    }
    diag_error(reader->diag, at, QUOTE_HINT, "%s%s%s", problem, *context ? " " : "", context);
}

static bool next_event(struct reader *reader, yaml_event_t *event)
{
    if (reader->error < 0)
        return false;
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    report_problem(reader);
    return false;
}

static uint32_t hash_of(const char *text, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    return hash;
}

static struct node *node_new(struct reader *reader, enum node_kind kind, const yaml_event_t *event)
{
    struct place at = place_at(event->start_mark);
    if (++reader->nodes > YAML_NODES_MAX) {
        diag_error(reader->diag, at, "keep long lists in a file and read it with source.lines",
                   "more than %d values in a job file", YAML_NODES_MAX);
        stop(reader, -EINVAL);
        return NULL;
    }
    struct node *node = arena_take(reader->arena, sizeof(*node));
    if (!node) {
        stop(reader, -ENOMEM);
        return NULL;
    }
    node->kind = kind;
    node->at = at;
    node->end = place_at(event->end_mark);
    node->text = "";
    return node;
}

static void refuse_marks(struct reader *reader, struct node *node, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    if (anchor)
        diag_error(reader->diag, node->at, QUOTE_HINT, "anchors are not supported (&%s)",
                   (const char *)anchor);
    if (tag)
        diag_error(reader->diag, node->at, QUOTE_HINT, "tags are not supported (%s)",
                   (const char *)tag);
    node->is_bad = anchor || tag;
}

static struct node *scalar_new(struct reader *reader, const yaml_event_t *event)
{
    struct node *node = node_new(reader, NODE_SCALAR, event);
    size_t len = event->data.scalar.length;
    char *text = node ? arena_take(reader->arena, len + 1) : NULL;
    if (!text) {
        stop(reader, -ENOMEM);
        return NULL;
    }
    memcpy(text, event->data.scalar.value, len);
    node->text = text;
    node->len = len;
    node->hash = hash_of(text, len);
    node->has_nul = memchr(text, '\0', len);
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    refuse_marks(reader, node, event->data.scalar.anchor, event->data.scalar.tag);
    return node;
}

static struct node *read_node(struct reader *reader, const yaml_event_t *event, unsigned depth);

static void read_list(struct reader *reader, struct node *list, unsigned depth)
{
    bool more = true;
    while (more) {
        yaml_event_t event;
        if (!next_event(reader, &event))
            return;
        more = event.type != YAML_SEQUENCE_END_EVENT;
        if (!more)
            list->end = place_at(event.end_mark);
        struct node *child = more ? read_node(reader, &event, depth + 1) : NULL;
        if (child)
            tree_append(list, child);
        yaml_event_delete(&event);
    }
}

static struct node *same_key(const struct node *map, const struct node *key)
{
    for (struct node *value = map->first; value; value = value->next)
        if (value->key->hash == key->hash && value->key->len == key->len &&
            memcmp(value->key->text, key->text, key->len) == 0)
            return value;
    return NULL;
}

// Whether the pair may go into the tree; if not, the reason is reported.
static bool key_ok(struct reader *reader, const struct node *map, const struct node *key)
{
    const struct node *before;
    if (key->kind != NODE_SCALAR)
        diag_error(reader->diag, key->at, QUOTE_HINT, "a key must be plain text");
    else if (key->is_plain && strcmp(key->text, "<<") == 0)
        diag_error(reader->diag, key->at, NULL, "merge keys (<<) are not supported");
    else if (key->has_nul)
        diag_error(reader->diag, key->at, NULL, "a key can't contain a NUL character");
    else if ((before = same_key(map, key)))
        diag_error(reader->diag, key->at, NULL, "'%s' was already given on line %u", key->text,
                   before->key->at.line);
    else if (map->n >= YAML_KEYS_MAX)
        diag_error(reader->diag, key->at, NULL, "more than %d keys in a mapping", YAML_KEYS_MAX);
    else
        return !key->is_bad;
    if (map->n >= YAML_KEYS_MAX)
        stop(reader, -EINVAL);
    return false;
}

static void read_map(struct reader *reader, struct node *map, unsigned depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, &event))
            return;
        if (event.type == YAML_MAPPING_END_EVENT) {
            map->end = place_at(event.end_mark);
            yaml_event_delete(&event);
            return;
        }
        struct node *key = read_node(reader, &event, depth + 1);
        yaml_event_delete(&event);
        if (!key || !next_event(reader, &event))
            return;
        bool good = key_ok(reader, map, key);
        struct node *value = read_node(reader, &event, depth + 1);
        yaml_event_delete(&event);
        if (value && good) {
            value->key = key;
            tree_append(map, value);
        }
    }
}

// NULL after an error that ends the reading.
static struct node *read_node(struct reader *reader, const yaml_event_t *event, unsigned depth)
{
    struct node *node = NULL;
    if (depth > YAML_DEPTH_MAX) {
        diag_error(reader->diag, place_at(event->start_mark), NULL,
                   "nested more than %d levels deep", YAML_DEPTH_MAX);
        stop(reader, -EINVAL);
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return scalar_new(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        if (!(node = node_new(reader, NODE_LIST, event)))
            return NULL;
        node->is_flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        refuse_marks(reader, node, event->data.sequence_start.anchor,
                     event->data.sequence_start.tag);
        read_list(reader, node, depth);
        break;
    case YAML_MAPPING_START_EVENT:
        if (!(node = node_new(reader, NODE_MAP, event)))
            return NULL;
        node->is_flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
        refuse_marks(reader, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        read_map(reader, node, depth);
        break;
    default: // an alias
        if (!(node = node_new(reader, NODE_SCALAR, event)))
            return NULL;
        diag_error(reader->diag, node->at, QUOTE_HINT, "aliases are not supported (*%s)",
                   event->type == YAML_ALIAS_EVENT ? (const char *)event->data.alias.anchor : "");
        node->is_bad = true;
    }
    return reader->error < 0 ? NULL : node;
}

// The characters YAML allows, and nothing that only looks like text. False with a mistake.
static bool characters_ok(struct diag *diag)
{
    if (diag->len >= 2 &&
        (memcmp(diag->text, "\xff\xfe", 2) == 0 || memcmp(diag->text, "\xfe\xff", 2) == 0)) {
        diag_error(diag, (struct place){0, 0}, NULL,
                   "this is UTF-16, but a job file must be UTF-8");
        return false;
    }
    for (size_t i = 0; i < diag->len;) {
        uint32_t c;
        size_t size = utf8_read(diag->text + i, diag->len - i, &c);
        if (size > 0 && (c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0x7f) ||
                         c == 0x85 || (c >= 0xa0 && c != 0xfeff && c != 0xfffe && c != 0xffff))) {
            i += size;
            continue;
        }
        struct place at = place_of(diag->text, diag->len, i);
        if (size == 0)
            diag_error(diag, at, NULL, "byte 0x%02x is not UTF-8", (uint8_t)diag->text[i]);
        else if (c == 0)
            diag_error(diag, at, NULL, "contains a NUL byte; a job file must be text");
        else
            diag_error(diag, at, NULL, "control character U+%04X is not allowed", c);
        return false;
    }
    return true;
}

static struct node *read_document(struct reader *reader)
{
    struct node *root = NULL;
    bool at_end = false;
    while (!at_end) {
        yaml_event_t event;
        if (!next_event(reader, &event))
            return NULL;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (root) {
                diag_error(reader->diag, place_at(event.start_mark), "put each job in its own file",
                           "a second document; a job file describes one job");
                at_end = true;
            }
            break;
        case YAML_STREAM_END_EVENT:
            at_end = true;
            break;
        default:
            root = read_node(reader, &event, 0);
            at_end = !root;
        }
        yaml_event_delete(&event);
    }
    if (!root && reader->error == 0)
        diag_error(reader->diag, (struct place){0, 0}, NULL, "the job file is empty");
    return root;
}

int yaml_read(struct diag *diag, struct arena *arena, struct node **ret_root)
{
    *ret_root = NULL;
    if (!characters_ok(diag))
        return 0;
    _cleanup_(parser_done)
    struct reader reader = {.diag = diag, .arena = arena};
    if (!yaml_parser_initialize(&reader.parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)diag->text, diag->len);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    struct node *root = read_document(&reader);
    if (reader.error == -ENOMEM)
        return -ENOMEM;
    *ret_root = root;
    return 0;
}
