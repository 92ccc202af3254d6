#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/roff.h"
#include "pipelines/builtin.h"
#include "pipelines/file/schema_docs.h"

static const char head[] =
    ".TH FANMILL\\-JOB 5 \"\" \"fanmill " FM_VERSION "\" \"fanmill\"\n"
    ".SH NAME\n"
    "fanmill\\-job \\- the job file of fanmill\n"
    ".SH SYNOPSIS\n"
    ".nf\n"
    "version: 1\n"
    "source: {data: \"logs/*.log\"}\n"
    "stages:\n"
    "  \\- pipe: grep \\-c ERROR || test $? = 1\n"
    "reduce: {kernel: sum_u64}\n"
    ".fi\n"
    ".SH DESCRIPTION\n"
    "One YAML file, one job: a source, the stages that each chunk of it goes through, a reduce if "
    "results\nbecome one, and a sink.\n"
    ".B fanmill check\n"
    "tells every mistake with its place and starts nothing.\n"
    ".PP\n"
    "What a key wants decides about types, so that\n"
    ".BR no ,\n"
    ".B 1.10\n"
    "and\n"
    ".B 012\n"
    "stay the texts they are.\n"
    "Anchors, tags, merge keys, duplicate keys and a second document are refused.\n"
    "Keys that begin with\n"
    ".B x\\-\n"
    "are ignored.\n"
    "A relative path means the job file's folder, and that is where commands start.\n"
    ".PP\n"
    "Durations: 90 (seconds), 250ms, 1.5s, 5m, 2h, 1d.\n"
    "Sizes: 4096, 64KiB = 64K (1024), 64KB (1000); also M, G, T.\n";

static const char tail[] =
    ".SH ENVIRONMENT\n"
    "A command finds FANMILL_JOB, FANMILL_CHUNK (from 0), FANMILL_SEQ (as {#}), FANMILL_SLOT,\n"
    "FANMILL_ATTEMPT and FANMILL_ITEM in its environment.\n"
    ".SH SEE ALSO\n"
    ".BR fanmill (1)\n";

static const struct {
    const char *form;
    const char *meaning; // for the item dir/photo.jpg
} placeholders[] = {
    {"{}", "the item: dir/photo.jpg"},
    {"{.}", "without its extension: dir/photo"},
    {"{/}", "its base name: photo.jpg"},
    {"{//}", "its folder: dir"},
    {"{/.}", "its base name without the extension: photo"},
    {"{#}", "the item's number, from 1"},
    {"{%}", "the slot, from 1"},
    {"{NAME}", "a param"},
    {"{{}}", "{} itself"},
};

static int add_item(struct buf *out, const char *term, const char *text)
{
    int r = buf_add_str(out, ".TP\n.B ");
    if (r == 0)
        r = roff_text(out, term);
    if (r == 0)
        r = buf_add(out, "\n", 1);
    if (r == 0)
        r = roff_text(out, text);
    return r < 0 ? r : buf_add(out, "\n", 1);
}

static bool is_plain_number(enum key_type type)
{
    return type == KEY_COUNT || type == KEY_NUMBER;
}

// "name (value; needed or default)" and what it means.
static int add_key(struct buf *out, const struct schema_key *key)
{
    _cleanup_(buf_done)
    struct buf value = {0};
    size_t len;
    const char *standard = schema_default(key, &len);
    char limits[64] = "", meaning[256];
    int r = schema_value(key, &value);
    if (is_plain_number(key->type) && key->max > key->min && key->max <= UINT32_MAX)
        snprintf(limits, sizeof(limits), ", %llu to %llu", (unsigned long long)key->min,
                 (unsigned long long)key->max);
    snprintf(meaning, sizeof(meaning), "%.*s", (int)len, key->help);
    if (r == 0)
        r = buf_printf(&value, "%s%s%s%s", limits, key->flags & KEY_REQUIRED ? "; needed" : "",
                       standard ? "; default: " : "", standard ? standard : "");
    if (r == 0)
        r = buf_add(&value, "", 1);
    if (r == 0)
        r = buf_printf(out, ".TP\n\\fB%s\\fR (", key->name);
    if (r == 0)
        r = roff_text(out, (const char *)value.data);
    if (r == 0)
        r = buf_add_str(out, ")\n");
    if (r == 0)
        r = roff_text(out, meaning);
    return r < 0 ? r : buf_add(out, "\n", 1);
}

static int add_section(struct buf *out, enum section section)
{
    char kinds[256];
    int r = buf_add_str(out, ".SH ");
    for (const char *c = schema_section_name(section); *c && r == 0; c++)
        r = buf_printf(out, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    schema_list(section, KEY_ONE_OF, kinds, sizeof(kinds));
    if (r == 0)
        r = *kinds ? buf_printf(out, "\nExactly one of %s.\n", kinds) : buf_add(out, "\n", 1);
    for (size_t i = 0; i < n_schema && r == 0; i++) {
        const struct schema_key *key = &schema[i];
        if (!(key->sections >> section & 1) || (key->flags & KEY_WRONG))
            continue;
        if (key->flags & KEY_RESERVED)
            r = add_item(out, key->name, "Reserved for a later version.");
        else if (key->flags & KEY_LATER)
            r = add_item(out, key->name, "Not in this version.");
        else
            r = add_key(out, key);
    }
    return r;
}

int schema_man(struct buf *out)
{
    int r = buf_add_str(out, head);
    for (unsigned i = 0; i < SECTION_COUNT && r == 0; i++)
        r = add_section(out, (enum section)i);
    if (r == 0)
        r = buf_add_str(out, ".SH PLACEHOLDERS\nFor the item dir/photo.jpg:\n");
    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]) && r == 0; i++)
        r = add_item(out, placeholders[i].form, placeholders[i].meaning);
    if (r == 0)
        r = buf_add_str(out, ".SH BUILT\\-IN KERNELS\n");
    for (size_t i = 0; i < n_builtins && r == 0; i++)
        r = add_item(out, builtins[i].name, builtins[i].help);
    return r < 0 ? r : buf_add_str(out, tail);
}
