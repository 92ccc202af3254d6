// Reading one placeholder.
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/grow.h"
#include "pipelines/rows.h"
#include "pipelines/template/template_parts.h"

bool part_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool part_form_of(const char *text, size_t len, enum part_form *ret)
{
    static const struct {
        const char *text;
        enum part_form form;
    } forms[] = {{"", FORM_WHOLE},        {".", FORM_NO_EXT},       {"/", FORM_BASE},
                 {"//", FORM_DIR},        {"/.", FORM_BASE_BARE},   {"..", FORM_NO_EXT2},
                 {"...", FORM_NO_EXT3},   {"/..", FORM_BASE_BARE2}, {"/...", FORM_BASE_BARE3},
                 {"+/", FORM_ONLY_DIR},   {"+.", FORM_ONLY_EXT},    {"+..", FORM_ONLY_EXT2},
                 {"+...", FORM_ONLY_EXT3}};
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

// {1}, {2} ...: decimal, without leading zeros, not past the last. {-1} is the last. An item
// without columns is its only one.
static bool is_number(const struct template_names *names, const char *text, size_t len,
                      struct part *ret)
{
    const struct source *source = names->source;
    bool has_fields = source && rows_have_fields(source);
    size_t n_columns = has_fields ? rows_n_columns(source) : 1, number = 0;
    bool from_end = len && text[0] == '-';
    text += from_end;
    len -= from_end;
    if (len == 0 || len > 4 || text[0] == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        number = number * 10 + (size_t)(text[i] - '0');
    }
    if (number > (n_columns ? n_columns : ROW_FIELDS_MAX))
        return false;
    if (!has_fields) {
        ret->kind = PART_ITEM;
        return !names->numbers_are_text;
    }
    // The same place in every row, where their length is known.
    ret->from_end = from_end && !n_columns;
    ret->param = from_end && n_columns ? n_columns - number : number - 1;
    return true;
}

// A field, by number or by its column's name, which may hold any letters. The longest that fits.
static bool known_field(const char *body, size_t len, const struct template_names *names,
                        struct part *ret)
{
    if (!names->has_item)
        return false;
    bool has_fields = names->source && rows_have_fields(names->source);
    for (size_t name = len; name > 0; name--) {
        struct part part = {.kind = PART_FIELD};
        int column = has_fields ? rows_column(names->source, body, name) : -ENOENT;
        if (column >= 0)
            part.param = (size_t)column;
        else if (!is_number(names, body, name, &part))
            continue;
        if (part_form_of(body + name, len - name, &part.form)) {
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
    while (name_len < len && part_name_char(body[name_len]))
        name_len++;
    if (!part_form_of(body + name_len, len - name_len, &part.form))
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

static bool is_range(const char *body, size_t len)
{
    size_t at = 0, numbers = 0;
    for (; numbers < 3; numbers++) {
        size_t digits = at;
        at += at < len && body[at] == '-';
        while (at < len && isdigit((unsigned char)body[at]))
            at++;
        if (at == digits || !isdigit((unsigned char)body[at - 1]))
            return false;
        if (at == len)
            return numbers > 0;
        if (len - at < 3 || body[at] != '.' || body[at + 1] != '.')
            return false;
        at += 2;
    }
    return false;
}

bool template_like_placeholder(const char *body, size_t len)
{
    bool means = len == 2 && memcmp(body, "##", 2) == 0;
    for (size_t i = 0; i < len; i++) {
        if (!body[i] || !strchr("0123456789./+-#%", body[i]))
            return false;
        means |= !strchr("+-#%", body[i]);
    }
    return means && !is_range(body, len);
}

enum brace brace_at(const char *text, const struct template_names *names, struct part *ret,
                    size_t *ret_len)
{
    const char *body = text + 1 + (text[1] == '{');
    size_t len = body_length(body, names);
    if (body[len] != '}')
        return BRACE_PLAIN;
    bool doubled = text[1] == '{' && body[len + 1] == '}';
    if (doubled && (len == 0 || known(body, len, names, ret) ||
                    (names->has_item && template_like_placeholder(body, len)))) {
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
