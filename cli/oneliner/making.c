#include "cli/oneliner/making.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void making_done(struct making *m)
{
    inputs_source_done(&m->source);
    arena_done(&m->arena);
}

int making_mistake(const struct oneliner *o, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    args_mistake(o->command, "%s", text);
    return -EINVAL;
}

const char *making_text(struct making *m, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    char *copy = n < 0 ? NULL : arena_take(&m->arena, (size_t)n + 1);
    if (copy)
        memcpy(copy, text, (size_t)n + 1);
    else
        m->tree.error = -ENOMEM;
    if (n >= 0)
        free(text);
    return copy ? copy : "";
}

void making_put(struct making *m, struct node *map, const char *key, const char *text,
                const char *label)
{
    if (text)
        tree_put(&m->tree, map, key, tree_text(&m->tree, text, label));
}
