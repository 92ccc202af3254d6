// Failures of the C interface in words.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/fm.h"

#define WORDS_MAX 4096

// The one thing that outlives a call: words of a failure, for the thread that it happened in.
static _Thread_local char words[WORDS_MAX];

FM_API const char *fm_error(void)
{
    return words;
}

FM_API const char *fm_version(void)
{
    return FM_VERSION;
}

int fm_fail(int code, const struct err *err)
{
    snprintf(words, sizeof(words), "%s", err->text[0] ? err->text : strerror(-code));
    return code;
}

int fm_failf(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    return code;
}
