#include "base/pack.h"

#include <endian.h>
#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define SKIP_DEPTH_MAX 8

void pack_reader_init(struct pack_reader *r, const void *data, size_t len)
{
    *r = (struct pack_reader){.at = data, .end = (const uint8_t *)data + len};
}

void pack_fail(struct pack_reader *r)
{
    r->failed = true;
    r->at = r->end;
}

static size_t left(const struct pack_reader *r)
{
    return (size_t)(r->end - r->at);
}

// A big-endian number of 1, 2, 4 or 8 bytes.
static uint64_t take_number(struct pack_reader *r, size_t bytes)
{
    if (left(r) < bytes) {
        pack_fail(r);
        return 0;
    }
    const uint8_t *at = r->at;
    uint64_t wide;
    uint32_t half;
    r->at += bytes;
    switch (bytes) {
    case 8:
        memcpy(&wide, at, sizeof(wide));
        return be64toh(wide);
    case 4:
        memcpy(&half, at, sizeof(half));
        return be32toh(half);
    case 2:
        return (uint64_t)(at[0] << 8 | at[1]);
    default:
        return at[0];
    }
}

static uint8_t take_tag(struct pack_reader *r)
{
    if (r->at == r->end) {
        pack_fail(r);
        return 0;
    }
    return *r->at++;
}

// The number of an array or a map: in the tag `few`, or after `many` or `many` + 1.
static uint32_t take_count(struct pack_reader *r, uint8_t few, uint8_t many, uint32_t max,
                           size_t least_bytes)
{
    uint8_t tag = take_tag(r);
    uint64_t n = 0;
    if ((tag & 0xf0) == few)
        n = tag & 0x0f;
    else if (tag == many)
        n = take_number(r, 2);
    else if (tag == many + 1)
        n = take_number(r, 4);
    else
        pack_fail(r);
    if (r->failed || n > max || n * least_bytes > left(r)) {
        pack_fail(r);
        return 0;
    }
    return (uint32_t)n;
}

uint32_t pack_read_array(struct pack_reader *r, uint32_t max)
{
    return take_count(r, 0x90, 0xdc, max, 1);
}

uint32_t pack_read_map(struct pack_reader *r, uint32_t max)
{
    return take_count(r, 0x80, 0xde, max, 2);
}

// Any integer: its value in two's complement and whether it is negative.
static uint64_t take_integer(struct pack_reader *r, bool *ret_negative)
{
    uint8_t tag = take_tag(r);
    *ret_negative = false;
    if (tag < 0x80)
        return tag;
    if (tag >= 0xe0) {
        *ret_negative = true;
        return (uint64_t)(int64_t)(int8_t)tag;
    }
    if (tag >= 0xcc && tag <= 0xcf)
        return take_number(r, (size_t)1 << (tag - 0xcc));
    if (tag >= 0xd0 && tag <= 0xd3) {
        unsigned bits = 8u << (tag - 0xd0);
        uint64_t value = take_number(r, bits / 8);
        int64_t number = (int64_t)(value << (64 - bits)) >> (64 - bits);
        *ret_negative = number < 0;
        return (uint64_t)number;
    }
    pack_fail(r);
    return 0;
}

uint64_t pack_read_wide(struct pack_reader *r, uint64_t max)
{
    bool negative;
    uint64_t value = take_integer(r, &negative);
    if (negative || value > max) {
        pack_fail(r);
        return 0;
    }
    return r->failed ? 0 : value;
}

int64_t pack_read_wide_i64(struct pack_reader *r)
{
    bool negative;
    uint64_t value = take_integer(r, &negative);
    if (!negative && value > INT64_MAX)
        pack_fail(r);
    return r->failed ? 0 : (int64_t)value;
}

double pack_read_f64(struct pack_reader *r)
{
    double value = 0;
    if (take_tag(r) != 0xcb)
        pack_fail(r);
    uint64_t bits = take_number(r, 8);
    memcpy(&value, &bits, sizeof(value));
    return r->failed ? 0 : value;
}

bool pack_read_bool(struct pack_reader *r)
{
    uint8_t tag = take_tag(r);
    if (tag != 0xc2 && tag != 0xc3)
        pack_fail(r);
    return tag == 0xc3;
}

static const uint8_t *take_bytes(struct pack_reader *r, uint64_t n, size_t max, size_t *ret_len)
{
    static const uint8_t nothing[1];
    if (r->failed || n > max || n > left(r)) {
        pack_fail(r);
        *ret_len = 0;
        return nothing;
    }
    const uint8_t *bytes = r->at;
    r->at += n;
    *ret_len = (size_t)n;
    return bytes;
}

const char *pack_read_str(struct pack_reader *r, size_t max, size_t *ret_len)
{
    uint8_t tag = take_tag(r);
    uint64_t n = 0;
    if ((tag & 0xe0) == 0xa0)
        n = tag & 0x1f;
    else if (tag >= 0xd9 && tag <= 0xdb)
        n = take_number(r, (size_t)1 << (tag - 0xd9));
    else
        pack_fail(r);
    return (const char *)take_bytes(r, n, max, ret_len);
}

const uint8_t *pack_read_bin(struct pack_reader *r, size_t max, size_t *ret_len)
{
    uint8_t tag = take_tag(r);
    uint64_t n = 0;
    if (tag >= 0xc4 && tag <= 0xc6)
        n = take_number(r, (size_t)1 << (tag - 0xc4));
    else
        pack_fail(r);
    return take_bytes(r, n, max, ret_len);
}

void pack_read_exact(struct pack_reader *r, void *ret, size_t size)
{
    size_t n;
    const uint8_t *data = pack_read_bin(r, size, &n);
    if (pack_ok(r) && n == size)
        memcpy(ret, data, n);
    else
        pack_fail(r);
}

void pack_read_text(struct pack_reader *r, char *ret, size_t size)
{
    size_t len;
    const char *text = pack_read_str(r, size - 1, &len);
    if (memchr(text, '\0', len)) {
        pack_fail(r);
        len = 0;
    }
    memcpy(ret, text, len);
    ret[len] = '\0';
}

char *pack_read_strdup(struct pack_reader *r, size_t max)
{
    size_t len;
    const char *text = pack_read_str(r, max, &len);
    char *copy = NULL;
    if (!r->failed && !memchr(text, '\0', len))
        copy = strndup(text, len);
    if (!copy)
        pack_fail(r);
    return copy;
}

static void skip_bytes(struct pack_reader *r, uint64_t n)
{
    size_t len;
    take_bytes(r, n, SIZE_MAX, &len);
}

static void skip(struct pack_reader *r, unsigned depth)
{
    if (r->failed || r->at == r->end || depth > SKIP_DEPTH_MAX) {
        pack_fail(r);
        return;
    }
    uint8_t tag = *r->at;
    bool negative;
    size_t len;
    if (tag < 0x80 || tag >= 0xe0 || (tag >= 0xcc && tag <= 0xd3)) {
        take_integer(r, &negative);
    } else if ((tag & 0xe0) == 0xa0 || (tag >= 0xd9 && tag <= 0xdb)) {
        pack_read_str(r, SIZE_MAX, &len);
    } else if (tag >= 0xc4 && tag <= 0xc6) {
        pack_read_bin(r, SIZE_MAX, &len);
    } else if ((tag & 0xf0) == 0x90 || tag == 0xdc || tag == 0xdd) {
        for (uint32_t n = pack_read_array(r, UINT32_MAX); n && !r->failed; n--)
            skip(r, depth + 1);
    } else if ((tag & 0xf0) == 0x80 || tag == 0xde || tag == 0xdf) {
        for (uint32_t n = pack_read_map(r, UINT32_MAX); n && !r->failed; n--) {
            skip(r, depth + 1);
            skip(r, depth + 1);
        }
    } else if (tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
        r->at++;
    } else if (tag == 0xca || tag == 0xcb) {
        skip_bytes(r, tag == 0xca ? 5 : 9);
    } else {
        pack_fail(r); // extension types: no schema of ours has one
    }
}

void pack_skip(struct pack_reader *r)
{
    skip(r, 0);
}

void pack_writer_init(struct pack_writer *w, struct buf *buf)
{
    *w = (struct pack_writer){.buf = buf};
}

static int write_bytes(void *data, const char *bytes, size_t len)
{
    struct pack_writer *w = data;
    if (w->error == 0)
        w->error = buf_add(w->buf, bytes, len);
    return w->error;
}

static msgpack_packer packer_of(struct pack_writer *w)
{
    msgpack_packer p;
    msgpack_packer_init(&p, w, write_bytes);
    return p;
}

void pack_array(struct pack_writer *w, uint32_t n)
{
    msgpack_packer p = packer_of(w);
    msgpack_pack_array(&p, n);
}

void pack_map(struct pack_writer *w, uint32_t n)
{
    msgpack_packer p = packer_of(w);
    msgpack_pack_map(&p, n);
}

void pack_u64(struct pack_writer *w, uint64_t value)
{
    if (value < 0x80) { // most are small
        write_bytes(w, (const char[]){(char)value}, 1);
        return;
    }
    msgpack_packer p = packer_of(w);
    msgpack_pack_uint64(&p, value);
}

void pack_i64(struct pack_writer *w, int64_t value)
{
    msgpack_packer p = packer_of(w);
    msgpack_pack_int64(&p, value);
}

void pack_f64(struct pack_writer *w, double value)
{
    msgpack_packer p = packer_of(w);
    msgpack_pack_double(&p, value);
}

void pack_bool(struct pack_writer *w, bool value)
{
    msgpack_packer p = packer_of(w);
    if (value)
        msgpack_pack_true(&p);
    else
        msgpack_pack_false(&p);
}

void pack_nil(struct pack_writer *w)
{
    msgpack_packer p = packer_of(w);
    msgpack_pack_nil(&p);
}

void pack_str(struct pack_writer *w, const char *text)
{
    if (!text) {
        pack_nil(w);
        return;
    }
    msgpack_packer p = packer_of(w);
    msgpack_pack_str_with_body(&p, text, strlen(text));
}

void pack_bin(struct pack_writer *w, const void *data, size_t len)
{
    msgpack_packer p = packer_of(w);
    msgpack_pack_bin_with_body(&p, data, len);
}
