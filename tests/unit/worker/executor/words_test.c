// The words of a command, for one item and for many.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/executor/bare.h"
#include "worker/executor/words.h"

struct items {
    const char *const *texts;
    size_t n;
    size_t repeat; // this many items, the same texts over and over; 0: each once
    int fails_at;  // 0: never
};

static int next_item(void *arg, size_t index, struct template_values *ret)
{
    const struct items *items = arg;
    if (items->fails_at && index == (size_t)items->fails_at)
        return -EBADMSG;
    if (index >= (items->repeat ? items->repeat : items->n))
        return 0;
    const char *text = items->texts[index % items->n];
    *ret = (struct template_values){
        .item = text, .item_len = strlen(text), .seq = index + 1, .slot = 2};
    return 1;
}

// A recipe of one command.
static struct recipe *recipe_of(char **words, size_t n, bool is_batch)
{
    char *shell[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, NULL};
    struct stage stage = {.kind = STAGE_COMMAND,
                          .words = words,
                          .n_words = n,
                          .is_script = n == 1,
                          .shell = n == 1 ? shell : NULL,
                          .is_batch = is_batch};
    struct step step = {.stages = &stage, .n_stages = 1, .cpus = 1, .chunking = {CHUNK_ITEMS, 1}};
    struct plan plan = {.name = (char[]){"t"},
                        .directory = (char[]){"/"},
                        .source = {.kind = SOURCE_ITEMS, .separator = {.end = "\n", .end_len = 1}},
                        .steps = &step,
                        .n_steps = 1};
    struct buf packed = {0};
    struct recipe *recipe = NULL;
    struct err err = {0};
    cr_assert_eq(plan_pack_step(&plan, 0, NULL, &packed), 0);
    cr_assert_eq(recipe_new(1, 0, packed.data, packed.len, &recipe, &err), 0, "%s", err.text);
    buf_done(&packed);
    return recipe;
}

static size_t expect_words(struct recipe *recipe, struct items *items, const char *expected)
{
    struct words w;
    char joined[512] = "";
    size_t taken = 0, len = 0;
    words_init(&w);
    cr_assert_eq(words_build(&w, &recipe->stages[0], next_item, items, &taken), 0);
    size_t n = words_count(&w);
    char **argv = words_argv(&w);
    cr_assert_not_null(argv);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(joined + len, sizeof(joined) - len, "%s|", argv[i]);
    cr_expect_null(argv[n]);
    cr_expect_str_eq(joined, expected);
    words_done(&w);
    recipe_free(recipe);
    return taken;
}

#define WORDS(...) ((char *[]){__VA_ARGS__})
#define W(text) ((char[]){text})

Test(words, one_item)
{
    struct items items = {.texts = (const char *const[]){"a b", "c"}, .n = 2};
    struct recipe *recipe = recipe_of(WORDS(W("cp"), W("{}"), W("x{.}-{#}{%}")), 3, false);
    cr_expect_eq(expect_words(recipe, &items, "cp|a b|xa b-12|"), 1);
    recipe = recipe_of(WORDS(W("echo {} {#} {}")), 1, false);
    cr_expect_eq(
        expect_words(recipe, &items, "/bin/sh|-c|echo \"${1}\" \"${2}\" \"${1}\"|fanmill|a b|1|"),
        1);
}

Test(words, many_items_repeat_the_words_that_take_them)
{
    struct items items = {.texts = (const char *const[]){"a.x", "b.y", ""}, .n = 3};
    struct recipe *recipe =
        recipe_of(WORDS(W("cp"), W("{}"), W("--"), W("<{.}>"), W("{#}")), 5, true);
    cr_expect_eq(expect_words(recipe, &items, "cp|a.x|b.y||--|<a>|<b>|<>|1|"), 3);
    recipe = recipe_of(WORDS(W("rm {}; echo {#}")), 1, true);
    cr_expect_eq(expect_words(recipe, &items,
                              "/bin/sh|-c|rm \"$@\"; echo \"${FANMILL_SEQ}\"|fanmill|a.x|b.y||"),
                 3);
    recipe = recipe_of(WORDS(W("date"), W("+%s")), 2, true);
    cr_expect_eq(expect_words(recipe, &items, "date|+%s|"), 3);
}

static int build(struct recipe *recipe, struct items *items, size_t *ret_taken, size_t *ret_bytes)
{
    struct words w;
    words_init(&w);
    int r = words_build(&w, &recipe->stages[0], next_item, items, ret_taken);
    *ret_bytes = w.text.len + words_count(&w) * sizeof(char *);
    words_done(&w);
    recipe_free(recipe);
    return r;
}

Test(words, no_more_than_fit)
{
    static char long_text[WORD_BYTES_MAX + 1];
    size_t taken = 0, bytes = 0;
    memset(long_text, 'x', 1000);
    struct items items = {.texts = (const char *const[]){long_text}, .n = 1, .repeat = 1000};
    cr_assert_eq(build(recipe_of(WORDS(W("a"), W("{}")), 2, true), &items, &taken, &bytes), 0);
    cr_expect_leq(bytes, BATCH_BYTES_MAX);
    cr_expect_geq(bytes, BATCH_BYTES_MAX - 1100);
    cr_expect_eq(taken, (BATCH_BYTES_MAX - 2 - 3 - 16) / 1009);
    cr_assert_eq(build(recipe_of(WORDS(W("a {}")), 1, true), &items, &taken, &bytes), 0);
    cr_expect_leq(bytes, BATCH_BYTES_MAX + 64);
    // One item always goes, if it can at all.
    memset(long_text, 'x', WORD_BYTES_MAX - 1);
    cr_assert_eq(build(recipe_of(WORDS(W("a"), W("{}")), 2, true), &items, &taken, &bytes), 0);
    cr_expect_eq(taken, 1);
    memset(long_text, 'x', WORD_BYTES_MAX);
    cr_expect_eq(build(recipe_of(WORDS(W("a"), W("{}")), 2, true), &items, &taken, &bytes), -E2BIG);
    cr_expect_eq(build(recipe_of(WORDS(W("a"), W("{}")), 2, false), &items, &taken, &bytes),
                 -E2BIG);
}

Test(words, what_the_items_say_is_passed_on)
{
    size_t taken = 0, bytes = 0;
    struct items items = {
        .texts = (const char *const[]){"a", "b"}, .n = 2, .repeat = 1000, .fails_at = 5};
    cr_expect_eq(build(recipe_of(WORDS(W("a"), W("{}")), 2, true), &items, &taken, &bytes),
                 -EBADMSG);
}

Test(words, a_bare_script_is_a_program_and_its_items)
{
    static const struct {
        const char *text;
        size_t n;
    } cases[] = {
        {"gzip", 1},
        {" ./a.out  {} ", 2},
        {"a+b-c_d,e:f@g% {1} {2/.}", 3},
        {"", 0},
        {"a b", 0},
        {"a;", 0},
        {"a $x", 0},
        {"a{}", 0},
        {"{} a", 0},
        {"a {}{}", 0},
        {"a '{}'", 0},
        {"~/a", 0},
        {"a=b", 0},
        {"a\nb", 0},
        {"%1", 0},
        {"exec {}", 0},
        {".", 0},
        {":", 0},
        {"a {{}}", 0},
        {"#a", 0},
        {"a {}&", 0},
        {"executor", 1},
        {"[ {} ]", 0},
        {"\xc3\xa4 {}", 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char **words;
        size_t n = 99;
        cr_assert_eq(bare_split(cases[i].text, &words, &n), 0);
        cr_expect_eq(n, cases[i].n, "'%s' is %zu words", cases[i].text, n);
        cr_expect_eq(words == NULL, n == 0);
        bare_free(words);
    }
}

Test(words, a_bare_script_goes_without_a_shell_where_its_program_is)
{
    struct items items = {.texts = (const char *const[]){"a b"}, .n = 1};
    struct recipe *recipe = recipe_of(WORDS(W("no-such-program-here {} {#}")), 1, false);
    recipe_settle(&recipe->stages[0], "/");
    expect_words(recipe, &items,
                 "/bin/sh|-c|no-such-program-here \"${1}\" \"${2}\"|fanmill|a b|1|");
    recipe = recipe_of(WORDS(W("sh {} {#}")), 1, false);
    recipe_settle(&recipe->stages[0], "/");
    expect_words(recipe, &items, "sh|a b|1|");
    recipe = recipe_of(WORDS(W("sh {} {like_this}")), 1, false);
    recipe_settle(&recipe->stages[0], "/");
    expect_words(recipe, &items, "/bin/sh|-c|sh \"${1}\" {like_this}|fanmill|a b|");
}
