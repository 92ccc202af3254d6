#include "pipelines/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "pipelines/file/diag.h"

static bool is_utf8(const uint8_t *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t code;
        if (text[at] < 0x80) {
            at++;
            continue;
        }
        size_t n = utf8_read((const char *)text + at, len - at, &code);
        if (!n)
            return false;
        at += n;
    }
    return true;
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

int json_quote(struct buf *out, const void *data, size_t len)
{
    const uint8_t *text = data;
    int r = buf_add(out, "\"", 1);
    size_t from = 0;
    for (size_t at = 0; at < len && r == 0; at++) {
        char form[6];
        if (text[at] >= 0x20 && text[at] != '"' && text[at] != '\\' && text[at] != 0x7f)
            continue;
        r = buf_add(out, text + from, at - from);
        if (r == 0)
            r = buf_add(out, form, escape(text[at], form));
        from = at + 1;
    }
    if (r == 0)
        r = buf_add(out, text + from, len - from);
    return r < 0 ? r : buf_add(out, "\"", 1);
}

static int put_base64(struct buf *out, const uint8_t *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int r = buf_reserve(out, (len + 2) / 3 * 4 + 2);
    if (r < 0)
        return r;
    uint8_t *to = out->data + out->len;
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
    out->len = (size_t)(to - out->data);
    return 0;
}

int json_text(struct buf *out, const char *name, const void *data, size_t len)
{
    bool plain = is_utf8(data, len);
    int r = buf_printf(out, ",\"%s%s\":", name, plain ? "" : "_base64");
    if (r < 0)
        return r;
    return plain ? json_quote(out, data, len) : put_base64(out, data, len);
}

// In one piece it is encoded where it lies; pieces are joined behind the line first.
static int put_output(struct buf *out, const struct record *record)
{
    if (record->n_parts == 0)
        return json_text(out, "stdout", "", 0);
    if (record->n_parts == 1)
        return json_text(out, "stdout", record->parts[0].data, record->parts[0].len);
    struct buf joined;
    buf_init(&joined, 0);
    int r = 0;
    for (size_t i = 0; i < record->n_parts && r == 0; i++)
        r = buf_add(&joined, record->parts[i].data, record->parts[i].len);
    if (r == 0)
        r = json_text(out, "stdout", joined.data, joined.len);
    buf_done(&joined);
    return r;
}

static int put_optional(struct buf *out, const char *name, const char *text, size_t len)
{
    return text ? json_text(out, name, text, len) : 0;
}

static int put_string(struct buf *out, const char *name, const char *text)
{
    return text ? json_text(out, name, text, strlen(text)) : 0;
}

static int put_number_or_null(struct buf *out, const char *name, bool known, int value)
{
    return known ? buf_printf(out, ",\"%s\":%d", name, value)
                 : buf_printf(out, ",\"%s\":null", name);
}

static int put_how(struct buf *out, const struct record *record)
{
    int r = put_string(out, "outcome", record->outcome);
    if (r == 0)
        r = put_number_or_null(out, "exit", record->exit >= 0, record->exit);
    if (r == 0)
        r = put_number_or_null(out, "signal", record->signal > 0, record->signal);
    if (r == 0 && record->code)
        r = buf_printf(out, ",\"code\":%d", record->code);
    return r < 0 ? r : put_string(out, "error", record->error);
}

static int put_when(struct buf *out, const struct record *record)
{
    int r = buf_printf(out, ",\"attempts\":%u", record->attempt);
    if (r == 0 && record->start_ns)
        r = buf_printf(out, ",\"start\":%" PRId64 ".%06" PRId64, record->start_ns / 1000000000,
                       record->start_ns % 1000000000 / 1000);
    if (r == 0)
        r = buf_printf(out, ",\"seconds\":%" PRId64 ".%09" PRId64, record->run_ns / 1000000000,
                       record->run_ns % 1000000000);
    if (r == 0 && record->maxrss_bytes)
        r = buf_printf(out, ",\"maxrss\":%" PRIu64, record->maxrss_bytes);
    return r;
}

static int put_record(struct buf *out, const struct record *record)
{
    int r = buf_printf(
        out, "{\"v\":1,\"seq\":%" PRIu64 ",\"offset\":%" PRIu64 ",\"step\":%u,\"chunk\":%" PRIu64,
        record->chunk + 1, record->offset, record->step, record->chunk);
    if (r == 0)
        r = put_optional(out, "item", record->item, record->item_len);
    if (r == 0)
        r = put_how(out, record);
    if (r == 0)
        r = put_when(out, record);
    if (r == 0)
        r = put_string(out, "worker", record->worker);
    if (r == 0)
        r = put_output(out, record);
    if (r == 0)
        r = json_text(out, "stderr", record->stderr_len ? record->stderr_text : "",
                      record->stderr_len);
    return r < 0 ? r : buf_add(out, "}\n", 2);
}

int json_record(struct buf *out, const struct record *record)
{
    size_t before = out->len;
    int r = put_record(out, record);
    if (r < 0)
        out->len = before;
    return r;
}
