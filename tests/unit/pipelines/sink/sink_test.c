// Sinks: what is written where, and that nothing half-written is taken for a result.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "pipelines/sink/part.h"
#include "pipelines/sink/record_json.h"
#include "pipelines/sink/sink.h"

static char directory[] = "/tmp/fanmill-sink-XXXXXX";

static void make_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    cr_assert_eq(system(command), 0);
}

TestSuite(sink, .init = make_directory, .fini = remove_directory);

struct catch
{
    struct buf text;
    size_t calls;
    int fails;
};

static int catch_text(void *arg, const void *data, size_t len)
{
    struct catch *c = arg;
    c->calls++;
    return c->fails ? c->fails : buf_add(&c->text, data, len);
}

static struct record record_of(const char *text, struct slice *part, uint64_t chunk,
                               const char *item)
{
    *part = (struct slice){.data = (const uint8_t *)text, .len = strlen(text)};
    return (struct record){.offset = chunk,
                           .chunk = chunk,
                           .item_first = chunk,
                           .attempt = 1,
                           .outcome = "ok",
                           .parts = part,
                           .n_parts = 1,
                           .item = item,
                           .item_len = item ? strlen(item) : 0,
                           .start_ns = 1700000000000123456,
                           .run_ns = 1500000000,
                           .worker = "w"};
}

static struct plan plan_of(enum sink_kind kind, enum sink_format format, const char *path,
                           const char *name, enum if_exists if_exists)
{
    static char path_copy[256], name_copy[256];
    snprintf(path_copy, sizeof(path_copy), "%s", path ? path : "");
    snprintf(name_copy, sizeof(name_copy), "%s", name ? name : "");
    return (struct plan){.directory = directory,
                         .sink = {.kind = kind,
                                  .format = format,
                                  .if_exists = if_exists,
                                  .path = path_copy,
                                  .name = name_copy}};
}

static int write_one(struct sink_writer *sink, const char *text, uint64_t chunk, const char *item,
                     struct err *err)
{
    struct slice part;
    struct record record = record_of(text, &part, chunk, item);
    return sink_write(sink, &record, err);
}

static void expect_file(const char *path, const char *text)
{
    char got[256] = "";
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f, "%s: %s", path, strerror(errno));
    size_t n = fread(got, 1, sizeof(got) - 1, f);
    got[n] = '\0';
    fclose(f);
    cr_expect_str_eq(got, text, "%s holds %s", path, got);
}

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static int files_here(void)
{
    FILE *f = popen("ls -A | wc -l", "re");
    int n = -1;
    cr_assert_eq(fscanf(f, "%d", &n), 1);
    pclose(f);
    return n;
}

Test(sink, standard_output_is_written_when_it_is_flushed)
{
    struct plan plan = plan_of(SINK_STDOUT, FORMAT_RAW, NULL, NULL, EXISTS_OVERWRITE);
    struct catch out = {0};
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, catch_text, &out, &sink, &err), 0);
    cr_assert_eq(write_one(sink, "one\n", 0, NULL, &err), 0);
    cr_assert_eq(write_one(sink, "two\n", 1, NULL, &err), 0);
    cr_expect_eq(out.calls, 0, "small results are collected");
    cr_assert_eq(sink_flush(sink, &err), 0);
    cr_expect_eq(out.calls, 1);
    cr_assert_eq(sink_flush(sink, &err), 0);
    cr_expect_eq(out.calls, 1, "nothing is nothing to write");
    char *large = malloc(200001);
    memset(large, 'x', 200000);
    large[200000] = '\0';
    cr_assert_eq(write_one(sink, "three\n", 2, NULL, &err), 0);
    cr_assert_eq(write_one(sink, large, 3, NULL, &err), 0);
    cr_expect_eq(out.text.len, 8 + 6 + 200000);
    cr_expect_arr_eq(out.text.data, "one\ntwo\nthree\nxx", 16);
    free(large);
    cr_assert_eq(sink_finish(sink, &err), 0);
    sink_close(sink);
    buf_done(&out.text);
}

Test(sink, a_failed_chunk_has_no_bytes_in_a_raw_sink)
{
    struct plan plan = plan_of(SINK_STDOUT, FORMAT_RAW, NULL, NULL, EXISTS_OVERWRITE);
    struct catch out = {0};
    struct sink_writer *sink;
    struct err err = {0};
    struct slice part;
    struct record record = record_of("partial", &part, 0, NULL);
    record.outcome = "exit";
    record.error = "it failed";
    cr_assert_eq(sink_open(&plan, catch_text, &out, &sink, &err), 0);
    cr_assert_eq(sink_write(sink, &record, &err), 0);
    cr_assert_eq(sink_finish(sink, &err), 0);
    cr_expect_eq(out.text.len, 0);
    sink_close(sink);
}

Test(sink, a_reader_that_went_away_is_told)
{
    struct plan plan = plan_of(SINK_STDOUT, FORMAT_RAW, NULL, NULL, EXISTS_OVERWRITE);
    struct catch out = {.fails = -EPIPE};
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, catch_text, &out, &sink, &err), 0);
    cr_assert_eq(write_one(sink, "one\n", 0, NULL, &err), 0);
    cr_expect_eq(sink_flush(sink, &err), -EPIPE);
    cr_expect_str_eq(err.text, "standard output: Broken pipe");
    sink_close(sink);
}

Test(sink, a_file_is_there_when_it_is_finished_and_not_before)
{
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, "out.txt", NULL, EXISTS_OVERWRITE);
    struct sink_writer *sink;
    struct err err = {0};
    put_file("out.txt", "old");
    chmod("out.txt", 0640);
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    cr_assert_eq(write_one(sink, "new", 0, NULL, &err), 0);
    cr_assert_eq(sink_flush(sink, &err), 0);
    expect_file("out.txt", "old");
    cr_assert_eq(sink_finish(sink, &err), 0);
    sink_close(sink);
    expect_file("out.txt", "new");
    struct stat st;
    stat("out.txt", &st);
    cr_expect_eq(st.st_mode & 0777, 0640);
    cr_expect_eq(files_here(), 1);
}

Test(sink, an_unfinished_file_is_removed)
{
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, "out.txt", NULL, EXISTS_OVERWRITE);
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    cr_assert_eq(write_one(sink, "half", 0, NULL, &err), 0);
    cr_expect_leq(files_here(), 1, "without a name, or hidden");
    cr_expect_neq(access("out.txt", F_OK), 0);
    sink_close(sink);
    cr_expect_eq(files_here(), 0);
}

Test(sink, parts_of_the_dead_are_cleared_and_no_others)
{
    char host[33] = "", dead[128], mine[128];
    gethostname(host, 32);
    host[strcspn(host, ".")] = '\0';
    _free_ char *own = part_name("out.txt", 0);
    snprintf(mine, sizeof(mine), "%s", own);
    const char *keep[] = {mine, ".out.txt.part", ".out.txt.elsewhere.99.1.part", ".other.part",
                          "out.part"};
    // Our own number, but another start: somebody else had the number before.
    char *at = strstr(own, ".part");
    cr_assert_not_null(at);
    snprintf(dead, sizeof(dead), "%.*s9.part", (int)(at - own), own);
    put_file(dead, "half");
    for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
        put_file(keep[i], "x");
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, "out.txt", NULL, EXISTS_OVERWRITE);
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0, "%s", err.text);
    cr_expect_neq(access(dead, F_OK), 0);
    for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
        cr_expect_eq(access(keep[i], F_OK), 0, "%s", keep[i]);
    sink_close(sink);
}

Test(sink, what_is_no_file_is_written_in_place)
{
    struct sink_writer *sink;
    struct err err = {0};
    char text[8] = "", path[32];
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, path, NULL, EXISTS_OVERWRITE);
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0, "%s", err.text);
    cr_expect_eq(write_one(sink, "to a pipe", 0, NULL, &err), 0);
    cr_expect_eq(sink_finish(sink, &err), 0, "%s", err.text);
    sink_close(sink);
    cr_expect_eq(read(ends[0], text, 4), 4);
    cr_expect_str_eq(text, "to a");
    plan = plan_of(SINK_FILE, FORMAT_RAW, "/dev/null", NULL, EXISTS_OVERWRITE);
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0, "%s", err.text);
    cr_expect_eq(sink_finish(sink, &err), 0, "%s", err.text);
    sink_close(sink);
    // What is led to a file goes on where that is.
    put_file("log", "");
    int log = open("log", O_RDWR | O_APPEND);
    dprintf(log, "before ");
    snprintf(path, sizeof(path), "/dev/fd/%d", log);
    plan = plan_of(SINK_FILE, FORMAT_RAW, path, NULL, EXISTS_OVERWRITE);
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0, "%s", err.text);
    cr_expect_eq(write_one(sink, "after", 0, NULL, &err), 0);
    cr_expect_eq(sink_finish(sink, &err), 0, "%s", err.text);
    sink_close(sink);
    expect_file("log", "before after");
}

Test(sink, no_link_below_a_folder_is_followed)
{
    struct plan plan = plan_of(SINK_DIR, FORMAT_RAW, "d", "{}", EXISTS_OVERWRITE);
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(mkdir("d", 0777), 0);
    cr_assert_eq(mkdir("away", 0777), 0);
    cr_assert_eq(symlink("../away", "d/a"), 0);
    put_file("theirs", "old");
    cr_assert_eq(symlink("../theirs", "d/b"), 0);
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    cr_expect_eq(write_one(sink, "X", 0, "a/x", &err), -ENOTDIR, "%s", err.text);
    cr_expect_neq(access("away/x", F_OK), 0);
    cr_expect_eq(write_one(sink, "X", 1, "b", &err), 0, "%s", err.text);
    expect_file("theirs", "old");
    expect_file("d/b", "X");
    sink_close(sink);
}

Test(sink, nothing_is_written_behind_a_fence)
{
    char real[PATH_MAX];
    cr_assert_not_null(realpath(".", real));
    const char *const fences[] = {real, NULL};
    struct sink_writer *sink;
    struct err err = {0};
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, "out.txt", NULL, EXISTS_OVERWRITE);
    plan.fences = fences;
    cr_expect_eq(sink_open(&plan, NULL, NULL, &sink, &err), -EACCES);
    struct plan folder = plan_of(SINK_DIR, FORMAT_RAW, "d", "{#}", EXISTS_OVERWRITE);
    folder.fences = fences;
    cr_expect_eq(sink_open(&folder, NULL, NULL, &sink, &err), -EACCES);
    cr_expect_not_null(strstr(err.text, "may not touch"));
}

Test(sink, what_if_the_file_exists)
{
    struct sink_writer *sink;
    struct err err = {0};
    put_file("out.txt", "old ");
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, "out.txt", NULL, EXISTS_ERROR);
    cr_expect_eq(sink_open(&plan, NULL, NULL, &sink, &err), -EEXIST);
    cr_expect_not_null(strstr(err.text, "out.txt"));
    cr_expect_null(sink);
    plan.sink.if_exists = EXISTS_SKIP;
    cr_expect_eq(sink_open(&plan, NULL, NULL, &sink, &err), 1);
    cr_expect_null(sink);
    plan.sink.if_exists = EXISTS_APPEND;
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    cr_assert_eq(write_one(sink, "new", 0, NULL, &err), 0);
    cr_assert_eq(sink_finish(sink, &err), 0);
    sink_close(sink);
    expect_file("out.txt", "old new");
}

Test(sink, a_target_made_meanwhile_is_not_overwritten)
{
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, "out.txt", NULL, EXISTS_ERROR);
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    put_file("out.txt", "theirs");
    cr_expect_eq(sink_finish(sink, &err), -EEXIST);
    sink_close(sink);
    expect_file("out.txt", "theirs");
    cr_expect_eq(files_here(), 1);
}

Test(sink, a_link_stays_a_link_and_a_device_a_device)
{
    struct plan plan = plan_of(SINK_FILE, FORMAT_RAW, "link", NULL, EXISTS_OVERWRITE);
    struct sink_writer *sink;
    struct err err = {0};
    put_file("real", "old");
    cr_assert_eq(symlink("real", "link"), 0);
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    cr_assert_eq(write_one(sink, "new", 0, NULL, &err), 0);
    cr_assert_eq(sink_finish(sink, &err), 0);
    sink_close(sink);
    expect_file("real", "new");
    struct stat st;
    cr_assert_eq(lstat("link", &st), 0);
    cr_expect(S_ISLNK(st.st_mode));
    plan = plan_of(SINK_FILE, FORMAT_RAW, "/dev/full", NULL, EXISTS_OVERWRITE);
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    cr_assert_eq(write_one(sink, "new", 0, NULL, &err), 0);
    cr_expect_eq(sink_finish(sink, &err), -ENOSPC);
    cr_expect_str_eq(err.text, "'/dev/full': No space left on device");
    sink_close(sink);
}

Test(sink, a_directory_gets_a_file_for_each_record)
{
    struct plan plan = plan_of(SINK_DIR, FORMAT_RAW, "d", "{/.}-{#}.txt", EXISTS_OVERWRITE);
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0, "%s", err.text);
    cr_assert_eq(write_one(sink, "A", 0, "x/a.jpg", &err), 0, "%s", err.text);
    cr_assert_eq(write_one(sink, "B", 1, "x/b.jpg", &err), 0);
    cr_assert_eq(sink_finish(sink, &err), 0);
    sink_close(sink);
    expect_file("d/a-1.txt", "A");
    expect_file("d/b-2.txt", "B");
}

Test(sink, no_name_leads_out_of_the_directory)
{
    struct plan plan = plan_of(SINK_DIR, FORMAT_RAW, "d", "{}", EXISTS_OVERWRITE);
    const char *const bad[] = {"../x", "/tmp/x", "a/../../x", "..", "a/", "", "."};
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(write_one(sink, "X", i, bad[i], &err), -EPERM, "'%s'", bad[i]);
    cr_expect_eq(write_one(sink, "X", 9, "a/b/..c", &err), 0, "%s", err.text);
    expect_file("d/a/b/..c", "X");
    sink_close(sink);
}

Test(sink, two_results_under_one_name_are_an_error)
{
    struct plan plan = plan_of(SINK_DIR, FORMAT_RAW, "d", "{/}", EXISTS_OVERWRITE);
    struct sink_writer *sink;
    struct err err = {0};
    cr_assert_eq(sink_open(&plan, NULL, NULL, &sink, &err), 0);
    put_file("d/same", "of an earlier job");
    cr_expect_eq(write_one(sink, "X", 0, "a/same", &err), 0, "%s", err.text);
    cr_expect_eq(write_one(sink, "X", 1, "b/same", &err), -EEXIST);
    cr_expect_not_null(strstr(err.text, "two results"));
    sink_close(sink);
}

static const char *json_of(const struct record *record)
{
    static struct buf out;
    buf_clear(&out);
    cr_assert_eq(record_json(&out, record), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    return (const char *)out.data;
}

Test(sink, json_is_one_line_with_everything)
{
    struct slice part;
    struct record record = record_of("a\"b\\\n\x01", &part, 7, "it\tem");
    record.maxrss_bytes = UINT64_MAX;
    cr_expect_str_eq(json_of(&record),
                     "{\"v\":1,\"seq\":8,\"offset\":7,\"step\":0,\"chunk\":7,\"item\":\"it\\tem\","
                     "\"outcome\":\"ok\",\"exit\":0,\"signal\":null,\"attempts\":1,"
                     "\"start\":1700000000.000123,\"seconds\":1.500000000,"
                     "\"maxrss\":18446744073709551615,\"worker\":\"w\","
                     "\"stdout\":\"a\\\"b\\\\\\n\\u0001\",\"stderr\":\"\"}\n");
}

Test(sink, json_of_bytes_that_are_no_text)
{
    struct slice part[2] = {{.data = (const uint8_t *)"\xff\x00", .len = 2},
                            {.data = (const uint8_t *)"x", .len = 1}};
    struct record record = record_of("", &part[0], 0, NULL);
    part[0] = (struct slice){.data = (const uint8_t *)"\xff\x00", .len = 2};
    record.n_parts = 2;
    cr_expect_not_null(strstr(json_of(&record), "\"stdout_base64\":\"/wB4\",\"stderr\":"));
    record.n_parts = 1;
    cr_expect_not_null(strstr(json_of(&record), "\"stdout_base64\":\"/wA=\",\"stderr\":"));
    part[0].len = 1;
    cr_expect_not_null(strstr(json_of(&record), "\"stdout_base64\":\"/w==\",\"stderr\":"));
    part[0] = (struct slice){.data = (const uint8_t *)"gr\xc3\xbc\xc3\x9f", .len = 6};
    cr_expect_not_null(strstr(json_of(&record), "\"stdout\":\"gr\xc3\xbc\xc3\x9f\",\"stderr\":"));
    part[0] = (struct slice){.data = (const uint8_t *)"a\0b", .len = 3};
    cr_expect_not_null(strstr(json_of(&record), "\"stdout\":\"a\\u0000b\",\"stderr\":"));
}

Test(sink, json_tells_of_failures)
{
    struct plan plan = plan_of(SINK_STDOUT, FORMAT_JSON, NULL, NULL, EXISTS_OVERWRITE);
    struct catch out = {0};
    struct sink_writer *sink;
    struct err err = {0};
    struct slice part;
    struct record record = record_of("", &part, 3, NULL);
    record.outcome = "exit";
    record.exit = 4;
    record.error = "it failed";
    const struct slice errors[] = {{.data = (const uint8_t *)"o", .len = 1},
                                   {.data = (const uint8_t *)"h\n", .len = 2}};
    record.errors = errors;
    record.n_errors = 2;
    cr_assert_eq(sink_open(&plan, catch_text, &out, &sink, &err), 0);
    cr_assert_eq(sink_write(sink, &record, &err), 0);
    cr_assert_eq(sink_finish(sink, &err), 0);
    buf_add(&out.text, "", 1);
    cr_expect_str_eq((char *)out.text.data,
                     "{\"v\":1,\"seq\":4,\"offset\":3,\"step\":0,\"chunk\":3,\"outcome\":\"exit\","
                     "\"exit\":4,\"signal\":null,\"error\":\"it failed\",\"attempts\":1,"
                     "\"start\":1700000000.000123,\"seconds\":1.500000000,\"worker\":\"w\","
                     "\"stdout\":\"\",\"stderr\":\"oh\\n\"}\n");
    sink_close(sink);
    buf_done(&out.text);
}

Test(sink, json_of_a_signal_and_of_a_kernel)
{
    struct slice part;
    struct record record = record_of("", &part, 0, NULL);
    record.outcome = "signal";
    record.exit = -1;
    record.signal = 9;
    cr_expect_not_null(
        strstr(json_of(&record), "\"outcome\":\"signal\",\"exit\":null,\"signal\":9,"));
    record.outcome = "kernel";
    record.signal = 0;
    record.code = -22;
    record.start_ns = 0;
    cr_expect_not_null(strstr(json_of(&record), "\"exit\":null,\"signal\":null,\"code\":-22,"
                                                "\"attempts\":1,\"seconds\""));
}
