// Numbers with their nouns, and lines of a terminal's width.
#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "cli/text/count.h"
#include "cli/text/fill.h"
#include "cli/text/show.h"

Test(text, one_has_no_s)
{
    cr_expect_str_eq(count(0, "chunk").text, "0 chunks");
    cr_expect_str_eq(count(1, "chunk").text, "1 chunk");
    cr_expect_str_eq(count(UINT64_MAX, "chunk").text, "18446744073709551615 chunks");
}

static const char *filled(const char *text, size_t at, size_t indent)
{
    static char ret[1024];
    struct buf out = {0};
    cr_assert_eq(fill(&out, text, at, indent), 0);
    cr_assert_lt(out.len, sizeof(ret));
    memcpy(ret, out.data, out.len);
    ret[out.len] = '\0';
    buf_done(&out);
    return ret;
}

Test(text, words_are_kept_whole)
{
    cr_expect_str_eq(filled("a bc\n", 0, 0), "a bc\n");
    cr_expect_str_eq(filled("a bc", FILL_COLUMNS - 3, 4), "a\n    bc\n");
    cr_expect_str_eq(filled("a bc", FILL_COLUMNS - 4, 4), "a bc\n");
    cr_expect_str_eq(filled("a --bc", FILL_COLUMNS - 3, 4), "a --bc\n");
}

Test(text, paragraphs_and_fixed_lines)
{
    cr_expect_str_eq(filled("a\nb\n\nc\n", 0, 0), "a b\n\nc\n");
    cr_expect_str_eq(filled("a\n  b  c\n  d\ne\n", 0, 0), "a\n  b  c\n  d\ne\n");
    cr_expect_str_eq(filled("a\n\nbc", FILL_COLUMNS - 1, 0), "a\n\nbc\n");
    cr_expect_str_eq(filled("", 0, 0), "\n");
}

static const char *elapsed(double seconds)
{
    static char ret[SHOW_DURATION_MAX];
    show_elapsed((int64_t)(seconds * 1e9), ret);
    return ret;
}

Test(text, how_long_it_took)
{
    cr_expect_str_eq(elapsed(0), "0.01 s");
    cr_expect_str_eq(elapsed(0.123), "0.12 s");
    cr_expect_str_eq(elapsed(0.999), "1.0 s");
    cr_expect_str_eq(elapsed(3.21), "3.2 s");
    cr_expect_str_eq(elapsed(59.97), "59s");
    cr_expect_str_eq(elapsed(60), "1m00s");
    cr_expect_str_eq(elapsed(7380), "2h03m");
}
