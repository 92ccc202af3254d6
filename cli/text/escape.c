#include "cli/text/escape.h"

#include <string.h>

size_t escape_read(const char *text, char *ret)
{
    static const char names[] = "nrt0\\", bytes[] = "\n\r\t\0\\";
    size_t n = 0;
    for (const char *c = text; *c; c++) {
        const char *at = *c == '\\' && c[1] ? strchr(names, c[1]) : NULL;
        ret[n++] = at ? bytes[at - names] : *c;
        c += at != NULL;
    }
    ret[n] = '\0';
    return n;
}
