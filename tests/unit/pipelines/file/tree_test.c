// Jobs made by hand, as the command line makes them.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/build/load.h"
#include "pipelines/file/tree.h"

struct made {
    struct arena arena;
    struct tree tree;
    struct node *root;
    struct node *stage;
};

static void make(struct made *m)
{
    *m = (struct made){0};
    m->tree.arena = &m->arena;
    m->root = tree_map(&m->tree, NULL);
    tree_put(&m->tree, m->root, "version", tree_text(&m->tree, "1", NULL));
    struct node *list = tree_put(&m->tree, m->root, "stages", tree_list(&m->tree, NULL));
    m->stage = tree_append(list, tree_map(&m->tree, NULL));
    struct node *words = tree_put(&m->tree, m->stage, "command", tree_list(&m->tree, NULL));
    tree_append(words, tree_text(&m->tree, "echo", "'echo'"));
    tree_append(words, tree_text(&m->tree, "{}\xff", "'{}\xff'"));
}

static void put_items(struct made *m)
{
    struct node *source = tree_put(&m->tree, m->root, "source", tree_map(&m->tree, NULL));
    struct node *items = tree_put(&m->tree, source, "items", tree_list(&m->tree, ":::"));
    tree_append(items, tree_data(&m->tree, "{{}} ${{x}} {#}\xfe", NULL));
}

static int load(struct made *m, const struct load_options *options, struct plan **ret,
                const char *expected)
{
    struct load_report report = {0};
    *ret = NULL;
    int r = load_tree("fanmill map", "/", m->root, options, ret, &report);
    cr_expect_eq(report.text.len, strlen(expected));
    cr_expect(report.text.len == 0 || memcmp(report.text.data, expected, report.text.len) == 0,
              "%.*s, not %s", (int)report.text.len, (char *)report.text.data, expected);
    load_report_done(&report);
    return r;
}

Test(tree, bytes_stay_as_they_are)
{
    struct made m;
    struct plan *plan;
    make(&m);
    put_items(&m);
    cr_assert_eq(load(&m, NULL, &plan, ""), 0);
    cr_expect_eq(plan->source.kind, SOURCE_ITEMS);
    cr_assert_eq(plan->source.n_texts, 1);
    cr_expect_str_eq(plan->source.texts[0], "{{}} ${{x}} {#}\xfe");
    cr_expect_str_eq(plan->steps[0].stages[0].words[1], "{}\xff");
    cr_expect_str_eq(plan->name, "fanmill-map");
    plan_free(plan);
    arena_done(&m.arena);
}

Test(tree, mistakes_are_named_by_their_label)
{
    struct made m;
    struct plan *plan;
    make(&m);
    put_items(&m);
    tree_put(&m.tree, m.stage, "timeout", tree_text(&m.tree, "5 min", "--timeout"));
    tree_put(&m.tree, m.stage, "retries", tree_text(&m.tree, "x", NULL));
    struct node *resources = tree_put(&m.tree, m.stage, "resources", tree_map(&m.tree, "the rest"));
    tree_put(&m.tree, resources, "cpus", tree_text(&m.tree, "0", NULL));
    cr_expect_eq(load(&m, NULL, &plan,
                      "fanmill map: --timeout: '5 min' is not a duration; write 5m\n"
                      "fanmill map: stages[0].retries: 'x' is not a whole number\n"
                      "fanmill map: the rest.cpus: must be greater than 0\n"),
                 -EINVAL);
    cr_expect_null(plan);
    arena_done(&m.arena);
}

Test(tree, warnings_say_so)
{
    struct made m;
    struct plan *plan;
    make(&m);
    put_items(&m);
    struct node *params = tree_put(&m.tree, m.root, "params", tree_map(&m.tree, NULL));
    tree_put(&m.tree, params, "name", tree_text(&m.tree, "v", NULL));
    tree_append(node_get(m.stage, "command"), tree_text(&m.tree, "{nmae}", "'{nmae}'"));
    cr_expect_eq(load(&m, NULL, &plan,
                      "fanmill map: warning: '{nmae}': '{nmae}' is unknown and left as it is\n"
                      "  hint: did you mean '{name}'?\n"),
                 0);
    plan_free(plan);
    arena_done(&m.arena);
}

Test(tree, a_source_that_is_given_is_moved)
{
    struct made m;
    struct plan *plan;
    struct source source = {.kind = SOURCE_RANGE, .range = {1, 1, 7}, .delimiter = '\n'};
    const struct load_options options = {.source = &source};
    make(&m);
    tree_put(&m.tree, m.root, "source", tree_map(&m.tree, NULL));
    cr_assert_eq(load(&m, &options, &plan, ""), 0);
    cr_expect_eq(plan->source.kind, SOURCE_RANGE);
    cr_expect_eq(plan->source.range.count, 7);
    cr_expect_eq(source.range.count, 0);
    cr_expect_eq(plan->steps[0].chunking.rule, CHUNK_ITEMS);
    plan_free(plan);
    arena_done(&m.arena);
}

Test(tree, a_batch_has_a_size_of_its_own)
{
    struct made m;
    struct plan *plan;
    make(&m);
    put_items(&m);
    tree_put(&m.tree, m.stage, "batch", tree_text(&m.tree, "true", "-X"));
    cr_assert_eq(load(&m, NULL, &plan, ""), 0);
    cr_expect(plan->steps[0].stages[0].is_batch);
    cr_expect_eq(plan->steps[0].chunking.n, PLAN_BATCH_ITEMS);
    plan_free(plan);
    arena_done(&m.arena);
}
