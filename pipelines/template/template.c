#include "pipelines/template/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pipelines/template/template_parts.h"

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

int template_compile(const char *text, enum template_mode mode, const struct template_names *names,
                     struct template **ret, struct err *err, size_t *ret_offset)
{
    _cleanup_(template_free_ptr)
    struct template *t = calloc(1, sizeof(*t));
    if (!t)
        return err_sys(err, -ENOMEM, "template");
    t->mode = mode;
    buf_init(&t->text, 0);
    const char *bad = template_foreign(text);
    if (bad) {
        *ret_offset = (size_t)(bad - text);
        return err_set(err, -EINVAL, "placeholders are written {x}");
    }
    int r = template_refuse_senseless(text, names, err, ret_offset);
    if (r == 0)
        r = template_find_suspect(t, text, names);
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
    free(t->hint);
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

const char *template_suspect(const struct template *t, const char **ret_hint)
{
    if (t->suspect)
        *ret_hint = t->hint;
    return t->suspect;
}
