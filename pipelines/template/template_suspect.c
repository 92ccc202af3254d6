// Words in braces that are probably mistakes.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
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

static int senseless(const char *body, size_t len, const struct template_names *names,
                     struct err *err)
{
    char why[80] = "there is no such placeholder";
    bool has_fields = names->source && rows_have_fields(names->source);
    size_t n = has_fields ? rows_n_columns(names->source) : 0;
    bool is_number = isdigit((unsigned char)body[len - 1]) || isdigit((unsigned char)body[0]);
    if (len == 2 && memcmp(body, "##", 2) == 0)
        snprintf(why, sizeof(why), "how many chunks there will be is not known beforehand");
    else if (len == 2 && body[0] == '0' && strchr("#%", body[1]))
        snprintf(why, sizeof(why), "numbers are not padded; try $(printf %%04d {%c})", body[1]);
    else if (is_number && !has_fields)
        snprintf(why, sizeof(why), "an item has no columns; it is {}");
    else if (is_number && n)
        snprintf(why, sizeof(why), "items have %zu column%s", n, n == 1 ? "" : "s");
    return err_set(err, -EINVAL,
                   "{%.*s} means nothing here: %s; for the text itself write {{%.*s}}", (int)len,
                   body, why, (int)len, body);
}

int template_refuse_senseless(const char *text, const struct template_names *names, struct err *err,
                              size_t *ret_offset)
{
    if (!names->has_item || names->numbers_are_text)
        return 0;
    for (const char *c = text; *c; c++) {
        struct part part;
        size_t known_len;
        if (*c != '{' || (c > text && c[-1] == '$'))
            continue;
        if (brace_at(c, names, &part, &known_len) != BRACE_PLAIN) {
            c += known_len - 1;
            continue;
        }
        size_t len = strcspn(c + 1, "{}");
        if (c[1 + len] != '}' || !template_like_placeholder(c + 1, len))
            continue;
        *ret_offset = (size_t)(c - text);
        return senseless(c + 1, len, names, err);
    }
    return 0;
}

// Words that GNU parallel replaces, if it is asked to, and what to write instead.
static const char *foreign_word(const char *text)
{
    static const struct {
        const char *word, *hint;
    } words[] = {
        {"{slot}", "the number of the slot is {%}"},
        {"{seq}", "the number of the chunk is {#}"},
        {"{uniq}", "combinations are left out by a job file's 'exclude'"},
        {"{choose_k}", "combinations are left out by a job file's 'exclude'"},
        {"{host}", "a command finds its machine by $(hostname)"},
        {"{sshlogin}", "a command finds its machine by $(hostname)"},
        {"{hgrp}", "there are no groups of hosts; see 'labels' in a job file"},
        {"{= ", "Perl expressions are not run; use a script: 'x={}; ...'"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strncmp(text, words[i].word, strlen(words[i].word)) == 0)
            return words[i].hint;
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
        const char *hint =
            *c == '{' && (c == text || c[-1] != '$') && names->has_item ? foreign_word(c) : NULL;
        if (hint && brace_at(c, names, &part, &known_len) == BRACE_PLAIN) {
            size_t word = strcspn(c, "} ");
            t->suspect = strndup(c + 1, word - 1);
            t->hint = strdup(hint);
            return t->suspect && t->hint ? 0 : -ENOMEM;
        }
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
        char did[2 * NAME_LEN_MAX];
        snprintf(did, sizeof(did), "did you mean '{%.*s}'?", NAME_LEN_MAX, nearest);
        t->suspect = strdup(name);
        t->hint = strdup(did);
        return t->suspect && t->hint ? 0 : -ENOMEM;
    }
    return 0;
}
