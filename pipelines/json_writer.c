#include "pipelines/json_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static void add(struct json_writer *w, const void *data, size_t len)
{
    if (w->error == 0)
        w->error = buf_add(w->out, data, len);
}

static void add_str(struct json_writer *w, const char *text)
{
    add(w, text, strlen(text));
}

static void add_break(struct json_writer *w)
{
    if (w->indented && w->error == 0)
        w->error = buf_printf(w->out, "\n%*s", (int)w->depth * 2, "");
}

static size_t escape(uint8_t byte, char *ret)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_forms[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                       ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    ret[0] = '\\';
    if (byte < sizeof(short_forms) && short_forms[byte]) {
        ret[1] = short_forms[byte];
        return 2;
    }
    ret[1] = 'u';
    ret[2] = ret[3] = '0';
    ret[4] = hex[byte >> 4];
    ret[5] = hex[byte & 15];
    return 6;
}

static void add_quoted(struct json_writer *w, const uint8_t *text, size_t len)
{
    size_t from = 0;
    add(w, "\"", 1);
    for (size_t at = 0; at < len; at++) {
        char form[6];
        if (text[at] >= 0x20 && text[at] != '"' && text[at] != '\\' && text[at] != 0x7f)
            continue;
        add(w, text + from, at - from);
        add(w, form, escape(text[at], form));
        from = at + 1;
    }
    add(w, text + from, len - from);
    add(w, "\"", 1);
}

// By hand: libsodium's, which takes the same time for all bytes, is nine times slower.
static void add_base64(struct json_writer *w, const uint8_t *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (w->error == 0)
        w->error = buf_reserve(w->out, (len + 2) / 3 * 4 + 2);
    if (w->error < 0)
        return;
    uint8_t *to = w->out->data + w->out->len;
    *to++ = '"';
    for (size_t at = 0; at < len; at += 3) {
        size_t left = len - at;
        uint32_t bits = (uint32_t)data[at] << 16 | (left > 1 ? (uint32_t)data[at + 1] << 8 : 0) |
                        (left > 2 ? data[at + 2] : 0u);
        *to++ = (uint8_t)digits[bits >> 18];
        *to++ = (uint8_t)digits[bits >> 12 & 63];
        *to++ = left > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? (uint8_t)digits[bits & 63] : '=';
    }
    *to++ = '"';
    w->out->len = (size_t)(to - w->out->data);
}

static void begin_value(struct json_writer *w)
{
    if (!w->first)
        add(w, ",", 1);
    add_break(w);
    w->first = false;
}

// Begins a value. `suffix` is added to its name.
static void add_name(struct json_writer *w, const char *name, const char *suffix)
{
    begin_value(w);
    if (!name)
        return;
    add(w, "\"", 1);
    add_str(w, name);
    add_str(w, suffix);
    add_str(w, w->indented ? "\": " : "\":");
}

void json_put_bytes(struct json_writer *w, const char *name, const void *data, size_t len)
{
    bool is_text = utf8_ok(data, len);
    add_name(w, name, is_text ? "" : "_base64");
    if (is_text)
        add_quoted(w, data ? data : (const uint8_t *)"", len);
    else
        add_base64(w, data, len);
}

void json_put_text(struct json_writer *w, const char *name, const char *text)
{
    if (text)
        json_put_bytes(w, name, text, strlen(text));
}

void json_put_raw(struct json_writer *w, const char *name, const char *fmt, ...)
{
    char value[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    add_name(w, name, "");
    add_str(w, value);
}

void json_put_number(struct json_writer *w, const char *name, uint64_t value)
{
    json_put_raw(w, name, "%" PRIu64, value);
}

void json_put_flag(struct json_writer *w, const char *name, bool value)
{
    json_put_raw(w, name, "%s", value ? "true" : "false");
}

void json_put_seconds(struct json_writer *w, const char *name, int64_t ns, int digits)
{
    char all[40];
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    int len = snprintf(all, sizeof(all), "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
                       size / 1000000000, size % 1000000000);
    json_put_raw(w, name, "%.*s", digits > 0 ? len - 9 + digits : len - 10, all);
}

static void open_bracket(struct json_writer *w, const char *bracket)
{
    add(w, bracket, 1);
    w->depth++;
    w->first = true;
}

void json_begin(struct json_writer *w, const char *name, const char *bracket)
{
    add_name(w, name, "");
    open_bracket(w, bracket);
}

void json_end(struct json_writer *w, const char *bracket)
{
    w->depth--;
    if (!w->first)
        add_break(w);
    add_str(w, bracket);
    w->first = false;
}

// Copies what is between two quotes; returns the second.
static const char *put_quoted(struct json_writer *w, const char *text)
{
    size_t len = strcspn(text + 1, "'");
    add_quoted(w, (const uint8_t *)text + 1, len);
    return text + len + 1;
}

static void put_members(struct json_writer *w, const char *text)
{
    bool begins = true; // a member or an element
    for (const char *c = text; *c; c++) {
        bool closes = *c == '}' || *c == ']';
        if (*c == ' ')
            continue;
        if (begins && !closes)
            begin_value(w);
        begins = *c == ',' || *c == '{' || *c == '[';
        if (*c == '\'')
            c = put_quoted(w, c);
        else if (*c == '{' || *c == '[')
            open_bracket(w, c);
        else if (closes)
            json_end(w, *c == '}' ? "}" : "]");
        else if (*c == ':')
            add_str(w, w->indented ? ": " : ":");
        else if (*c != ',')
            add(w, c, 1);
    }
}

void json_put_members(struct json_writer *w, const char *fmt, ...)
{
    _free_ char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int r = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (r >= 0) {
        put_members(w, text);
        return;
    }
    text = NULL;
    if (w->error == 0)
        w->error = -ENOMEM;
}

void json_open(struct json_writer *w)
{
    w->error = 0;
    w->depth = 1;
    w->first = true;
    add(w, "{", 1);
}

int json_done(struct json_writer *w)
{
    json_end(w, "}\n");
    return w->error;
}
