#include <criterion/criterion.h>

#include "base/roff.h"

static void expect(int (*write)(struct buf *, const char *), const char *text, const char *want)
{
    struct buf out = {0};
    cr_assert_eq(write(&out, text), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    cr_expect_str_eq((char *)out.data, want);
    buf_done(&out);
}

Test(roff, text_is_shown_as_it_reads)
{
    expect(roff_text, "plain text", "plain text");
    expect(roff_text, "--flag \\n ~ ^", "\\-\\-flag \\en \\(ti \\(ha");
    expect(roff_text, ".TH is no request. It's text", "\\&.TH is no request. It\\(aqs text");
    expect(roff_text, "'quoted'\n.x", "\\&\\(aqquoted\\(aq\n\\&.x");
    expect(roff_text, "`-p` bold", "\\fB\\-p\\fR bold");
}

Test(roff, paragraphs)
{
    expect(roff_paragraphs, "one\ntwo\n", "one\ntwo\n");
    expect(roff_paragraphs, "one\n\ntwo\n", "one\n.PP\ntwo\n");
    expect(roff_paragraphs, "head\n  a  b\n  c\nfoot\n",
           "head\n.PP\n.nf\n  a  b\n  c\n.fi\n.PP\nfoot\n");
    expect(roff_paragraphs, "  a\n", ".PP\n.nf\n  a\n.fi\n");
    expect(roff_paragraphs, "", "");
}
