// Which bytes are a character: the first and the last of each length, and what only looks like one.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
    const char *text;
    uint32_t code;
} good[] = {
    {"\x01", 0x1},
    {"\x7f", 0x7f},
    {"\xc2\x80", 0x80},
    {"\xdf\xbf", 0x7ff},
    {"\xe0\xa0\x80", 0x800},
    {"\xed\x9f\xbf", 0xd7ff},
    {"\xee\x80\x80", 0xe000},
    {"\xef\xbf\xbf", 0xffff},
    {"\xf0\x90\x80\x80", 0x10000},
    {"\xf4\x8f\xbf\xbf", 0x10ffff},
};

static const char *const bad[] = {
    "\x80",             // goes on with nothing
    "\xc1\xbf",         // fits into one byte
    "\xe0\x9f\xbf",     // fits into two
    "\xf0\x8f\xbf\xbf", // fits into three
    "\xed\xa0\x80",     // half of a pair of UTF-16
    "\xed\xbf\xbf",
    "\xf4\x90\x80\x80", // after the last character
    "\xf5\x80\x80\x80",
    "\xff",
    "\xe2\x28\xa1", // its second byte does not go on
};

Test(utf8, characters_are_read_whole_and_not_further)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t len = strlen(good[i].text);
        char more[8] = "";
        uint32_t code = 0;
        memcpy(more, good[i].text, len);
        more[len] = 'x';
        cr_expect_eq(utf8_read(more, len + 1, &code), len, "U+%x", good[i].code);
        cr_expect_eq(code, good[i].code, "U+%x", good[i].code);
        cr_expect(utf8_ok(more, len + 1));
        for (size_t cut = 1; cut < len; cut++) {
            cr_expect_eq(utf8_read(more, cut, &code), 0, "U+%x, %zu bytes", good[i].code, cut);
            cr_expect_not(utf8_ok(more, cut));
        }
    }
}

Test(utf8, what_only_looks_like_a_character_is_none)
{
    uint32_t code = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(utf8_read(bad[i], strlen(bad[i]), &code), 0, "case %zu", i);
        cr_expect_not(utf8_ok(bad[i], strlen(bad[i])), "case %zu", i);
    }
    cr_expect_eq(code, 7, "untouched on failure");
    cr_expect_eq(utf8_read("", 0, &code), 0);
    cr_expect(utf8_ok("", 0));
}

Test(utf8, what_a_terminal_may_be_shown)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain, \xc3\xa4 and \xe2\x82\xac\tand\n", "plain, \xc3\xa4 and \xe2\x82\xac\tand\n"},
        {"\x1b[2J\x7f\r", "?[2J??"},
        {"\xc2\x9b"
         "31m",
         "??31m"}, // a control character of two bytes
        {"a\xe2\x80\xae"
         "b",
         "a???b"}, // from right to left
        {"\xff\xc3", "??"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s", cases[i].text);
        utf8_make_harmless(text, strlen(text));
        cr_expect_str_eq(text, cases[i].shown);
    }
}
