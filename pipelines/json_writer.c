#include "pipelines/json_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipelines/json.h"

static void write_text(struct json_writer *w, const char *text)
{
    if (w->error == 0)
        w->error = json_quote(w->out, text, strlen(text));
}

static void write_name(struct json_writer *w, const char *name)
{
    if (w->error == 0)
        w->error = buf_printf(w->out, "%s\n%*s", w->first ? "" : ",", (int)w->depth * 2, "");
    w->first = false;
    if (!name)
        return;
    write_text(w, name);
    if (w->error == 0)
        w->error = buf_add(w->out, ": ", 2);
}

void json_put_text(struct json_writer *w, const char *name, const char *text)
{
    write_name(w, name);
    write_text(w, text);
}

void json_put_raw(struct json_writer *w, const char *name, const char *fmt, ...)
{
    char value[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    write_name(w, name);
    if (w->error == 0)
        w->error = buf_add_str(w->out, value);
}

void json_begin(struct json_writer *w, const char *name, const char *bracket)
{
    write_name(w, name);
    if (w->error == 0)
        w->error = buf_add_str(w->out, bracket);
    w->depth++;
    w->first = true;
}

void json_end(struct json_writer *w, const char *bracket)
{
    w->depth--;
    if (w->error == 0)
        w->error = w->first ? buf_add_str(w->out, bracket)
                            : buf_printf(w->out, "\n%*s%s", (int)w->depth * 2, "", bracket);
    w->first = false;
}

void json_open(struct json_writer *w)
{
    w->error = buf_add(w->out, "{", 1);
    w->depth = 1;
    w->first = true;
}

int json_done(struct json_writer *w)
{
    json_end(w, "}\n");
    return w->error;
}
