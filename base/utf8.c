#include "base/utf8.h"

#include <string.h>

size_t utf8_read(const char *text, size_t len, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *c = (const uint8_t *)text;
    size_t need;
    if (len == 0)
        return 0;
    need = c[0] < 0x80 ? 1 : c[0] < 0xc0 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    if (need == 0 || need > len || c[0] > 0xf4)
        return 0;
    uint32_t value = need == 1 ? c[0] : c[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (c[i] & 0x3f);
    }
    if (value < least[need] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *ret = value;
    return need;
}

bool utf8_ok(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t n = (uint8_t)text[at] < 0x80 ? 1 : utf8_read(text + at, len - at, &code);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

bool utf8_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void utf8_make_harmless(char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t c = (uint8_t)text[at];
        size_t n = c < 0x80 ? 1 : utf8_read(text + at, len - at, &c);
        if (n == 0 || (utf8_is_control(c) && c != '\n' && c != '\t'))
            memset(text + at, '?', n ? n : 1);
        at += n ? n : 1;
    }
}
