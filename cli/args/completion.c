#include "cli/args/completion.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/args/help.h"
#include "pipelines/builtin.h"

void script_put(struct script *s, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (s->error == 0)
        s->error = n < 0 || (size_t)n >= sizeof(text) ? -ENOBUFS : buf_add(s->out, text, (size_t)n);
}

void script_put_words(struct script *s, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        script_put(s, "%s%s", i ? " " : "", words[i]);
}

void script_put_kernels(struct script *s)
{
    for (size_t i = 0; i < n_builtins; i++)
        script_put(s, "%sbuiltin:%s", i ? " " : "", builtins[i].name);
}

void script_put_quoted(struct script *s, const char *text, script_quote_fn *quote)
{
    for (; *text; text++)
        quote(s, *text == '\n' ? ' ' : *text);
}

void script_put_help(struct script *s, const struct arg *flag, script_quote_fn *quote)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    int r = help_of_flag(flag, &text);
    if (r == 0)
        r = buf_add(&text, "", 1);
    if (r == 0)
        script_put_quoted(s, (const char *)text.data, quote);
    else
        s->error = r;
}
