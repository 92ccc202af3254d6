#include <stdbool.h>
#include <stdio.h>

#include "pipelines/docs/schema_docs.h"

static int add_row(struct buf *out, const struct schema_key *key)
{
    size_t len;
    const char *standard = schema_default(key, &len);
    int r = buf_printf(out, "| `%s` | ", key->name);
    if (r == 0)
        r = schema_value(key, out);
    if (r == 0)
        r = buf_printf(out, "%s%s%s | %.*s |\n", key->flags & KEY_REQUIRED ? "; required" : "",
                       standard ? "; " : "", standard ? standard : "", (int)len, key->help);
    return r;
}

// "Not in this version: `a`, `b`."
static int add_others(struct buf *out, enum section section, unsigned flag, const char *what)
{
    bool any = false;
    int r = 0;
    for (size_t i = 0; i < n_schema && r == 0; i++) {
        if (!(schema[i].sections >> section & 1) || !(schema[i].flags & flag))
            continue;
        r = buf_printf(out, "%s%s`%s`", any ? ", " : "\n", any ? "" : what, schema[i].name);
        any = true;
    }
    return any && r == 0 ? buf_add_str(out, ".\n") : r;
}

int schema_markdown(enum section section, struct buf *out)
{
    int r = buf_add_str(out, "| key | value; default | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < n_schema && r == 0; i++)
        if ((schema[i].sections >> section & 1) && !(schema[i].flags & KEY_NOT_OFFERED))
            r = add_row(out, &schema[i]);
    if (r == 0)
        r = add_others(out, section, KEY_LATER, "Not in this version: ");
    if (r == 0)
        r = add_others(out, section, KEY_RESERVED, "Reserved for a later version: ");
    return r;
}
