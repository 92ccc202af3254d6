// Words in braces that are probably mistakes.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/rows.h"
#include "pipelines/template/template_parts.h"

#define NAME_LEN_MAX 63 // of a placeholder that may be misspelled

// Placeholders of other tools, which would silently stay as they are.
const char *template_foreign(const char *text)
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

int template_find_suspect(struct template *t, const char *text, const struct template_names *names)
{
    for (const char *c = text; *c; c++) {
        char name[NAME_LEN_MAX + 1];
        size_t len = 0, known_len;
        struct part part;
        if (*c != '{' || (c > text && c[-1] == '$') || !isalpha((unsigned char)c[1]) ||
            brace_at(c, names, &part, &known_len) != BRACE_PLAIN)
            continue;
        while (len < NAME_LEN_MAX && part_name_char(c[1 + len])) {
            name[len] = c[1 + len];
            len++;
        }
        name[len] = '\0';
        const char *rest = c + 1 + len;
        enum part_form form;
        if (!part_form_of(rest, strcspn(rest, "@} \t\n{"), &form) ||
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
