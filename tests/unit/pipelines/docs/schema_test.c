// One table makes all: each key of it is in the schema, the manual page and the guide.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "pipelines/build/build.h"
#include "pipelines/build/load.h"
#include "pipelines/docs/schema_docs.h"
#include "pipelines/docs/schema_man.h"
#include "pipelines/source/extent.h"

#define GUIDE SOURCE_DIR "/docs/guide/job-file.md"

static char *text_of(int (*write)(struct buf *))
{
    struct buf out = {0};
    cr_assert_eq(write(&out), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    return (char *)out.data;
}

static char *man_text(void)
{
    struct buf out = {0};
    cr_assert_eq(schema_man(NULL, 0, &out), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    return (char *)out.data;
}

static char *guide_text(void)
{
    FILE *f = fopen(GUIDE, "re");
    char *text = calloc(1, 1 << 20);
    cr_assert_not_null(f);
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, f), 0);
    fclose(f);
    return text;
}

// Whether `what` stands after `from` and before `to`.
static bool stands_between(const char *text, const char *from, const char *to, const char *what)
{
    const char *begin = strstr(text, from);
    const char *end = begin ? strstr(begin + strlen(from), to) : NULL;
    const char *found = begin ? strstr(begin, what) : NULL;
    return found && (!end || found < end);
}

Test(schema, the_guide_says_what_the_table_says)
{
    char *guide = guide_text();
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        const char *name = schema_section_name((enum section)i);
        struct buf want = {0};
        cr_assert_eq(buf_printf(&want, "<!-- keys: %s -->\n", name), 0);
        cr_assert_eq(schema_markdown((enum section)i, &want), 0);
        cr_assert_eq(buf_add(&want, "<!-- end of keys -->\n", 22), 0);
        cr_expect(strstr(guide, (char *)want.data),
                  "the keys of '%s' in docs/guide/job-file.md are not those of the table; run "
                  "scripts/docs",
                  name);
        buf_done(&want);
    }
    free(guide);
}

// A definition is indented by four blanks, the job by none.
static const char *section_of(const char *json, enum section section)
{
    char name[64];
    if (section == SECTION_JOB)
        return json;
    snprintf(name, sizeof(name), "\n    \"%s\": {", schema_section_name(section));
    const char *found = strstr(strstr(json, "\"definitions\""), name);
    cr_assert_not_null(found, "%s", name);
    return found;
}

Test(schema, every_key_is_everywhere)
{
    char *json = text_of(schema_json), *man = man_text(), *guide = guide_text();
    char from[96], to[96], what[96];
    for (size_t k = 0; k < n_schema; k++)
        for (unsigned i = 0; i < SECTION_COUNT; i++) {
            const struct schema_key *key = &schema[k];
            const char *section = schema_section_name((enum section)i);
            bool wanted = !(key->flags & KEY_WRONG);
            if (!(key->sections >> i & 1))
                continue;
            bool is_job = i == SECTION_JOB;
            snprintf(what, sizeof(what), is_job ? "\n    \"%s\": {" : "\n        \"%s\": {",
                     key->name);
            cr_expect_eq(stands_between(section_of(json, (enum section)i), "\"properties\"",
                                        is_job ? "\n  }" : "\n      }", what),
                         wanted, "the schema: %s.%s", section, key->name);
            snprintf(from, sizeof(from), ".SH ");
            for (size_t c = 0; section[c]; c++)
                snprintf(from + 4 + c, sizeof(from) - 4 - c, "%c", section[c] - 'a' + 'A');
            snprintf(what, sizeof(what), "\\fB%s\\fR (", key->name);
            snprintf(to, sizeof(to), "\n.B %s\n", key->name);
            cr_expect_eq(stands_between(man, from, "\n.SH", what) ||
                             stands_between(man, from, "\n.SH", to),
                         wanted, "the manual page: %s.%s", section, key->name);
            snprintf(from, sizeof(from), "<!-- keys: %s -->", section);
            snprintf(what, sizeof(what), "`%s`", key->name);
            cr_expect(!wanted || stands_between(guide, from, "<!-- end", what), "the guide: %s.%s",
                      section, key->name);
        }
    free(json);
    free(man);
    free(guide);
}

Test(schema, the_table_is_sound)
{
    for (size_t k = 0; k < n_schema; k++) {
        const struct schema_key *key = &schema[k];
        char words[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
        size_t len, n = schema_words(key->words, words), found = 0;
        const char *standard = schema_default(key, &len);
        cr_expect_null(strpbrk(key->help, "|\n"), "%s", key->name);
        cr_expect(!standard || !strstr(standard, "; "), "%s", key->name);
        for (size_t i = 0; standard && i < n; i++)
            found += strcmp(words[i], standard) == 0;
        if (standard && key->type == KEY_WORD)
            cr_expect_eq(found, 1, "%s: %s is not one of its words", key->name, standard);
        if (key->type == KEY_MAP && !(key->flags & KEY_NOT_OFFERED))
            cr_expect_neq(schema_inside(key), SECTION_COUNT, "%s", key->name);
    }
    for (size_t i = 0; i < n_schema_company; i++) {
        const struct schema_company *c = &schema_company[i];
        char with[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1];
        size_t n = schema_words(c->with, with);
        enum section section = (enum section)__builtin_ctz(c->sections);
        cr_expect_not_null(schema_find(section, c->key));
        for (size_t w = 0; w < n; w++)
            cr_expect_not_null(schema_find(section, with[w]), "%s: %s", c->key, with[w]);
    }
}

Test(schema, sections_by_name)
{
    cr_expect_eq(schema_section_named("job"), SECTION_JOB);
    cr_expect_eq(schema_section_named("stage"), SECTION_STAGE);
    cr_expect_eq(schema_section_named("sink"), SECTION_SINK);
    cr_expect_eq(schema_section_named("sinks"), SECTION_COUNT);
}

static char *value_of(enum section section, const char *name)
{
    struct buf out = {0};
    cr_assert_eq(schema_value(schema_find(section, name), &out), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    return (char *)out.data;
}

Test(schema, values_in_words)
{
    static const struct {
        enum section section;
        const char *name;
        const char *words;
    } cases[] = {
        {SECTION_JOB, "version", "1"},
        {SECTION_JOB, "order", "`input` or `completion`"},
        {SECTION_JOB, "sink", "`stdout`, `none`, or a map"},
        {SECTION_STAGE, "retries", "count (0 to 1,000) or a map"},
        {SECTION_REDUCE, "fan_in", "count (2 to 1,000,000) or `all`"},
        {SECTION_SOURCE, "data", "text or list"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *value = value_of(cases[i].section, cases[i].name);
        cr_expect_str_eq(value, cases[i].words);
        free(value);
    }
}

// Each default that the table names in words is the one that the builder sets.
Test(schema, defaults_are_the_builders)
{
    static const char text[] =
        "version: 1\nsource: {range: 1..10}\nstages: [{kernel: noop, retries: "
        "{limit: 1}}]\nreduce: {kernel: sum}\n";
    struct plan *plan = NULL;
    struct load_report report = {0};
    size_t len;
    int64_t ns;
    cr_assert_eq(load_text("job.yaml", "/", text, strlen(text), NULL, &plan, &report), 0);
    const struct step *step = &plan->steps[0];
    cr_expect_eq(plan->crash_limit,
                 atoi(schema_default(schema_find(SECTION_JOB, "crash_limit"), &len)));
    cr_expect_eq(plan->steps[1].fan_in,
                 atoi(schema_default(schema_find(SECTION_REDUCE, "fan_in"), &len)));
    cr_expect_eq(step->cpus, atof(schema_default(schema_find(SECTION_RESOURCES, "cpus"), &len)));
    cr_expect_eq(step->retry.backoff,
                 atof(schema_default(schema_find(SECTION_RETRIES, "backoff"), &len)));
    cr_assert_eq(parse_duration(schema_default(schema_find(SECTION_RETRIES, "delay"), &len), &ns),
                 0);
    cr_expect_eq(step->retry.delay_ns, ns);
    cr_assert_eq(
        parse_duration(schema_default(schema_find(SECTION_RETRIES, "max_delay"), &len), &ns), 0);
    cr_expect_eq(step->retry.max_delay_ns, ns);
    plan_free(plan);
    load_report_done(&report);
}

Test(schema, limits_are_the_machinerys)
{
    cr_expect_eq(schema_find(SECTION_CHUNK, "bytes")->max, EXTENT_BYTES_MAX);
    cr_expect_eq(schema_find(SECTION_RECORD, "header")->max, SEPARATOR_HEADER_MAX);
}

Test(schema, numbers_of_limits)
{
    static const struct {
        enum limit_unit unit;
        uint64_t number;
        const char *words;
    } cases[] = {
        {LIMIT_COUNT, 0, "0"},
        {LIMIT_COUNT, 999, "999"},
        {LIMIT_COUNT, 1000000, "1,000,000"},
        {LIMIT_BYTES, 64, "64 bytes"},
        {LIMIT_BYTES, 4096, "4 KiB"},
        {LIMIT_BYTES, 3u << 20, "3 MiB"},
        {LIMIT_BYTES, 1ull << 50, "1 PiB"},
        {LIMIT_SECONDS, 90, "90 s"},
        {LIMIT_SECONDS, 30 * 86400, "30 days"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = {0};
        cr_assert_eq(limit_number(cases[i].unit, cases[i].number, &out), 0);
        cr_assert_eq(buf_add(&out, "", 1), 0);
        cr_expect_str_eq((char *)out.data, cases[i].words);
        buf_done(&out);
    }
}

Test(schema, defaults)
{
    size_t len;
    cr_expect_str_eq(schema_default(schema_find(SECTION_JOB, "order"), &len), "input");
    cr_expect_eq(len, strlen("order of the results"));
    cr_expect_null(schema_default(schema_find(SECTION_JOB, "description"), &len));
    cr_expect_eq(len, strlen("free text, ignored"));
}

// A chunk rule counts although a key that is ignored stands beside it.
Test(schema, a_chunk_rule_beside_a_key_of_ones_own)
{
    static const char text[] = "version: 1\nsource: {range: 1..10}\nchunk: {items: 3, x-why: no}\n"
                               "stages: [{kernel: noop}]\n";
    struct plan *plan = NULL;
    struct load_report report = {0};
    cr_assert_eq(load_text("job.yaml", "/", text, strlen(text), NULL, &plan, &report), 0);
    cr_expect_eq(plan->steps[0].chunking.rule, CHUNK_ITEMS);
    cr_expect_eq(plan->steps[0].chunking.n, 3);
    plan_free(plan);
    load_report_done(&report);
}
