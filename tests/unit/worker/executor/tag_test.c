#include <criterion/criterion.h>
#include <string.h>

#include "worker/executor/tag.h"

static void expect(const char *text, const char *tag, const char *expected)
{
    struct buf out;
    buf_init(&out, 0);
    cr_assert_eq(buf_add_str(&out, "before\n"), 0);
    cr_assert_eq(buf_add_str(&out, text), 0);
    cr_assert_eq(tag_lines(&out, 7, tag, strlen(tag)), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    cr_expect_str_eq((char *)out.data + 7, expected);
    cr_expect(memcmp(out.data, "before\n", 7) == 0);
    buf_done(&out);
}

Test(tag, each_line)
{
    expect("", "t", "");
    expect("a\n", "t", "t\ta\n");
    expect("a", "t", "t\ta");
    expect("\n\nb", "t u", "t u\t\nt u\t\nt u\tb");
    expect("a\nb\n", "new\nline\tx", "new?line?x\ta\nnew?line?x\tb\n");
}

Test(tag, not_past_the_limit)
{
    struct buf out;
    buf_init(&out, 64);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(buf_add_str(&out, "a\n"), 0);
    cr_expect_lt(tag_lines(&out, 0, "long", 4), 0);
    buf_done(&out);
}
