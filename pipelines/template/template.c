#include "pipelines/template/template.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/parse.h"
#include "pipelines/rows.h"
#include "pipelines/template/template_parts.h"

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

static size_t find_param(const struct template_names *names, const char *name, size_t len)
{
    size_t i = 0;
    while (i < names->n_params &&
           (strlen(names->params[i]) != len || memcmp(names->params[i], name, len) != 0))
        i++;
    return i;
}

// {1}, {2} ...: decimal, without leading zeros, not past the last.
static bool is_number(const struct source *source, const char *text, size_t len, size_t *ret)
{
    size_t n_columns = rows_n_columns(source), number = 0;
    if (len == 0 || len > 4 || text[0] == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        number = number * 10 + (size_t)(text[i] - '0');
    }
    if (number > (n_columns ? n_columns : ROW_FIELDS_MAX))
        return false;
    *ret = number - 1;
    return true;
}

// A field, by number or by its column's name, which may hold any letters. The longest that fits.
static bool known_field(const char *body, size_t len, const struct template_names *names,
                        struct part *ret)
{
    struct part part = {.kind = PART_FIELD};
    if (!names->has_item || !names->source || !rows_have_fields(names->source))
        return false;
    for (size_t name = len; name > 0; name--) {
        int column = rows_column(names->source, body, name);
        if (column >= 0)
            part.param = (size_t)column;
        else if (!is_number(names->source, body, name, &part.param))
            continue;
        if (form_of(body + name, len - name, &part.form)) {
            *ret = part;
            return true;
        }
    }
    return false;
}

static bool known_plain(const char *body, size_t len, const struct template_names *names,
                        struct part *ret)
{
    struct part part = {.kind = PART_ITEM};
    size_t name_len = 0;
    while (name_len < len && name_char(body[name_len]))
        name_len++;
    if (!form_of(body + name_len, len - name_len, &part.form))
        return false;
    if (name_len > 0) {
        part.kind = PART_PARAM;
        part.param = find_param(names, body, name_len);
        if (part.param == names->n_params)
            return false;
    } else if (!names->has_item) {
        return false;
    }
    *ret = part;
    return true;
}

// `body` is the text between the braces.
static bool known(const char *body, size_t len, const struct template_names *names,
                  struct part *ret)
{
    if (len == 1 && (body[0] == '#' || body[0] == '%')) {
        *ret = (struct part){.kind = body[0] == '#' ? PART_SEQ : PART_SLOT};
        return true;
    }
    if (known_field(body, len, names, ret) || known_plain(body, len, names, ret))
        return true;
    bool is_quoted = len >= 2 && memcmp(body + len - 2, "@q", 2) == 0;
    if (!is_quoted ||
        !(known_field(body, len - 2, names, ret) || known_plain(body, len - 2, names, ret)))
        return false;
    ret->is_quoted = true;
    return true;
}

// Length of the text between braces: no brace or quote, and no blank unless a column's name has
// one.
static size_t body_length(const char *body, const struct template_names *names)
{
    struct part part;
    size_t len = strcspn(body, "{} \t\n\"'$");
    if (body[len] == '}' || !names->source)
        return len;
    size_t longer = strcspn(body, "{}\n");
    return body[longer] == '}' && (known_field(body, longer, names, &part) ||
                                   (longer > 2 && known_field(body, longer - 2, names, &part)))
               ? longer
               : len;
}

enum brace brace_at(const char *text, const struct template_names *names, struct part *ret,
                    size_t *ret_len)
{
    const char *body = text + 1 + (text[1] == '{');
    size_t len = body_length(body, names);
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
    if (grow(t->parts, t->n_parts, 1) < 0)
        return -ENOMEM;
    t->parts[t->n_parts++] = *part;
    t->uses_item |= part->kind == PART_ITEM || part->kind == PART_FIELD;
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

// Placeholders of other tools, which would silently stay as they are.
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

// The nearest of params and columns.
static const char *nearest_name(const char *name, const struct template_names *names, int *ret)
{
    bool has_fields = names->has_item && names->source && rows_have_fields(names->source);
    size_t n_columns = has_fields ? rows_n_columns(names->source) : 0;
    _free_ const char **all = calloc(names->n_params + n_columns + 1, sizeof(*all));
    *ret = all ? 0 : -ENOMEM;
    if (!all)
        return NULL;
    size_t n = names->n_params;
    for (size_t i = 0; i < n; i++)
        all[i] = names->params[i];
    for (size_t i = 0; i < n_columns; i++)
        if (rows_column_name(names->source, i)[0])
            all[n++] = rows_column_name(names->source, i);
    return parse_nearest(name, all, n);
}

static int find_suspect(struct template *t, const char *text, const struct template_names *names)
{
    for (const char *c = text; *c; c++) {
        char name[NAME_LEN_MAX + 1];
        size_t len = 0, known_len;
        struct part part;
        if (*c != '{' || (c > text && c[-1] == '$') || !isalpha((unsigned char)c[1]) ||
            brace_at(c, names, &part, &known_len) != BRACE_PLAIN)
            continue;
        while (len < NAME_LEN_MAX && name_char(c[1 + len])) {
            name[len] = c[1 + len];
            len++;
        }
        name[len] = '\0';
        const char *rest = c + 1 + len;
        enum part_form form;
        if (!form_of(rest, strcspn(rest, "@} \t\n{"), &form) ||
            (rest[strcspn(rest, "@} \t\n{")] != '}' && rest[strcspn(rest, "@} \t\n{")] != '@'))
            continue;
        int r;
        const char *nearest = nearest_name(name, names, &r);
        if (r < 0)
            return r;
        if (!nearest || strcmp(nearest, name) == 0)
            continue;
        t->suspect = strdup(name);
        t->nearest = strdup(nearest);
        return t->suspect && t->nearest ? 0 : -ENOMEM;
    }
    return 0;
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

const char *template_suspect(const struct template *t, const char **ret_nearest)
{
    if (t->suspect)
        *ret_nearest = t->nearest;
    return t->suspect;
}
