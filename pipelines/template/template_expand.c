// Values into templates: parts of paths, fields, quotes for a shell.
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "pipelines/input/row.h"
#include "pipelines/template/template_parts.h"

struct text_span {
    const char *at;
    size_t len;
};

static size_t last_slash(struct text_span path) // the place after it; 0 if there is none
{
    const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    return slash ? (size_t)(slash - path.at) + 1 : 0;
}

static struct text_span without_trailing_slashes(struct text_span path)
{
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

static struct text_span base_name(struct text_span path)
{
    path = without_trailing_slashes(path);
    if (path.len == 1)
        return path; // "/" is its own name
    size_t skip = last_slash(path);
    return (struct text_span){path.at + skip, path.len - skip};
}

static struct text_span directory(struct text_span path)
{
    path = without_trailing_slashes(path);
    size_t slash = last_slash(path);
    if (slash == 0)
        return (struct text_span){".", 1};
    return without_trailing_slashes((struct text_span){path.at, slash});
}

// A dot that begins a name hides a file, it doesn't begin an extension.
static struct text_span without_extension(struct text_span path)
{
    size_t name = last_slash(path);
    for (size_t i = path.len; i > name + 1; i--)
        if (path.at[i - 1] == '.')
            return (struct text_span){path.at, i - 1};
    return path;
}

// Without `n` extensions, if it has as many.
static struct text_span without_extensions(struct text_span path, unsigned n)
{
    struct text_span rest = path;
    for (unsigned i = 0; i < n; i++) {
        struct text_span next = without_extension(rest);
        if (next.len == rest.len)
            return path;
        rest = next;
    }
    return rest;
}

// The last `n` extensions, without the dot before them; "" if there are not as many.
static struct text_span extensions(struct text_span path, unsigned n)
{
    struct text_span bare = without_extensions(path, n);
    if (bare.len == path.len)
        return (struct text_span){"", 0};
    return (struct text_span){path.at + bare.len + 1, path.len - bare.len - 1};
}

static struct text_span only_directory(struct text_span path)
{
    size_t slash = last_slash(path);
    return (struct text_span){path.at, slash ? slash - 1 : 0};
}

static struct text_span form_text(enum part_form form, struct text_span value)
{
    switch (form) {
    case FORM_NO_EXT:
        return without_extension(value);
    case FORM_BASE:
        return base_name(value);
    case FORM_DIR:
        return directory(value);
    case FORM_BASE_BARE:
        return without_extension(base_name(value));
    case FORM_NO_EXT2:
        return without_extensions(value, 2);
    case FORM_NO_EXT3:
        return without_extensions(value, 3);
    case FORM_BASE_BARE2:
        return without_extensions(base_name(value), 2);
    case FORM_BASE_BARE3:
        return without_extensions(base_name(value), 3);
    case FORM_ONLY_DIR:
        return only_directory(value);
    case FORM_ONLY_EXT:
        return extensions(value, 1);
    case FORM_ONLY_EXT2:
        return extensions(value, 2);
    case FORM_ONLY_EXT3:
        return extensions(value, 3);
    case FORM_WHOLE:
        break;
    }
    return value;
}

// As a person would write it for a shell: in single quotes where it needs any.
static int add_quoted(struct buf *out, struct text_span value)
{
    size_t at = 0, safe = 0;
    while (safe < value.len && (isalnum((unsigned char)value.at[safe]) ||
                                (value.at[safe] && strchr("_/.,:=@%+-", value.at[safe]))))
        safe++;
    if (value.len && safe == value.len)
        return buf_add(out, value.at, value.len);
    int r = buf_add(out, "'", 1);
    while (r == 0 && at < value.len) {
        const char *quote = memchr(value.at + at, '\'', value.len - at);
        size_t len = quote ? (size_t)(quote - value.at) - at : value.len - at;
        r = buf_add(out, value.at + at, len);
        if (r == 0 && quote)
            r = buf_add_str(out, "'\\''");
        at += len + (quote != NULL);
    }
    return r < 0 ? r : buf_add(out, "'", 1);
}

static struct field field_of(const struct row *row, const struct part *part)
{
    size_t n = row_count(row);
    if (!part->from_end)
        return row_field(row, part->param);
    return part->param < n ? row_field(row, n - 1 - part->param) : (struct field){"", 0};
}

static int expand_part(const struct template *t, const struct part *part,
                       const struct template_values *values, struct buf *out)
{
    struct text_span span = {"", 0};
    struct field field;
    switch (part->kind) {
    case PART_TEXT:
        return buf_add(out, t->text.data + part->offset, part->len);
    case PART_SEQ:
        return buf_printf(out, "%llu", (unsigned long long)values->seq);
    case PART_SLOT:
        return buf_printf(out, "%u", values->slot);
    case PART_PARAM:
        span = (struct text_span){values->params[part->param], strlen(values->params[part->param])};
        break;
    case PART_ITEM:
        span = (struct text_span){values->item ? values->item : "", values->item_len};
        break;
    case PART_FIELD:
        field = values->row ? field_of(values->row, part) : (struct field){"", 0};
        span = (struct text_span){field.at, field.len};
        break;
    }
    span = form_text(part->form, span);
    return part->is_quoted ? add_quoted(out, span) : buf_add(out, span.at, span.len);
}

int template_expand(const struct template *t, const struct template_values *values, struct buf *out)
{
    size_t before = out->len;
    int r = t->mode == TEMPLATE_WORD ? 0 : -EINVAL;
    for (size_t i = 0; i < t->n_parts && r == 0; i++)
        r = expand_part(t, &t->parts[i], values, out);
    if (r < 0)
        out->len = before;
    return r;
}

const char *template_script(const struct template *t)
{
    return t->mode != TEMPLATE_WORD ? (const char *)t->text.data : NULL;
}

size_t template_n_args(const struct template *t)
{
    return t->mode == TEMPLATE_SCRIPT ? t->n_parts : 0;
}

int template_expand_arg(const struct template *t, size_t arg, const struct template_values *values,
                        struct buf *out)
{
    if (arg >= template_n_args(t))
        return -EINVAL;
    return expand_part(t, &t->parts[arg], values, out);
}
