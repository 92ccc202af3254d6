// Every mistake with its exact report. mistakes/*.txt hold cases: a line "=== what it is about",
// the job file, a line ">>>", the report. FM_REPORTS=1 in the environment prints new files
// with the reports of this build, for a person to read before they replace the old ones.
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "pipelines/build/load.h"

#define CASES SOURCE_DIR "/tests/unit/pipelines/mistakes"

static char directory[] = "/tmp/fanmill-mistakes-XXXXXX";
static char real_directory[256];

static void make_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_not_null(realpath(directory, real_directory));
}

static void remove_directory(void)
{
    rmdir(directory);
}

TestSuite(load_mistakes, .init = make_directory, .fini = remove_directory);

// The report, with DIRECTORY in place of the directory's real name.
static char *report_of(const char *text, size_t len, const struct load_options *options, int *ret_r)
{
    struct plan *plan = NULL;
    struct load_report report = {0};
    *ret_r = load_text("job.yaml", directory, text, len, options, &plan, &report);
    cr_assert_eq(*ret_r == -EINVAL, report.n_errors > 0);
    cr_assert_eq(plan != NULL, *ret_r == 0);
    plan_free(plan);
    cr_assert_eq(buf_add(&report.text, "", 1), 0);
    char *shown = calloc(1, report.text.len * 2 + 1), *at = shown;
    for (const char *c = (char *)report.text.data; *c;) {
        size_t n = strlen(real_directory);
        if (strncmp(c, real_directory, n) == 0) {
            at = stpcpy(at, "DIRECTORY");
            c += n;
        } else {
            *at++ = *c++;
        }
    }
    load_report_done(&report);
    return shown;
}

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f, "%s", path);
    char *text = calloc(1, 1 << 20);
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, f), 0);
    fclose(f);
    return text;
}

static size_t run_file(const char *name)
{
    char path[400];
    size_t n = 0;
    bool print = getenv("FM_REPORTS") != NULL;
    snprintf(path, sizeof(path), CASES "/%s", name);
    char *whole = read_whole(path);
    cr_assert_eq(strncmp(whole, "=== ", 4), 0, "%s", name);
    FILE *out = NULL;
    if (print) {
        snprintf(path, sizeof(path), CASES "/%s.new", name);
        out = fopen(path, "we");
    }
    for (char *at = whole, *next; at; at = next, n++) {
        int r;
        char *title = at + 4;
        char *text = strchr(title, '\n') + 1;
        char *expected = strstr(text, "\n>>>\n");
        cr_assert_not_null(expected, "%s: %s", name, title);
        text[-1] = '\0';
        next = strstr(expected, "\n=== ");
        if (next)
            *next++ = '\0';
        char *got = report_of(text, (size_t)(expected + 1 - text), NULL, &r);
        expected[1] = '\0';
        expected += strlen("\n>>>\n");
        size_t len = strlen(got);
        if (len > 0 && got[len - 1] == '\n' && next)
            got[len - 1] = '\0';
        if (out)
            fprintf(out, "=== %s\n%s>>>\n%s%s", title, text, got, next ? "\n" : "");
        else
            cr_expect_str_eq(got, expected, "%s: %s:\n%s\nnot\n%s", name, title, got, expected);
        free(got);
    }
    if (out)
        fclose(out);
    free(whole);
    return n;
}

Test(load_mistakes, all_reports)
{
    DIR *dir = opendir(CASES);
    struct dirent *entry;
    size_t n = 0;
    cr_assert_not_null(dir);
    while ((entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0)
            n += run_file(entry->d_name);
    }
    closedir(dir);
    cr_assert_geq(n, 60);
}
