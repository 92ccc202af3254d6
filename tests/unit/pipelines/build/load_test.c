// Jobs that load: what their plans say.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "pipelines/build/load.h"
#include "pipelines/file/yaml.h"
#include "pipelines/input/matrix.h"

static char directory[] = "/tmp/fanmill-load-XXXXXX";

static void make_directory(void)
{
    char path[128];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/libpi.so", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void remove_directory(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/libpi.so", directory);
    unlink(path);
    rmdir(directory);
}

TestSuite(load, .init = make_directory, .fini = remove_directory);

static struct plan *loaded(const char *text, const struct load_options *options, size_t n_warnings)
{
    struct plan *plan = NULL;
    struct load_report report = {0};
    int r = load_text("job.yaml", directory, text, strlen(text), options, &plan, &report);
    cr_assert_eq(r, 0, "%s: %d %.*s", text, r, (int)report.text.len, (char *)report.text.data);
    cr_expect_eq(report.n_warnings, n_warnings, "%s: %.*s", text, (int)report.text.len,
                 (char *)report.text.data);
    load_report_done(&report);
    return plan;
}

#define HEAD "version: 1\nsource: {range: 1..10}\n"

Test(load, the_least_job)
{
    struct plan *plan = loaded(HEAD "stages: [{kernel: noop}]\n", NULL, 0);
    char *real = realpath(directory, NULL);
    cr_expect_str_eq(plan->name, "job");
    cr_expect_str_eq(plan->directory, real);
    free(real);
    cr_expect_eq(plan->source.kind, SOURCE_RANGE);
    cr_expect_eq(plan->source.range.start, 1);
    cr_expect_eq(plan->source.range.step, 1);
    cr_expect_eq(plan->source.range.count, 10);
    cr_assert_eq(plan->n_steps, 1);
    cr_expect_eq(plan->steps[0].chunking.rule, CHUNK_AUTO);
    cr_expect_eq(plan->steps[0].retry.limit, 0);
    cr_expect_eq(plan->steps[0].retry.delay_ns, 1000000000);
    cr_expect(plan->steps[0].retry.backoff == 2);
    cr_expect_eq(plan->steps[0].retry.max_delay_ns, 60000000000);
    cr_expect(plan->steps[0].cpus == 1);
    cr_expect_eq(plan->steps[0].memory_bytes, 0);
    cr_expect_eq(plan->steps[0].stages[0].kind, STAGE_KERNEL);
    cr_expect_null(plan->steps[0].stages[0].library);
    cr_expect_str_eq(plan->steps[0].stages[0].function, "noop");
    cr_expect_eq(plan->sink.kind, SINK_STDOUT);
    cr_expect_eq(plan->sink.format, FORMAT_RAW);
    cr_expect_eq(plan->order, ORDER_INPUT);
    cr_expect_eq(plan->on_error, ON_ERROR_CONTINUE);
    cr_expect_eq(plan->max_failures, UINT64_MAX);
    cr_expect_eq(plan->max_failures_bp, 0);
    cr_expect_eq(plan->crash_limit, 5);
    cr_expect_eq(plan->parallelism, 0);
    plan_free(plan);
}

static char *example(const char *name, size_t *ret_len)
{
    char path[256], *text = calloc(1, YAML_TEXT_MAX);
    snprintf(path, sizeof(path), SOURCE_DIR "/tests/unit/pipelines/jobs/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", path);
    ssize_t n = read(fd, text, YAML_TEXT_MAX - 1);
    cr_assert_gt(n, 0);
    close(fd);
    *ret_len = (size_t)n;
    return text;
}

Test(load, example_word_count)
{
    size_t len;
    char *text = example("word-count.yaml", &len);
    struct plan *plan = loaded(text, NULL, 0);
    cr_expect_str_eq(plan->name, "word-count");
    cr_expect_eq(plan->source.kind, SOURCE_DATA);
    cr_expect_str_eq(plan->source.texts[0], "corpus/**/*.txt");
    cr_expect(plan->source.separator.end_len == 1 && plan->source.separator.end[0] == '\n');
    cr_assert_eq(plan->n_steps, 2);
    cr_expect_eq(plan->steps[0].chunking.rule, CHUNK_BYTES);
    cr_expect_eq(plan->steps[0].chunking.n, 8 << 20);
    const struct stage *stage = &plan->steps[0].stages[0];
    cr_expect_eq(stage->kind, STAGE_PIPE);
    cr_expect(stage->is_script);
    cr_expect_str_eq(stage->words[0], "tr -cs '[:alnum:]' '\\n' | LC_ALL=C sort | uniq -c");
    cr_expect_str_eq(stage->shell[0], "/bin/sh");
    cr_expect_str_eq(stage->shell[1], "-c");
    cr_expect_null(stage->shell[2]);
    cr_expect(plan->steps[1].is_reduce);
    cr_expect_eq(plan->steps[1].fan_in, 16);
    cr_expect_eq(plan->sink.kind, SINK_FILE);
    cr_expect_str_eq(plan->sink.path, "counts.txt");
    plan_free(plan);
    free(text);
}

Test(load, example_thumbnails)
{
    size_t len;
    char *text = example("thumbnails.yaml", &len);
    struct plan *plan = loaded(text, NULL, 0);
    cr_expect_eq(plan->source.kind, SOURCE_FILES);
    cr_expect_eq(plan->source.n_texts, 2);
    cr_expect_str_eq(plan->source.texts[1], "!photos/**/*.thumb.jpg");
    const struct step *step = &plan->steps[0];
    cr_expect_eq(step->chunking.rule, CHUNK_ITEMS);
    cr_expect_eq(step->chunking.n, 1);
    cr_expect_eq(step->retry.limit, 1);
    cr_expect_eq(step->memory_bytes, 512ull << 20);
    cr_expect_not(step->stages[0].is_script);
    cr_expect_eq(step->stages[0].n_words, 5);
    cr_expect_str_eq(step->stages[0].words[4], "thumbs/{/.}.webp");
    cr_expect_null(step->stages[0].shell);
    cr_expect_eq(step->stages[0].timeout_ns, 30000000000);
    cr_expect_eq(step->stages[0].leftovers, LEFTOVERS_KEEP_FOREVER);
    cr_expect_eq(step->stages[0].leftovers_wait_ns, PLAN_LEFTOVERS_NS);
    cr_expect_eq(plan->max_failures_bp, 500);
    cr_expect_eq(plan->sink.kind, SINK_NONE);
    plan_free(plan);
    free(text);
}

Test(load, example_pi)
{
    size_t len;
    char *text = example("pi.yaml", &len), library[300];
    struct plan_pair given[] = {{strdup("seed"), strdup("6")}, {strdup("seed"), strdup("7")}};
    struct load_options options = {.params = given, .n_params = 2, .parallelism = 3};
    struct plan *plan = loaded(text, &options, 0);
    const struct stage *stage = &plan->steps[0].stages[0];
    snprintf(library, sizeof(library), "%s/libpi.so", plan->directory);
    cr_expect_str_eq(stage->library, library);
    cr_expect_str_eq(stage->function, "count_inside");
    cr_assert_eq(stage->n_args, 2);
    cr_expect_str_eq(stage->args[0].value, "1000000");
    cr_expect_str_eq(stage->args[1].name, "seed");
    cr_expect_str_eq(stage->args[1].value, "7");
    cr_expect_str_eq(plan->steps[1].stages[0].function, "sum_u64");
    cr_expect_eq(plan->steps[1].fan_in, 32);
    cr_expect_eq(plan->sink.format, FORMAT_JSON);
    cr_expect_eq(plan->parallelism, 3);
    plan_free(plan);
    free(text);
    for (int i = 0; i < 2; i++) {
        free(given[i].name);
        free(given[i].value);
    }
}

Test(load, example_logs)
{
    size_t len;
    char *text = example("logs.yaml", &len);
    struct plan *plan = loaded(text, NULL, 0);
    cr_expect_eq(plan->n_steps, 2);
    cr_expect_eq(plan->steps[0].n_stages, 2);
    cr_expect_eq(plan->steps[0].chunking.rule, CHUNK_LINES);
    cr_expect_eq(plan->steps[0].chunking.n, 500000);
    cr_expect_str_eq(plan->steps[0].stages[0].name, "grep");
    cr_expect_str_eq(plan->steps[0].stages[0].words[0],
                     "LC_ALL=C grep -F ' 500 ' || test $? = 1   # no match is not a failure\n");
    cr_expect_eq(plan->steps[1].fan_in, PLAN_FAN_IN_ALL);
    plan_free(plan);
    free(text);
}

Test(load, example_sweep)
{
    size_t len;
    char *text = example("sweep.yaml", &len);
    cr_assert_gt(len, 0);
    struct plan *plan = loaded(text, NULL, 0);
    cr_assert_eq(plan->source.kind, SOURCE_MATRIX);
    const struct matrix *m = plan->source.matrix;
    cr_expect_eq(matrix_count(m), 3 * 2 * 20 - 20 + 1);
    cr_expect_eq(matrix_n_columns(m), 3);
    struct buf out = {0};
    cr_assert_eq(matrix_text(m, 0, &out), 0);
    cr_assert_eq(buf_add(&out, ";", 1), 0);
    cr_assert_eq(matrix_text(m, 100, &out), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    cr_expect_str_eq((char *)out.data, "0.1 coarse 1;0.05 fine 1");
    cr_expect_str_eq(plan->sink.name, "{mesh}-{viscosity}-{seed}.txt");
    cr_expect_eq(plan->steps[0].retry.limit, 2);
    buf_done(&out);
    plan_free(plan);
    free(text);
}
