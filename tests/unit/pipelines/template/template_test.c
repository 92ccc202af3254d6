#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "pipelines/input/row.h"
#include "pipelines/plan.h"
#include "pipelines/template/template.h"

static const char *const param_names[] = {"seed", "mesh"};
static const char *const param_values[] = {"42", "dir.d/fine.tar.gz"};
static const struct template_names all = {param_names, 2, true, false, NULL};
static const struct template_names no_item = {param_names, 2, false, false, NULL};

static struct template *compiled(const char *text, enum template_mode mode,
                                 const struct template_names *names)
{
    struct template *t = NULL;
    struct err err = {{0}};
    size_t offset = 0;
    int r = template_compile(text, mode, names, &t, &err, &offset);
    cr_assert_eq(r, 0, "%s: %s", text, err.text);
    return t;
}

static void expect_word(const char *text, const char *item, const struct template_names *names,
                        const char *expected)
{
    struct template *t = compiled(text, TEMPLATE_WORD, names);
    struct buf out;
    buf_init(&out, 0);
    struct template_values values = {item, strlen(item), 17, 3, param_values, NULL};
    cr_assert_eq(template_expand(t, &values, &out), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    cr_expect_str_eq((char *)out.data, expected, "%s of '%s': '%s', not '%s'", text, item, out.data,
                     expected);
    buf_done(&out);
    template_free(t);
}

Test(template, forms_of_an_item)
{
    static const char *const cases[][3] = {
        {"{}", "a/b.c.txt", "a/b.c.txt"},
        {"{.}", "a/b.c.txt", "a/b.c"},
        {"{/}", "a/b.c.txt", "b.c.txt"},
        {"{//}", "a/b.c.txt", "a"},
        {"{/.}", "a/b.c.txt", "b.c"},
        {"{.}", "a.d/b", "a.d/b"},
        {"{..}", "a/x.tar.gz", "a/x"},
        {"{..}", "a.b/x.gz", "a.b/x.gz"},
        {"{...}", "x.1.tar.gz", "x"},
        {"{/..}", "a/x.tar.gz", "x"},
        {"{/...}", "a/x.tar.gz", "x.tar.gz"},
        {"{+/}", "a/b/x.gz", "a/b"},
        {"{+/}", "x", ""},
        {"{+/}", "/x", ""},
        {"{+.}", "a.d/x.tar.gz", "gz"},
        {"{+.}", "a.d/x", ""},
        {"{+..}", "a/x.tar.gz", "tar.gz"},
        {"{+..}", "x.gz", ""},
        {"{+...}", "x.1.tar.gz", "1.tar.gz"},
        {"{+/}/{/..}.{+..}", "a/x.tar.gz", "a/x.tar.gz"},
        {"{.}", ".hidden", ".hidden"},
        {"{/.}", "x/.hidden.txt", ".hidden"},
        {"{.}", "x.", "x"},
        {"{//}", "plain", "."},
        {"{//}", "/root", "/"},
        {"{//}", "/", "/"},
        {"{/}", "/", "/"},
        {"{/}", "dir/", "dir"},
        {"{//}", "a//b", "a"},
        {"{//}", "a/b/", "a"},
        {"{/}", "", ""},
        {"{//}", "", "."},
        {"{.}", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_word(cases[i][0], cases[i][1], &all, cases[i][2]);
}

Test(template, what_is_replaced_and_what_stays)
{
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"", ""},
        {"{}{}", "itit"},
        {"thumbs/{/.}.webp", "thumbs/it.webp"},
        {"{#}-{%}", "17-3"},
        {"{seed}", "42"},
        {"{mesh/.}", "fine.tar"},
        {"{mesh//}", "dir.d"},
        {"{mesh/}{mesh.}", "fine.tar.gzdir.d/fine.tar"},
        {"${seed}", "${seed}"},
        {"${}", "${}"},
        {"{print $1}", "{print $1}"},
        {"a{1,3}", "a{1,3}"},
        {"{1..9} {0..10..5}", "{1..9} {0..10..5}"},
        {"{{2}} {{..}} {{/9}}", "{2} {..} {/9}"},
        {"{1} {-1} {1/} {-1.}", "it it it it"},
        {"{sed}", "{sed}"},
        {"{ }", "{ }"},
        {"{", "{"},
        {"}", "}"},
        {"{}}", "it}"},
        {"{{}}", "{}"},
        {"{{#}}", "{#}"},
        {"{{seed}}", "{seed}"},
        {"{{seedy}}", "{{seedy}}"},
        {"{\"seed\":{seed}}", "{\"seed\":42}"},
        {"{{seed},{seed}}", "{42,42}"},
        {"%{http_code}", "%{http_code}"},
        {"ü{}ü", "üitü"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_word(cases[i][0], "it", &all, cases[i][1]);
    expect_word("{} {.} {/} {#} {seed}", "it", &no_item, "{} {.} {/} 17 42");
    expect_word("{{}}", "it", &no_item, "{}");
}

static char column_names[5][9] = {"file", "n", "user-id", "the name", "file.x"};
static char *columns[] = {column_names[0], column_names[1], column_names[2], column_names[3],
                          column_names[4]};
static const struct source table = {
    .kind = SOURCE_CSV,
    .rows = {.form = ROW_CSV, .delimiter = ',', .columns = columns, .n_columns = 5}};
static const struct source uncounted = {.kind = SOURCE_CSV, .rows = {.form = ROW_SPLIT}};

static void expect_row(const char *text, const struct source *source, const char *expected)
{
    static const char *const fields[] = {"dir/a.txt", "7", "it's", "", "-x y"};
    const struct template_names names = {param_names, 2, true, false, source};
    struct template *t = compiled(text, TEMPLATE_WORD, &names);
    struct row row;
    struct buf out = {0};
    row_init(&row);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(row_add(&row, fields[i], strlen(fields[i])), 0);
    struct template_values values = {"whole, row", 10, 17, 3, param_values, &row};
    cr_assert_eq(template_expand(t, &values, &out), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    cr_expect_str_eq((char *)out.data, expected, "%s: '%s', not '%s'", text, out.data, expected);
    row_done(&row);
    buf_done(&out);
    template_free(t);
}

Test(template, fields_of_a_row)
{
    static const char *const cases[][2] = {
        {"{}", "whole, row"},
        {"{1} {2}", "dir/a.txt 7"},
        {"{1.} {1/} {1//} {1/.}", "dir/a a.txt dir a"},
        {"{file} {file/} {file/.}", "dir/a.txt a.txt a"},
        {"{n}{user-id}", "7it's"},
        {"[{the name}]", "[]"},
        {"{file.x}", "-x y"}, // the longest name
        {"{seed} {mesh/}", "42 fine.tar.gz"},
        {"{-1} {-3} {-4/}", "-x y it's 7"},
        {"{{1}} {{file}}", "{1} {file}"},
        {"{nope} {the nam} ${1} ${n}", "{nope} {the nam} ${1} ${n}"},
        {"{@q} {1@q} {user-id@q} {4@q} {5@q}", "'whole, row' dir/a.txt 'it'\\''s' '' '-x y'"},
        {"{file/@q} {the name@q} {seed@q} {/@q}", "a.txt '' 42 'whole, row'"},
        {"{#@q} {%@q} {@} {@Q}", "{#@q} {%@q} {@} {@Q}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_row(cases[i][0], &table, cases[i][1]);
    expect_row("{5} {6} {4096}|{-1} {-5/} {-6}|", &uncounted, "-x y  |-x y a.txt |");
    expect_row("{1} {file}", NULL, "whole, row {file}");
}

// Each distinct placeholder of a script is one argument; quoted text is another than the plain one.
Test(template, fields_of_a_script)
{
    const struct template_names names = {param_names, 2, true, false, &table};
    struct template *t = compiled("a {1} '{1}' {1@q} {n} {file} {}", TEMPLATE_SCRIPT, &names);
    cr_expect_str_eq(template_script(t),
                     "a \"${1}\" ''\"${1}\"'' \"${2}\" \"${3}\" \"${1}\" \"${4}\"");
    cr_expect_eq(template_n_args(t), 4);
    cr_expect(template_uses_item(t));
    template_free(t);
    t = compiled("a {2}", TEMPLATE_SCRIPT, &names);
    cr_expect(template_uses_item(t));
    template_free(t);
}

Test(template, uses_item_and_constant)
{
    static const struct {
        const char *text;
        bool uses_item, constant;
    } cases[] = {{"x", false, true},      {"{}", true, false},      {"a{/.}", true, false},
                 {"{#}", false, false},   {"{seed}", false, false}, {"{{}}", false, true},
                 {"{print}", false, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct template *t = compiled(cases[i].text, TEMPLATE_WORD, &all);
        cr_expect_eq(template_uses_item(t), cases[i].uses_item, "%s", cases[i].text);
        cr_expect_eq(template_is_constant(t), cases[i].constant, "%s", cases[i].text);
        template_free(t);
        t = compiled(cases[i].text, TEMPLATE_SCRIPT, &all);
        cr_expect_eq(template_uses_item(t), cases[i].uses_item, "%s", cases[i].text);
        cr_expect_eq(template_is_constant(t), cases[i].constant, "%s", cases[i].text);
        template_free(t);
    }
    cr_assert_null(template_free(NULL));
}

Test(template, suspects)
{
    static const char *const cases[][2] = {{"{sead}", "sead"},   {"x {meshes/.} y", "meshes"},
                                           {"{print $1}", NULL}, {"{}", NULL},
                                           {"{seed}", NULL},     {"${sead}", NULL},
                                           {"{http_code}", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct template *t = compiled(cases[i][0], TEMPLATE_WORD, &all);
        const char *nearest = NULL, *suspect = template_suspect(t, &nearest);
        cr_expect_eq(suspect == NULL, cases[i][1] == NULL, "%s", cases[i][0]);
        if (suspect)
            cr_expect_str_eq(suspect, cases[i][1]);
        template_free(t);
    }
}

Test(template, scripts)
{
    static const char *const cases[][2] = {
        {"gzip -9 {} > {.}.gz", "gzip -9 \"${1}\" > \"${2}\".gz"},
        {"echo {} {} {/}", "echo \"${1}\" \"${1}\" \"${2}\""},
        {"echo \"x {} y\"", "echo \"x ${1} y\""},
        {"echo 'x {} y'", "echo 'x '\"${1}\"' y'"},
        {"echo $'x {} y'", "echo $'x '\"${1}\"$' y'"},
        {"echo \"$(cat {} \"{/}\")\"", "echo \"$(cat \"${1}\" \"${2}\")\""},
        {"echo `cat {}`", "echo `cat \"${1}\"`"},
        {"echo \"`cat {}`\" {}", "echo \"`cat \"${1}\"`\" \"${1}\""},
        {"echo ${x:-{}}", "echo ${x:-\"${1}\"}"},
        {"echo \"${x:-{}}\"", "echo \"${x:-${1}}\""},
        {"echo ${HOME} ${seed} {seed}", "echo ${HOME} ${seed} \"${1}\""},
        {"echo \\{} \\\"{}", "echo \\{} \\\"\"${1}\""},
        {"echo # don't {}\necho {}", "echo # don't {}\necho \"${1}\""},
        {"echo a#'{}'", "echo a#''\"${1}\"''"},
        {"awk '{print $1}' {}", "awk '{print $1}' \"${1}\""},
        {"find . -exec rm {{}} \\;", "find . -exec rm {} \\;"},
        {"cat <<E\n{} \"{}\"\nE\necho {}", "cat <<E\n${1} \"${1}\"\nE\necho \"${1}\""},
        {"cat <<-E\n\t{}\n\tE\necho {}", "cat <<-E\n\t${1}\n\tE\necho \"${1}\""},
        {"cat <<A <<B\n{}\nA\n{}\nB\n{}", "cat <<A <<B\n${1}\nA\n${1}\nB\n\"${1}\""},
        {"cat <<'E'\nx\nE\necho {}", "cat <<'E'\nx\nE\necho \"${1}\""},
        {"cat <<<{}", "cat <<<\"${1}\""},
        {"echo $((1 << 2)) {}", "echo $((1 << 2)) \"${1}\""},
        {"echo $((echo {}) | cat) {}", "echo $((echo \"${1}\") | cat) \"${1}\""},
        {"echo $(case x in (x) echo {};; esac)", "echo $(case x in (x) echo \"${1}\";; esac)"},
        {"{ echo {}; }", "{ echo \"${1}\"; }"},
        {"x={#} y={%}", "x=\"${1}\" y=\"${2}\""},
        {"echo '", "echo '"},
        {"echo \\", "echo \\"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct template *t = compiled(cases[i][0], TEMPLATE_SCRIPT, &all);
        cr_expect_str_eq(template_script(t), cases[i][1], "%s -> %s", cases[i][0],
                         template_script(t));
        template_free(t);
    }
    struct template *t = compiled("echo {} {seed}", TEMPLATE_SCRIPT, &no_item);
    cr_expect_str_eq(template_script(t), "echo {} \"${1}\"");
    template_free(t);
}

Test(template, refusals)
{
    char deep[200] = "";
    for (int i = 0; i < 64; i++)
        strcat(deep, "$(");
    char *long_word = calloc(1, 100);
    memcpy(long_word, "cat <<", 6);
    memset(long_word + 6, 'E', 64);
    const struct {
        const char *text, *error;
        size_t offset;
    } cases[] = {
        {"echo ${{ x }}", "placeholders are written {x}", 5},
        {"echo %{TASK_ID}", "placeholders are written {x}", 5},
        {"echo $(( {} + 1 ))",
         "a placeholder can't be used in $((...)): the shell would run its value as an expression",
         9},
        {"cat <<'E'\n{}\nE\n",
         "a placeholder can't be used in a here-document with a quoted end word", 10},
        {"cat <<\\E\n{}\nE\n",
         "a placeholder can't be used in a here-document with a quoted end word", 9},
        {"echo `x \\\\{}`", "a placeholder can't follow a backslash between backticks; use $(...)",
         10},
        {deep, "quotes and substitutions are nested more than 64 levels deep", 126},
        {long_word, "the end word of a here-document is longer than 63 bytes", 4},
        {"cat <<A <<A <<A <<A <<A <<A <<A <<A <<A", "more than 8 here-documents on one line", 36},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct template *t = NULL;
        struct err err = {{0}};
        size_t offset = 999;
        cr_expect_eq(template_compile(cases[i].text, TEMPLATE_SCRIPT, &all, &t, &err, &offset),
                     -EINVAL, "%s", cases[i].text);
        cr_expect_str_eq(err.text, cases[i].error);
        cr_expect_eq(offset, cases[i].offset, "%s: %zu", cases[i].text, offset);
        cr_expect_null(t);
    }
    free(long_word);
}

// What is made like a placeholder and is none is a mistake where there is an item.
Test(template, placeholders_that_mean_nothing)
{
    static const char *const cases[][2] = {
        {"a {2}", "{2} means nothing here: an item has no columns; it is {}; for the text itself "
                  "write {{2}}"},
        {"{-9}", "an item has no columns"},
        {"{0}", "an item has no columns"},
        {"{....}", "there is no such placeholder"},
        {"{.../}", "there is no such placeholder"},
        {"{///}", "there is no such placeholder"},
        {"{##}", "how many chunks there will be is not known beforehand"},
        {"{0#}", "numbers are not padded; try $(printf %04d {#})"},
        {"{seed} {mesh} {3.}", "{3.} means nothing"},
    };
    static const char *const fine[] = {"{print $1}", "${2}", "a{1,3}", "a{3,}", "{1..9}", "{+}",
                                       "{#!}",       "{-}",  "{%}",    "{x.y}", "{}{",    "{ 2}"};
    struct template *t = NULL;
    struct err err;
    size_t offset;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = cases[i][0];
        cr_expect_eq(template_compile(text, TEMPLATE_WORD, &all, &t, &err, &offset), -EINVAL, "%s",
                     text);
        cr_expect(strstr(err.text, cases[i][1]), "%s: %s", text, err.text);
        cr_expect_eq(template_compile(text, TEMPLATE_SCRIPT, &all, &t, &err, &offset), -EINVAL,
                     "%s", text);
        t = template_free(compiled(text, TEMPLATE_WORD, &no_item));
        const struct template_names lenient = {param_names, 2, true, true, NULL};
        t = template_free(compiled(text, TEMPLATE_WORD, &lenient));
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        t = template_free(compiled(fine[i], TEMPLATE_WORD, &all));
}

Test(template, words_of_another_tool_get_a_hint)
{
    const char *hint = NULL;
    struct template *t = compiled("x {uniq} {}", TEMPLATE_WORD, &all);
    cr_expect_str_eq(template_suspect(t, &hint), "uniq");
    cr_expect(strstr(hint, "exclude"), "%s", hint);
    template_free(t);
    t = compiled("x {= s/a/b/ =}", TEMPLATE_SCRIPT, &all);
    cr_expect_str_eq(template_suspect(t, &hint), "=");
    template_free(t);
    t = compiled("awk '{print}' {host}", TEMPLATE_SCRIPT, &no_item);
    cr_expect_null(template_suspect(t, &hint));
    template_free(t);
}

Test(template, wrong_uses)
{
    struct buf out;
    buf_init(&out, 0);
    struct template_values values = {"x", 1, 1, 1, param_values, NULL};
    struct template *t = compiled("echo {}", TEMPLATE_SCRIPT, &all);
    cr_expect_eq(template_expand(t, &values, &out), -EINVAL);
    cr_expect_eq(template_n_args(t), 1);
    cr_expect_eq(template_expand_arg(t, 1, &values, &out), -EINVAL);
    cr_expect_eq(template_expand_arg(t, 0, &values, &out), 0);
    cr_expect_eq(out.len, 1);
    template_free(t);
    t = compiled("echo {}", TEMPLATE_WORD, &all);
    cr_expect_eq(template_n_args(t), 0);
    cr_expect_null(template_script(t));
    template_free(t);
    buf_done(&out);
}

// What a shell prints for the script with this item.
static char *run_shell(const char *script, const char *item)
{
    struct template *t = compiled(script, TEMPLATE_SCRIPT, &all);
    struct template_values values = {item, strlen(item), 1, 1, param_values, NULL};
    size_t n = template_n_args(t);
    char *argv[16] = {strdup("/bin/sh"), strdup("-c"), strdup(template_script(t)),
                      strdup("fanmill")};
    cr_assert_leq(n, 10);
    for (size_t i = 0; i < n; i++) {
        struct buf arg;
        buf_init(&arg, 0);
        cr_assert_eq(template_expand_arg(t, i, &values, &arg), 0);
        argv[4 + i] = strndup((char *)arg.data, arg.len);
        buf_done(&arg);
    }
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        execv(argv[0], argv);
        _exit(127);
    }
    close(fds[1]);
    char *out = calloc(1, 4096);
    size_t len = 0;
    ssize_t got;
    while ((got = read(fds[0], out + len, 4095 - len)) > 0)
        len += (size_t)got;
    close(fds[0]);
    waitpid(pid, NULL, 0);
    for (size_t i = 0; i < 4 + n; i++)
        free(argv[i]);
    template_free(t);
    return out;
}

// In every place of a script a hostile item comes out as it is and runs nothing.
Test(template, values_are_never_code)
{
    static const char item[] = "My brother's 12\" *** $(echo pwned) `echo pwned` $$ ${HOME} \\n -- "
                               "} ; echo pwned\nE\n#end";
    static const char *const scripts[] = {
        "printf %s {}",
        "printf %s \"{}\"",
        "printf %s '{}'",
        "x=$(printf %s {}); printf %s \"$x\"",
        "x=\"$(printf %s \"{}\")\"; printf %s \"$x\"",
        "x=`printf %s {}`; printf %s \"$x\"",
        "x=\"`printf %s {}`\"; printf %s \"$x\"",
        "printf %s ${nothing:-{}}",
        "printf %s \"${nothing:-{}}\"",
        "x={}; printf %s \"$x\"",
        "# it's a trap {}\nprintf %s {}",
        "cat <<E | head -c -1\n{}\nE\n",
        "for f in {}; do printf %s \"$f\"; done",
        "case {} in {}) printf %s {};; esac",
        "f() { printf %s \"$1\"; }; f {}",
        "(printf %s {})",
        "if true; then printf %s {}; fi # don't",
        "printf %s \"$(cat <<E\n{}\nE\n)\"",
        "printf %s {} | cat",
    };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        char *out = run_shell(scripts[i], item);
        cr_expect_str_eq(out, item, "%s gave %s", scripts[i], out);
        free(out);
    }
}

Test(template, a_script_for_many_items)
{
    static const char *const cases[][2] = {
        {"rm {}", "rm \"$@\""},
        {"for x in {}; do echo {#} \"{%}\"; done",
         "for x in \"$@\"; do echo \"${FANMILL_SEQ}\" \"${FANMILL_SLOT}\"; done"},
        {"echo $(ls {})", "echo $(ls \"$@\")"},
        {"echo {{}} ${x} {print}", "echo {} ${x} {print}"},
    };
    static const char *const refused[] = {"echo \"{}\"", "echo '{}'", "echo {.}",
                                          "echo {seed}", "echo {@q}", "cat <<E\n{}\nE\n"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct template *t = compiled(cases[i][0], TEMPLATE_BATCH, &all);
        cr_expect_str_eq(template_script(t), cases[i][1]);
        cr_expect_eq(template_uses_item(t), i < 3, "%s", cases[i][0]);
        cr_expect_eq(template_is_constant(t), i == 3, "%s", cases[i][0]);
        cr_expect_eq(template_n_args(t), 0);
        template_free(t);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct template *t = NULL;
        struct err err;
        size_t offset;
        cr_expect_eq(template_compile(refused[i], TEMPLATE_BATCH, &all, &t, &err, &offset), -EINVAL,
                     "%s", refused[i]);
        cr_expect_str_eq(err.text, "a batch script takes its items as {}, outside of quotes");
    }
}
