#include "pipelines/json_writer.h"

#include <criterion/criterion.h>
#include <errno.h>

static void fill(struct json_writer *w)
{
    json_open(w);
    json_put_number(w, "v", 1);
    json_put_text(w, "none", NULL);
    json_put_text(w, "name", "a\"b");
    json_begin(w, "list", "[");
    json_put_text(w, NULL, "x");
    json_put_flag(w, NULL, true);
    json_end(w, "]");
    json_begin(w, "empty", "{");
    json_end(w, "}");
}

Test(json_writer, one_line)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    fill(&w);
    cr_assert_eq(json_done(&w), 0);
    buf_add(&out, "", 1);
    cr_expect_str_eq((char *)out.data,
                     "{\"v\":1,\"name\":\"a\\\"b\",\"list\":[\"x\",true],\"empty\":{}}\n");
    buf_done(&out);
}

Test(json_writer, indented)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out, .indented = true};
    fill(&w);
    cr_assert_eq(json_done(&w), 0);
    buf_add(&out, "", 1);
    cr_expect_str_eq((char *)out.data, "{\n  \"v\": 1,\n  \"name\": \"a\\\"b\",\n"
                                       "  \"list\": [\n    \"x\",\n    true\n  ],\n"
                                       "  \"empty\": {}\n}\n");
    buf_done(&out);
}

Test(json_writer, members_as_they_are_read)
{
    static const char *const expected[] = {
        "{\"a\":1,\"b\":{\"c\":[\"x, \\\\\",true],\"d\":{}},\"e\":[7]}\n",
        "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      \"x, \\\\\",\n      true\n    ],\n"
        "    \"d\": {}\n  },\n  \"e\": [\n    7\n  ]\n}\n"};
    for (int i = 0; i < 2; i++) {
        struct buf out = {0};
        struct json_writer w = {.out = &out, .indented = i == 1};
        json_open(&w);
        json_put_number(&w, "a", 1);
        json_put_members(&w, "'b': {'c': ['%s, \\', true], 'd': {}}", "x");
        json_begin(&w, "e", "[");
        json_put_members(&w, "%d", 7);
        json_end(&w, "]");
        cr_assert_eq(json_done(&w), 0);
        buf_add(&out, "", 1);
        cr_expect_str_eq((char *)out.data, expected[i]);
        buf_done(&out);
    }
}

Test(json_writer, seconds)
{
    static const struct {
        int64_t ns;
        int digits;
        const char *expected;
    } cases[] = {
        {0, 0, "{\"s\":0}\n"},
        {1999999999, 0, "{\"s\":1}\n"},
        {1999999999, 3, "{\"s\":1.999}\n"},
        {1000000, 9, "{\"s\":0.001000000}\n"},
        {-1500000000, 1, "{\"s\":-1.5}\n"},
        {INT64_MIN, 9, "{\"s\":-9223372036.854775808}\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = {0};
        struct json_writer w = {.out = &out};
        json_open(&w);
        json_put_seconds(&w, "s", cases[i].ns, cases[i].digits);
        cr_assert_eq(json_done(&w), 0);
        buf_add(&out, "", 1);
        cr_expect_str_eq((char *)out.data, cases[i].expected);
        buf_done(&out);
    }
}

Test(json_writer, bytes_that_are_not_utf8)
{
    static const char *const texts[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                                        "\xc3"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf out = {0};
        struct json_writer w = {.out = &out};
        json_open(&w);
        json_put_text(&w, "t", texts[i]);
        cr_assert_eq(json_done(&w), 0);
        cr_expect_eq(memcmp(out.data, "{\"t_base64\":\"", 13), 0, "%zu", i);
        buf_done(&out);
    }
}

Test(json_writer, the_first_error_stays)
{
    struct buf out;
    buf_init(&out, 12);
    struct json_writer w = {.out = &out};
    fill(&w);
    cr_expect_eq(json_done(&w), -ENOBUFS);
    buf_done(&out);
}
