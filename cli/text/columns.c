#include "cli/text/columns.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"

struct range {
    uint32_t first, last;
};

// Marks that stand on the character before them, and what shows nothing.
static const struct range none[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x0900, 0x0902}, {0x093c, 0x093c}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0x302a, 0x302d},
    {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};
// East Asian wide characters and pictures.
static const struct range two[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2705, 0x2705},
    {0x274c, 0x274c},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool is_in(uint32_t c, const struct range *list, size_t n)
{
    for (size_t i = 0; i < n && c >= list[i].first; i++)
        if (c <= list[i].last)
            return true;
    return false;
}

// The character at `text`; *ret_columns: what it takes. A byte that is no UTF-8 takes one.
static size_t step(const char *text, size_t left, size_t *ret_columns)
{
    uint32_t c;
    size_t len = utf8_read(text, left, &c);
    *ret_columns = !len                                           ? 1
                   : is_in(c, none, sizeof(none) / sizeof(*none)) ? 0
                   : is_in(c, two, sizeof(two) / sizeof(*two))    ? 2
                                                                  : 1;
    return len ? len : 1;
}

size_t text_fits(const char *text, size_t columns, size_t *ret_columns)
{
    size_t left = strlen(text), at = 0, taken = 0, more;
    while (at < left) {
        size_t len = step(text + at, left - at, &more);
        if (taken + more > columns)
            break;
        taken += more;
        at += len;
    }
    *ret_columns = taken;
    return at;
}

size_t text_columns(const char *text)
{
    size_t ret;
    text_fits(text, SIZE_MAX, &ret);
    return ret;
}

// As the C library looks for it.
static bool shows_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

void text_cut(const char *text, size_t columns, char *ret, size_t size)
{
    const char *ellipsis = shows_utf8() ? "\xe2\x80\xa6" : "~";
    size_t taken;
    size_t len = text_fits(text, columns, &taken);
    bool is_cut = text[len] != '\0' && columns > 0;
    if (is_cut)
        len = text_fits(text, columns - 1, &taken);
    snprintf(ret, size, "%.*s%s", (int)len, text, is_cut ? ellipsis : "");
}

size_t terminal_columns(int fd)
{
    struct winsize window;
    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col ? window.ws_col : TERMINAL_COLUMNS;
}
