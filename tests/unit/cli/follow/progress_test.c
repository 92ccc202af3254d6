// The progress line at every width, and its object.
#include "cli/follow/progress.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

static const struct progress usual = {.name = "word-count",
                                      .id = 3,
                                      .ok = 410,
                                      .failed = 2,
                                      .running = 8,
                                      .total = 1280,
                                      .bytes = 52.3e9,
                                      .elapsed_ns = 47475 * NS_PER_MS};

static const char *line(const struct progress *p, size_t columns)
{
    static char text[PROGRESS_LINE_MAX];
    size_t n = progress_line(p, columns, text);
    cr_assert_eq(n, strlen(text));
    return text;
}

static const char *object(const struct progress *p)
{
    static char text[1024];
    struct buf out = {0};
    cr_assert_eq(progress_json(p, &out), 0);
    cr_assert_lt(out.len, sizeof(text));
    memcpy(text, out.data, out.len);
    text[out.len] = '\0';
    buf_done(&out);
    return text;
}

Test(progress, everything_when_there_is_room)
{
    cr_expect_str_eq(line(&usual, 79),
                     "word-count  412/1280  32%  8 running  2 failed  1.1 GB/s  eta 1m40s");
}

Test(progress, what_matters_least_goes_first)
{
    cr_expect_str_eq(line(&usual, 60), "word-count  412/1280  32%  8 running  2 failed  eta 1m40s");
    cr_expect_str_eq(line(&usual, 46), "word-count  412/1280  32%  2 failed  eta 1m40s");
    cr_expect_str_eq(line(&usual, 42), "word-c  412/1280  32%  2 failed  eta 1m40s");
    cr_expect_str_eq(line(&usual, 39), "412/1280  32%  2 failed  eta 1m40s");
    cr_expect_str_eq(line(&usual, 30), "412/1280  32%  2 failed");
    cr_expect_str_eq(line(&usual, 8), "412/1280");
    cr_expect_str_eq(line(&usual, 3), "412");
}

Test(progress, never_wider_than_the_terminal)
{
    struct progress p = usual;
    p.name = "a-name-of-sixty-three-letters-which-is-as-long-as-one-can-ever-b";
    p.ok = p.failed = p.running = UINT64_MAX / 4;
    for (size_t columns = 0; columns < 300; columns++)
        cr_assert_leq(strlen(line(&p, columns)), columns);
}

Test(progress, what_is_not_known_is_left_out)
{
    struct progress p = usual;
    p.total = UINT64_MAX;
    p.bytes = 0;
    p.failed = 0;
    cr_expect_str_eq(line(&p, 79), "word-count  410 chunks  8 running  8.6/s");
    p.elapsed_ns = NS_PER_S / 2;
    cr_expect_str_eq(line(&p, 79), "word-count  410 chunks  8 running");
    p.total = 410;
    p.elapsed_ns = NS_PER_S;
    cr_expect_str_eq(line(&p, 79), "word-count  410/410  100%  8 running  410/s");
}

Test(progress, rates_have_three_digits_at_most)
{
    static const struct {
        double bytes;
        const char *text;
    } rates[] = {{500, "500 B/s"},  {999.6, "1.0 kB/s"}, {9940, "9.9 kB/s"},
                 {9960, "10 kB/s"}, {340e6, "340 MB/s"}, {2.5e15, "2500 TB/s"}};
    struct progress p = {.name = "n", .ok = 1, .total = UINT64_MAX, .elapsed_ns = NS_PER_S};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        p.bytes = rates[i].bytes;
        cr_expect_str_eq(line(&p, 79) + strlen("n  1 chunk  0 running  "), rates[i].text);
    }
}

Test(progress, an_object_for_programs)
{
    struct progress p = usual;
    cr_expect_str_eq(object(&p), "{\"v\":1,\"progress\":{\"job\":\"word-count\",\"id\":3,"
                                 "\"seconds\":47.475,\"done\":412,\"total\":1280,\"running\":8,"
                                 "\"ok\":410,\"failed\":2,\"chunks_per_second\":8.678,"
                                 "\"bytes_per_second\":1101632438,\"eta_seconds\":100.020,"
                                 "\"ended\":false}}\n");
    p = (struct progress){.name = "n", .total = UINT64_MAX, .ended = true};
    cr_expect_str_eq(object(&p), "{\"v\":1,\"progress\":{\"job\":\"n\",\"id\":0,\"seconds\":0.000,"
                                 "\"done\":0,\"running\":0,\"ok\":0,\"failed\":0,"
                                 "\"chunks_per_second\":0.000,\"ended\":true}}\n");
}

Test(progress, words_in_the_order_of_the_modes)
{
    cr_expect_str_eq(progress_words[PROGRESS_AUTO], "auto");
    cr_expect_str_eq(progress_words[PROGRESS_JSON], "json");
    cr_expect_null(progress_words[PROGRESS_JSON + 1]);
}

Test(progress, a_name_is_cut_between_characters)
{
    char line[PROGRESS_LINE_MAX];
    struct progress p = {.name = "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
                         .ok = 1,
                         .total = 4};
    for (size_t columns = 4; columns < 60; columns++) {
        size_t n = progress_line(&p, columns, line);
        cr_expect_leq(n, columns);
        cr_expect(utf8_ok(line, n), "%zu columns: '%s'", columns, line);
    }
}
