#include "pipelines/template.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/template_parts.h"

#define NAME_LEN_MAX 63 // of a placeholder that may be a typing mistake

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool form_of(const char *text, size_t len, enum part_form *ret)
{
    static const struct {
        const char *text;
        enum part_form form;
    } forms[] = {{"", FORM_WHOLE},
                 {".", FORM_NO_EXT},
                 {"/", FORM_BASE},
                 {"//", FORM_DIR},
                 {"/.", FORM_BASE_BARE}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strlen(forms[i].text) == len && memcmp(forms[i].text, text, len) == 0) {
            *ret = forms[i].form;
            return true;
        }
    return false;
}

// `body` is what stands between the braces.
static bool known(const char *body, size_t len, const struct template_names *names,
                  struct part *ret)
{
    struct part part = {.kind = PART_ITEM};
    size_t name_len = 0;
    while (name_len < len && name_char(body[name_len]))
        name_len++;
    if (len == 1 && (body[0] == '#' || body[0] == '%')) {
        part.kind = body[0] == '#' ? PART_SEQ : PART_SLOT;
    } else if (!form_of(body + name_len, len - name_len, &part.form)) {
        return false;
    } else if (name_len > 0) {
        part.kind = PART_PARAM;
        while (part.param < names->n_params &&
               (strlen(names->params[part.param]) != name_len ||
                memcmp(names->params[part.param], body, name_len) != 0))
            part.param++;
        if (part.param == names->n_params)
            return false;
    } else if (!names->has_item) {
        return false;
    }
    *ret = part;
    return true;
}

enum brace brace_at(const char *text, const struct template_names *names, struct part *ret,
                    size_t *ret_len)
{
    const char *body = text + 1 + (text[1] == '{');
    size_t len = strcspn(body, "{} \t\n\"'$");
    if (body[len] != '}')
        return BRACE_PLAIN;
    bool doubled = text[1] == '{' && body[len + 1] == '}';
    if (doubled && (len == 0 || known(body, len, names, ret))) {
        *ret_len = len + 4;
        return BRACE_LITERAL;
    }
    if (text[1] == '{' || !known(body, len, names, ret))
        return BRACE_PLAIN;
    *ret_len = len + 2;
    return BRACE_VALUE;
}

int template_add(struct template *t, const struct part *part)
{
    struct part *grown = reallocarray(t->parts, t->n_parts + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    t->parts = grown;
    t->parts[t->n_parts++] = *part;
    t->uses_item |= part->kind == PART_ITEM;
    return 0;
}

static int add_text(struct template *t, const char *text, size_t len)
{
    struct part part = {.kind = PART_TEXT, .offset = t->text.len, .len = len};
    if (len == 0)
        return 0;
    int r = buf_add(&t->text, text, len);
    return r < 0 ? r : template_add(t, &part);
}

static int compile_word(struct template *t, const char *text, const struct template_names *names)
{
    const char *from = text, *c = text;
    int r = 0;
    while (r == 0 && *c) {
        struct part part;
        size_t len;
        enum brace brace = BRACE_PLAIN;
        if (*c == '{' && (c == text || c[-1] != '$'))
            brace = brace_at(c, names, &part, &len);
        if (brace == BRACE_PLAIN) {
            c++;
            continue;
        }
        r = add_text(t, from, (size_t)(c - from));
        if (r == 0 && brace == BRACE_LITERAL)
            r = add_text(t, c + 1, len - 2);
        else if (r == 0)
            r = template_add(t, &part);
        c += len;
        from = c;
    }
    return r < 0 ? r : add_text(t, from, (size_t)(c - from));
}

// The forms of other tools, which would silently stay as they are.
static const char *foreign(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (strncmp(c, "${{", 3) == 0)
            return c;
        if (c[0] == '%' && c[1] == '{' && isupper((unsigned char)c[2])) {
            const char *end = c + 2;
            while (isupper((unsigned char)*end) || isdigit((unsigned char)*end) || *end == '_')
                end++;
            if (*end == '}')
                return c;
        }
    }
    return NULL;
}

static int find_suspect(struct template *t, const char *text, const struct template_names *names)
{
    for (const char *c = text; *c; c++) {
        char name[NAME_LEN_MAX + 1];
        size_t len = 0;
        if (*c != '{' || (c > text && c[-1] == '$') || !isalpha((unsigned char)c[1]))
            continue;
        while (len < NAME_LEN_MAX && name_char(c[1 + len])) {
            name[len] = c[1 + len];
            len++;
        }
        name[len] = '\0';
        const char *rest = c + 1 + len;
        enum part_form form;
        if (!form_of(rest, strcspn(rest, "} \t\n{"), &form) ||
            rest[strcspn(rest, "} \t\n{")] != '}')
            continue;
        const char *nearest = parse_nearest(name, names->params, names->n_params);
        if (!nearest || strcmp(nearest, name) == 0)
            continue;
        t->suspect = strdup(name);
        t->nearest = strdup(nearest);
        return t->suspect && t->nearest ? 0 : -ENOMEM;
    }
    return 0;
}

static void template_free_ptr(struct template **t)
{
    template_free(*t);
}

int template_compile(const char *text, enum template_mode mode, const struct template_names *names,
                     struct template **ret, struct err *err, size_t *ret_offset)
{
    _cleanup_(template_free_ptr)
    struct template *t = calloc(1, sizeof(*t));
    if (!t)
        return err_sys(err, -ENOMEM, "template");
    t->mode = mode;
    buf_init(&t->text, 0);
    const char *bad = foreign(text);
    if (bad) {
        *ret_offset = (size_t)(bad - text);
        return err_set(err, -EINVAL, "placeholders are written {x}");
    }
    int r = find_suspect(t, text, names);
    if (r == 0 && mode != TEMPLATE_WORD)
        r = template_compile_script(t, text, names, err, ret_offset);
    else if (r == 0)
        r = compile_word(t, text, names);
    if (r == -ENOMEM || r == -ENOBUFS)
        return err_sys(err, r, "template");
    if (r < 0)
        return r;
    *ret = take(t);
    return 0;
}

struct template *template_free(struct template *t)
{
    if (!t)
        return NULL;
    buf_done(&t->text);
    free(t->parts);
    free(t->suspect);
    free(t->nearest);
    free(t);
    return NULL;
}

bool template_uses_item(const struct template *t)
{
    return t->uses_item;
}

bool template_is_constant(const struct template *t)
{
    if (t->mode == TEMPLATE_BATCH)
        return t->is_constant;
    for (size_t i = 0; i < t->n_parts; i++)
        if (t->parts[i].kind != PART_TEXT)
            return false;
    return true;
}

struct span {
    const char *at;
    size_t len;
};

static size_t last_slash(struct span path) // behind it; 0 when there is none
{
    const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    return slash ? (size_t)(slash - path.at) + 1 : 0;
}

static struct span without_trailing_slashes(struct span path)
{
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

static struct span base_name(struct span path)
{
    path = without_trailing_slashes(path);
    if (path.len == 1)
        return path; // "/" is its own name
    size_t skip = last_slash(path);
    return (struct span){path.at + skip, path.len - skip};
}

static struct span directory(struct span path)
{
    path = without_trailing_slashes(path);
    size_t slash = last_slash(path);
    if (slash == 0)
        return (struct span){".", 1};
    return without_trailing_slashes((struct span){path.at, slash});
}

// A dot that begins a name hides a file, it doesn't begin an extension.
static struct span without_extension(struct span path)
{
    size_t name = last_slash(path);
    for (size_t i = path.len; i > name + 1; i--)
        if (path.at[i - 1] == '.')
            return (struct span){path.at, i - 1};
    return path;
}

static struct span form_text(enum part_form form, struct span value)
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
    case FORM_WHOLE:
        break;
    }
    return value;
}

static int expand_part(const struct template *t, const struct part *part,
                       const struct template_values *values, struct buf *out)
{
    struct span span = {"", 0};
    switch (part->kind) {
    case PART_TEXT:
        return buf_add(out, t->text.data + part->offset, part->len);
    case PART_SEQ:
        return buf_printf(out, "%llu", (unsigned long long)values->seq);
    case PART_SLOT:
        return buf_printf(out, "%u", values->slot);
    case PART_PARAM:
        span = (struct span){values->params[part->param], strlen(values->params[part->param])};
        break;
    case PART_ITEM:
        span = (struct span){values->item ? values->item : "", values->item_len};
        break;
    }
    span = form_text(part->form, span);
    return buf_add(out, span.at, span.len);
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

const char *template_suspect(const struct template *t, const char **ret_nearest)
{
    if (t->suspect)
        *ret_nearest = t->nearest;
    return t->suspect;
}
