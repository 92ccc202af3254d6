// Placeholders in a job file: params are filled in where the coordinator uses the text; the others
// are only checked, and compiled again by the worker.
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pipelines/build/build.h"
#include "pipelines/rows.h"
#include "pipelines/template/template_parts.h"

static size_t characters(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

// Where a byte of a scalar is in the file, if that is known: in text on one line that is written as
// it reads. Else the place of the scalar.
static struct place place_inside(const struct node *node, size_t offset)
{
    struct place at = node->at;
    size_t written = node->end.line == at.line ? node->end.column - at.column : 0;
    size_t quotes = node->is_plain ? 0 : 1;
    if (written == characters(node->text, node->len) + 2 * quotes)
        at.column += (uint32_t)(quotes + characters(node->text, offset));
    return at;
}

static struct template_names names_of(const struct builder *b, bool has_item)
{
    const struct source *source = &b->plan->source;
    bool has_fields = has_item && b->has_source && rows_have_fields(source);
    return (struct template_names){.params = b->param_names,
                                   .n_params = b->plan->n_params,
                                   .has_item = has_item,
                                   .source = has_fields ? source : NULL};
}

static struct template *compile(struct builder *b, struct node *node, const char *text,
                                enum template_mode mode, struct template_names names)
{
    struct template *t = NULL;
    struct err err = {{0}};
    size_t offset = 0;
    int r = template_compile(text, mode, &names, &t, &err, &offset);
    if (r == -EINVAL && !node->is_bad) {
        char path[PATH_MAX_SHOWN];
        node_path(node, path, sizeof(path));
        diag_error(b->diag, place_inside(node, offset), NULL, "%s: %s", path, err.text);
        node->is_bad = true;
    } else if (r < 0 && r != -EINVAL) {
        b->error = -ENOMEM;
    }
    return t;
}

// "{}, {#}, {seed}"
static void list_known(struct builder *b, const struct text_rules *rules, char *ret, size_t size)
{
    struct template_names names = names_of(b, rules && rules->has_fields);
    size_t len = (size_t)snprintf(ret, size, "%s%s", rules && rules->has_item ? "{}, " : "",
                                  rules ? "{#}, {%}, " : "");
    for (size_t i = 0; names.source && i < rows_n_columns(names.source) && len < size; i++)
        if (rows_column_name(names.source, i)[0])
            len += (size_t)snprintf(ret + len, size - len, "{%s}, ",
                                    rows_column_name(names.source, i));
    for (size_t i = 0; i < b->plan->n_params && len < size; i++)
        len += (size_t)snprintf(ret + len, size - len, "{%s}, ", b->param_names[i]);
    if (len >= size)
        len = size - 1;
    if (len >= 2)
        ret[len - 2] = '\0';
    else
        snprintf(ret, size, "none");
}

static const struct part *uses(const struct template *t, enum part_kind kind)
{
    for (size_t i = 0; i < t->n_parts; i++)
        if (t->parts[i].kind == kind)
            return &t->parts[i];
    return NULL;
}

// "{mesh}" or "{2}", cut if too long.
static void name_field(const struct builder *b, const struct part *part, char *ret, size_t size)
{
    const struct source *source = &b->plan->source;
    const char *name =
        part->param < rows_n_columns(source) ? rows_column_name(source, part->param) : "";
    if (*name)
        snprintf(ret, size, "{%s}", name);
    else
        snprintf(ret, size, "{%zu}", part->param + 1);
}

char *fill_in(struct builder *b, struct node *node, const char *text, bool strict)
{
    _cleanup_(template_free_ptr)
    struct template *t = compile(b, node, text, TEMPLATE_WORD, names_of(b, strict));
    _cleanup_(buf_done)
    struct buf out = {0};
    char known[HINT_MAX], field[80];
    if (!t)
        return NULL;
    const char *wrong = uses(t, PART_ITEM)    ? "{}"
                        : uses(t, PART_SEQ)   ? "{#}"
                        : uses(t, PART_SLOT)  ? "{%}"
                        : uses(t, PART_FIELD) ? field
                                              : NULL;
    if (wrong) {
        if (wrong == field)
            name_field(b, uses(t, PART_FIELD), field, sizeof(field));
        list_known(b, NULL, known, sizeof(known));
        refuse(b, node, NULL, "%s is unknown here (known: %s)", wrong, known);
        return NULL;
    }
    struct template_values values = {.params = b->param_values};
    if (template_expand(t, &values, &out) < 0 || buf_add(&out, "", 1) < 0) {
        b->error = -ENOMEM;
        return NULL;
    }
    return keep(b, (const char *)out.data);
}

// The first unknown {word}, for texts that become paths.
static bool find_unknown(struct builder *b, const char *text, char *ret, size_t size)
{
    struct template_names names = names_of(b, true);
    struct part part;
    size_t len;
    for (const char *c = text; *c; c++) {
        if (*c != '{' || (c > text && c[-1] == '$') ||
            !(isalpha((unsigned char)c[1]) || c[1] == '_'))
            continue;
        size_t inner = strcspn(c + 1, "{} \t\n");
        if (c[1 + inner] != '}' || brace_at(c, &names, &part, &len) != BRACE_PLAIN ||
            (c > text && c[-1] == '{'))
            continue;
        snprintf(ret, size, "%.*s", (int)inner + 2, c);
        return true;
    }
    return false;
}

// Where items have no fields, a worker knows of none.
static struct template_names names_here(const struct builder *b, const struct text_rules *rules)
{
    struct template_names names = names_of(b, true);
    names.numbers_are_text = !rules->has_item;
    if (rules->has_item && !rules->has_fields)
        names.source = NULL;
    return names;
}

bool check_template(struct builder *b, struct node *node, const char *text,
                    const struct text_rules *rules, bool *ret_uses_item, bool *ret_is_constant)
{
    enum template_mode mode = !rules->is_script ? TEMPLATE_WORD
                              : rules->is_batch ? TEMPLATE_BATCH
                                                : TEMPLATE_SCRIPT;
    _cleanup_(template_free_ptr)
    struct template *t = compile(b, node, text, mode, names_here(b, rules));
    char known[HINT_MAX], unknown[80];
    const char *hint = NULL;
    if (!t)
        return false;
    bool item = template_uses_item(t);
    struct template_names all = names_of(b, true);
    all.numbers_are_text = true;
    _cleanup_(template_free_ptr)
    struct template *with_fields = NULL;
    struct err ignored;
    size_t offset;
    if (!rules->has_fields)
        template_compile(text, mode, &all, &with_fields, &ignored, &offset);
    const struct part *field = uses(with_fields ? with_fields : t, PART_FIELD);
    list_known(b, rules, known, sizeof(known));
    if (rules->strict && ((item && !rules->has_item) || (field && !rules->has_fields))) {
        snprintf(unknown, sizeof(unknown), "{}");
        if (field)
            name_field(b, field, unknown, sizeof(unknown));
        refuse(b, node, NULL, "%s is unknown here (known: %s)", unknown, known);
        return false;
    }
    bool has_all = !b->has_source || !b->plan->source.rows.has_header ||
                   b->plan->source.rows.n_columns > 0; // else any name may be a column's
    if (rules->strict && has_all && find_unknown(b, text, unknown, sizeof(unknown))) {
        refuse(b, node, NULL, "%s is unknown here (known: %s)", unknown, known);
        return false;
    }
    const char *suspect = template_suspect(t, &hint);
    if (field && !rules->has_fields) {
        name_field(b, field, unknown, sizeof(unknown));
        warn_at(b, node, NULL, "no row is available here, so %s is left as it is", unknown);
    } else if (item && !rules->has_item) {
        warn_at(b, node, "write {{}} for a literal {}",
                "no item is available here, so {} is left as it is");
    } else if (suspect) {
        warn_at(b, node, hint, "'{%s}' is unknown and left as it is", suspect);
    }
    if (ret_uses_item)
        *ret_uses_item = item && rules->has_item;
    if (ret_is_constant)
        *ret_is_constant = template_is_constant(t);
    return true;
}
