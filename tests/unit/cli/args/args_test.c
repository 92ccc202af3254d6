// The parser of flags, by a table that has a flag of each kind and a table shared with others.
#include "cli/args/args.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>

#include "cli/args/exit_code.h"
#include "pipelines/plan.h"

struct shared {
    const char *where;
    bool quiet;
};

struct options {
    uint64_t number, size;
    int64_t duration;
    uint32_t slots;
    unsigned word;
    int verbose;
    bool all;
    struct args_params params;
    struct args_list list;
    struct shared shared;
};

static const char *const colors[] = {"red", "green", NULL};

static const struct arg shared_flags[] = {
    {0, "where", SETS_TEXT(struct shared, where), "WHERE", ""},
    {'q', "quiet", SETS_FLAG(struct shared, quiet), NULL, ""},
    {0},
};

static const struct arg flags[] = {
    {'n', "number", SETS_NUMBER(struct options, number), "N", ""},
    {0, "size", SETS_SIZE(struct options, size), "SIZE", ""},
    {0, "time", SETS_DURATION(struct options, duration), "TIME", ""},
    {'j', "slots", SETS_SLOTS(struct options, slots), "N", ""},
    {0, "color", SETS_WORD(struct options, word), "COLOR", "", .words = colors},
    {'v', "verbose", SETS_COUNT(struct options, verbose), NULL, ""},
    {'a', "all", SETS_FLAG(struct options, all), NULL, ""},
    {'p', "param", SETS_PARAM(struct options, params), "NAME=VALUE", ""},
    {'l', "list", SETS_LIST(struct options, list), "X", ""},
    {0},
};

static const struct args plain = {
    .usage = "",
    .about = "",
    .tables = {{.list = flags}, {.list = shared_flags, .offset = offsetof(struct options, shared)}},
    .n_operands = 2,
    .n_required = 1,
    .missing = "a word is missing"};

static struct options o;
static struct word_list words;
static int status;

static int parse(const struct args *args, const char *const *argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    o = (struct options){0};
    return args_parse("test", args, &o, argc, (char **)(uintptr_t)argv, &words, &status);
}
#define PARSE(args, ...) parse(args, (const char *const[]){__VA_ARGS__, NULL})

// fanmill is not run: what it says is not looked at here, but in tests/integration/usage.sh.
static void hide(void)
{
    cr_redirect_stderr();
    cr_redirect_stdout();
}

TestSuite(args, .init = hide);

Test(args, each_kind_sets_its_member)
{
    cr_assert_eq(PARSE(&plain, "-n", "7", "--size=2K", "--time", "2m", "-j4", "--color=green",
                       "-vav", "-p", "a=b=c", "-l", "x", "-l=y", "word"),
                 0);
    cr_expect_eq(o.number, 7);
    cr_expect_eq(o.size, 2048);
    cr_expect_eq(o.duration, 120 * INT64_C(1000000000));
    cr_expect_eq(o.slots, 4);
    cr_expect_eq(o.word, 1);
    cr_expect_eq(o.verbose, 2);
    cr_expect(o.all);
    cr_assert_eq(o.params.n, 1);
    cr_expect_str_eq(o.params.list[0].name, "a");
    cr_expect_str_eq(o.params.list[0].value, "b=c");
    cr_assert_eq(o.list.n, 2);
    cr_expect_str_eq(o.list.list[1], "y");
    cr_assert_eq(words.n, 1);
    cr_expect_str_eq(words.list[0], "word");
    args_params_done(&o.params);
}

Test(args, a_shared_table_sets_the_struct_within)
{
    cr_assert_eq(PARSE(&plain, "a", "--where", "here", "-q"), 0);
    cr_expect_str_eq(o.shared.where, "here");
    cr_expect(o.shared.quiet);
}

Test(args, two_dashes_end_the_flags)
{
    cr_assert_eq(PARSE(&plain, "-", "--", "-q"), 0);
    cr_assert_eq(words.n, 2);
    cr_expect_str_eq(words.list[1], "-q");
    cr_expect_not(o.shared.quiet);
}

Test(args, mistakes)
{
    cr_expect_eq(PARSE(&plain, "w", "-n", "x"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "--size", "0"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "--time", "soon"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "-j", "0"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "--color", "blue"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "-p", "=b"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "-n"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "--all=yes"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "w", "--numbr=1"), -EINVAL);
    cr_expect_eq(PARSE(&plain, "-q"), -EINVAL); // no word
    cr_expect_eq(PARSE(&plain, "a", "b", "c"), -EINVAL);
    cr_expect_eq(status, EXIT_USAGE);
}

Test(args, help_is_no_mistake)
{
    cr_expect_eq(PARSE(&plain, "-q", "-h"), 1);
    cr_expect_eq(status, EXIT_ALL_WELL);
}

Test(args, where_a_command_of_the_users_begins_reading_ends)
{
    struct args args = plain;
    args.command_follows = true;
    args.n_required = 0;
    cr_assert_eq(PARSE(&args, "-n", "1", "ls", "-q"), 0);
    cr_expect_eq(words.rest, 2);
    cr_expect_not(o.shared.quiet);
    cr_assert_eq(PARSE(&args, "--", "-q"), 0);
    cr_expect_eq(words.rest, 1);
}

Test(args, a_command_of_ours_begins_at_the_first_word_alone)
{
    static const char *const commands[] = {"map", NULL};
    struct args args = plain;
    args.commands = commands;
    args.n_required = 0;
    cr_assert_eq(PARSE(&args, "-q", "map", "-q"), 0);
    cr_expect_eq(words.rest, 1);
    cr_assert_eq(PARSE(&args, "job.yaml", "map"), 0);
    cr_expect_eq(words.rest, 2);
    cr_expect_eq(words.n, 2);
}
