#include "pipelines/docs/schema_man.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/roff.h"
#include "pipelines/builtin.h"
#include "pipelines/docs/schema_docs.h"
#include "pipelines/plan.h"
#include "pipelines/source/source_auto.h"

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
    "A job is one YAML file: a source, the stages that each of its chunks passes through, a reduce "
    "if all\nresults are to become one, and a sink.\n"
    ".B fanmill check\n"
    "reports every mistake with its line and column, and runs nothing.\n"
    ".PP\n"
    "The type of a value follows from its key, so that\n"
    ".BR no ,\n"
    ".B 1.10\n"
    "and\n"
    ".B 012\n"
    "stay the texts they are.\n"
    "Anchors, tags, merge keys, duplicate keys and a second document are refused.\n"
    "Keys that begin with\n"
    ".B x\\-\n"
    "are ignored.\n"
    "Relative paths start at the job file's folder, which is also where commands start.\n"
    ".PP\n"
    "Durations: 90 (seconds), 250ms, 1.5s, 5m, 2h, 1d.\n"
    "Sizes: 4096, 64KiB = 64K (1024), 64KB (1000); also M, G, T.\n"
    ".PP\n"
    "All sources but\n"
    ".B data\n"
    "produce items;\n"
    ".B data\n"
    "produces data, which is cut only between records.\n"
    "Stages without a chunk rule of their own run one after another on the same executor, each "
    "with "
    "the output\nof the one before as its input.\n"
    "One with a chunk rule starts a new step, fed by the results before it as they arrive.\n";

static const char placeholders_notes[] =
    "Fields can be used in the commands of the first step, in their `workdir`, and in the `name` "
    "of "
    "a sink if each result belongs to one item.\n"
    "A value is never code: in a script it arrives as a quoted \"$1\", whatever surrounds the "
    "placeholder.\n"
    "Anything else in braces stays as it is: {print $1}, ${HOME}, a{1,3}.\n"
    "\n"
    "A script of a stage with `batch` gets its items as \"$@\", written {}; of an argv, each word "
    "with a placeholder is repeated for each item.\n";

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
    {"{..}, {...}, {/..}", "without two or three extensions"},
    {"{+/}, {+.}, {+..}", "its folder, \"\" if there is none; its extension; its last two"},
    {"{#}", "the item's number, from 1; in the name of a sink, the chunk's"},
    {"{%}", "the slot, from 1"},
    {"{NAME}", "a param, or the item's field in the column or axis of this name"},
    {"{1}, {2}, {-1}", "the item's fields, by number; the last"},
    {"{NAME/.}, {1.}", "the forms above, of a param or field"},
    {"{@q}, {NAME@q}, {1/@q}", "the same text, quoted for a shell: `ssh host \"ls {@q}\"`"},
    {"{{}}", "{} itself; {{NAME}} is {NAME}, {{2}} is {2}"},
};

// A page being written. Errors are sticky.
struct job_page {
    struct buf *out;
    int error;
};

static void put(struct job_page *p, const char *roff)
{
    if (p->error == 0)
        p->error = buf_add_str(p->out, roff);
}

static void put_text(struct job_page *p, const char *text)
{
    if (p->error == 0)
        p->error = roff_text(p->out, text);
}

static void put_number(struct job_page *p, enum limit_unit unit, uint64_t number)
{
    if (p->error == 0)
        p->error = limit_number(unit, number, p->out);
}

static void put_item(struct job_page *p, const char *term, const char *text)
{
    put(p, ".TP\n.B ");
    put_text(p, term);
    put(p, "\n");
    put_text(p, text);
    put(p, "\n");
}

// "name (value; required or default)" and what it means.
static void put_key(struct job_page *p, const struct schema_key *key)
{
    _cleanup_(buf_done)
    struct buf value = {0};
    size_t len;
    const char *standard = schema_default(key, &len);
    char meaning[256];
    snprintf(meaning, sizeof(meaning), "%.*s", (int)len, key->help);
    if (p->error == 0)
        p->error = schema_value(key, &value);
    if (p->error == 0)
        p->error = buf_printf(&value, "%s%s%s", key->flags & KEY_REQUIRED ? "; required" : "",
                              standard ? "; default: " : "", standard ? standard : "");
    if (p->error == 0)
        p->error = buf_add(&value, "", 1);
    put(p, ".TP\n\\fB");
    put(p, key->name);
    put(p, "\\fR (");
    put_text(p, p->error == 0 ? (const char *)value.data : "");
    put(p, ")\n");
    put_text(p, meaning);
    put(p, "\n");
}

// What `chunk: auto` does.
static void put_auto(struct job_page *p)
{
    put(p, ".PP\nWith\n.BR auto ,\na command gets 1 item, and a batch command ");
    put_number(p, LIMIT_COUNT, PLAN_BATCH_ITEMS);
    put(p, ".\nChunks of items for a kernel or pipe grow until each takes about ");
    put_number(p, LIMIT_COUNT, AUTO_RUN_NS / 1000000);
    put(p, " ms or has ");
    put_number(p, LIMIT_BYTES, AUTO_ITEMS_BYTES);
    put(p, ".\nFiles of data are cut so that each slot gets about ");
    put_number(p, LIMIT_COUNT, AUTO_PIECES);
    put(p, " chunks, of at least ");
    put_number(p, LIMIT_BYTES, AUTO_PIECE_MIN);
    put(p, " and at most ");
    put_number(p, LIMIT_BYTES, AUTO_PIECE_MAX);
    put(p, ";\ndata that is read in order, such as standard input or a compressed file, after ");
    put_number(p, LIMIT_BYTES, AUTO_PIECE_STREAM);
    put(p, ".\n");
}

static void put_section(struct job_page *p, enum section section)
{
    char kinds[256];
    put(p, ".SH ");
    for (const char *c = schema_section_name(section); *c; c++)
        put(p, (char[]){(char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c), '\0'});
    put(p, "\n");
    schema_list(section, KEY_ONE_OF, kinds, sizeof(kinds));
    if (*kinds) {
        put(p, "Exactly one of ");
        put(p, kinds);
        put(p, ".\n");
    }
    for (size_t i = 0; i < n_schema; i++) {
        const struct schema_key *key = &schema[i];
        if (!(key->sections >> section & 1) || (key->flags & KEY_WRONG))
            continue;
        if (key->flags & KEY_RESERVED)
            put_item(p, key->name, "Reserved for a later version.");
        else if (key->flags & KEY_LATER)
            put_item(p, key->name, "Not supported by this version.");
        else
            put_key(p, key);
    }
    if (section == SECTION_CHUNK)
        put_auto(p);
}

static void put_builtin(struct job_page *p, const struct builtin *builtin)
{
    put_item(p, builtin->name, builtin->help);
    for (size_t i = 0; i < BUILTIN_ARGS_MAX && builtin->args[i].name; i++) {
        put(p, ".br\n\\fI");
        put(p, builtin->args[i].name);
        put(p, "\\fR: ");
        put_text(p, builtin->args[i].help);
        put(p, "\n");
    }
}

int schema_man(const struct limit *more, size_t n_more, struct buf *out)
{
    struct job_page p = {.out = out};
    put(&p, head);
    for (unsigned i = 0; i < SECTION_COUNT; i++)
        put_section(&p, (enum section)i);
    put(&p, ".SH PLACEHOLDERS\nFor the item dir/photo.jpg:\n");
    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++)
        put_item(&p, placeholders[i].form, placeholders[i].meaning);
    put(&p, ".PP\n");
    if (p.error == 0)
        p.error = roff_paragraphs(out, placeholders_notes);
    put(&p, ".SH LIMITS\nWhat exceeds one of them is refused, unless it says otherwise.\n");
    if (p.error == 0)
        p.error = limits_man(job_limits, n_job_limits, out);
    if (p.error == 0)
        p.error = limits_man(more, n_more, out);
    put(&p, ".SH BUILT\\-IN KERNELS\n");
    for (size_t i = 0; i < n_builtins; i++)
        put_builtin(&p, &builtins[i]);
    put(&p, tail);
    return p.error;
}
