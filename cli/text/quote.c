#include "cli/text/quote.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_harmless(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_@%+=:,./-", c));
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\n') || c == 0x7f;
}

static int quote(struct buf *out, const uint8_t *c, size_t len)
{
    int r = buf_add_str(out, "'");
    for (size_t i = 0; i < len && r == 0; i++)
        r = c[i] == '\'' ? buf_add_str(out, "'\\''") : buf_add(out, c + i, 1);
    return r < 0 ? r : buf_add_str(out, "'");
}

static int quote_controls(struct buf *out, const uint8_t *c, size_t len)
{
    int r = buf_add_str(out, "$'");
    for (size_t i = 0; i < len && r == 0; i++) {
        if (is_control(c[i]))
            r = buf_printf(out, "\\%03o", c[i]);
        else if (c[i] == '\'' || c[i] == '\\')
            r = buf_printf(out, "\\%c", c[i]);
        else
            r = buf_add(out, c + i, 1);
    }
    return r < 0 ? r : buf_add_str(out, "'");
}

int quote_word(struct buf *out, const void *word, size_t len)
{
    const uint8_t *c = word;
    bool plain = len > 0, controls = false;
    for (size_t i = 0; i < len; i++) {
        plain &= is_harmless(c[i]);
        controls |= is_control(c[i]);
    }
    if (plain)
        return buf_add(out, c, len);
    return controls ? quote_controls(out, c, len) : quote(out, c, len);
}
