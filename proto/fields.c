#include "proto/fields.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "proto/limits.h"

#define COUNT_TAG 0xce // of MessagePack's uint 32

const char *field_name(const struct msg_field *field)
{
    const char *dot = strrchr(field->name, '.');
    return dot ? dot + 1 : field->name;
}

// A pointer and its length, as _REF and _NIL fields have them.
static const void *ref_of(const struct msg_field *f, const void *from, size_t *ret_len)
{
    const void *data;
    memcpy(&data, (const uint8_t *)from + f->offset, sizeof(data));
    memcpy(ret_len, (const uint8_t *)from + f->len_offset, sizeof(*ret_len));
    return data;
}

// Ends at a NUL, which would end it for a person, too.
static void put_str(struct pack_writer *w, const struct msg_field *f, const void *from)
{
    size_t len;
    const char *text = ref_of(f, from, &len);
    char copy[PROTO_TEXT_MAX];
    if (!text && f->kind == FIELD_STR_NIL) {
        pack_nil(w);
        return;
    }
    len = text ? strnlen(text, len < f->max ? len : f->max - 1) : 0;
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    pack_str(w, copy);
}

static void put_bin(struct pack_writer *w, const struct msg_field *f, const void *from)
{
    size_t len;
    const void *data = ref_of(f, from, &len);
    if (f->kind == FIELD_BIN_NIL && (!data || !len))
        pack_nil(w);
    else if (f->kind == FIELD_BIN_NIL)
        pack_bin(w, data, len < f->max ? len : f->max);
    else if (len > f->max)
        w->error = w->error ? w->error : -ENOBUFS;
    else
        pack_bin(w, data, len);
}

static void put_count(struct pack_writer *w, uint32_t n)
{
    const uint8_t bytes[] = {COUNT_TAG, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                             (uint8_t)n};
    if (!w->error)
        w->error = buf_add(w->buf, bytes, sizeof(bytes));
}

static uint32_t number_of(const struct msg_field *f, const void *from)
{
    uint32_t n;
    memcpy(&n, (const uint8_t *)from + f->len_offset, sizeof(n));
    return n;
}

static void put_rows(struct pack_writer *w, const struct msg_field *f, const void *from)
{
    uint32_t n = number_of(f, from);
    const uint8_t *at = (const uint8_t *)from + f->offset;
    pack_array(w, n);
    for (uint32_t i = 0; i < n; i++, at += f->row->size)
        row_put(w, f->row, at);
}

void fields_put(struct pack_writer *w, const struct layout *layout, const void *from)
{
    for (const struct msg_field *f = layout->fields; f < layout->fields + layout->n; f++) {
        const void *at = (const uint8_t *)from + f->offset;
        switch (f->kind) {
        case FIELD_U8:
            pack_u64(w, *(const uint8_t *)at);
            break;
        case FIELD_U32:
            pack_u64(w, *(const uint32_t *)at);
            break;
        case FIELD_U64:
            pack_u64(w, *(const uint64_t *)at);
            break;
        case FIELD_I32:
            pack_i64(w, *(const int32_t *)at);
            break;
        case FIELD_I64:
            pack_i64(w, *(const int64_t *)at);
            break;
        case FIELD_BOOL:
            pack_bool(w, *(const bool *)at);
            break;
        case FIELD_TEXT:
            pack_str(w, at);
            break;
        case FIELD_BIN:
            pack_bin(w, at, f->max);
            break;
        case FIELD_STR_REF:
        case FIELD_STR_NIL:
            put_str(w, f, from);
            break;
        case FIELD_BIN_REF:
        case FIELD_BIN_NIL:
            put_bin(w, f, from);
            break;
        case FIELD_COUNT:
            put_count(w, *(const uint32_t *)at);
            break;
        case FIELD_ROW:
            row_put(w, f->row, at);
            break;
        case FIELD_ROWS:
            put_rows(w, f, from);
            break;
        case FIELD_CANCEL:
            pack_u64(w, *(const uint32_t *)at - 1);
            break;
        case FIELD_LENS:
            break;
        }
    }
}

void row_put(struct pack_writer *w, const struct layout *layout, const void *from)
{
    pack_array(w, layout->n);
    fields_put(w, layout, from);
}

static uint64_t get_unsigned(struct pack_reader *r, const struct msg_field *f)
{
    uint64_t value = pack_read_u64(r, f->max);
    if (value < (uint64_t)f->min)
        pack_fail(r);
    return value;
}

static int64_t get_signed(struct pack_reader *r, const struct msg_field *f)
{
    int64_t value = pack_read_i64(r);
    if (value < f->min || value > (int64_t)f->max)
        pack_fail(r);
    return value;
}

static void get_ref(struct pack_reader *r, const struct msg_field *f, void *ret)
{
    size_t len;
    bool may_be_nil = f->kind == FIELD_STR_NIL || f->kind == FIELD_BIN_NIL;
    bool is_text = f->kind == FIELD_STR_REF || f->kind == FIELD_STR_NIL;
    if (may_be_nil && pack_read_nil(r))
        return; // as the struct is: NULL and 0
    const void *data =
        is_text ? (const void *)pack_read_str(r, f->max - 1, &len) : pack_read_bin(r, f->max, &len);
    memcpy((uint8_t *)ret + f->offset, &data, sizeof(data));
    memcpy((uint8_t *)ret + f->len_offset, &len, sizeof(len));
}

static void get_rows(struct pack_reader *r, const struct msg_field *f, void *ret)
{
    uint32_t n = pack_read_array(r, (uint32_t)f->max);
    uint8_t *at = (uint8_t *)ret + f->offset;
    memcpy((uint8_t *)ret + f->len_offset, &n, sizeof(n));
    for (uint32_t i = 0; i < n && pack_ok(r); i++, at += f->row->size)
        row_get(r, f->row, at);
}

void fields_get(struct pack_reader *r, const struct layout *layout, void *ret)
{
    for (const struct msg_field *f = layout->fields; f < layout->fields + layout->n; f++) {
        void *at = (uint8_t *)ret + f->offset;
        switch (f->kind) {
        case FIELD_U8:
            *(uint8_t *)at = (uint8_t)get_unsigned(r, f);
            break;
        case FIELD_U32:
        case FIELD_COUNT:
            *(uint32_t *)at = (uint32_t)get_unsigned(r, f);
            break;
        case FIELD_U64:
            *(uint64_t *)at = get_unsigned(r, f);
            break;
        case FIELD_I32:
            *(int32_t *)at = (int32_t)get_signed(r, f);
            break;
        case FIELD_I64:
            *(int64_t *)at = get_signed(r, f);
            break;
        case FIELD_BOOL:
            *(bool *)at = pack_read_bool(r);
            break;
        case FIELD_TEXT:
            pack_read_text(r, at, f->max);
            utf8_make_harmless(at, strlen(at));
            break;
        case FIELD_BIN:
            pack_read_exact(r, at, f->max);
            break;
        case FIELD_STR_REF:
        case FIELD_STR_NIL:
        case FIELD_BIN_REF:
        case FIELD_BIN_NIL:
            get_ref(r, f, ret);
            break;
        case FIELD_ROW:
            row_get(r, f->row, at);
            break;
        case FIELD_ROWS:
            get_rows(r, f, ret);
            break;
        case FIELD_CANCEL:
            *(uint32_t *)at = (uint32_t)get_unsigned(r, f) + 1;
            break;
        case FIELD_LENS:
            break;
        }
    }
    if (pack_ok(r) && layout->good && !layout->good(ret))
        pack_fail(r);
}

void row_get(struct pack_reader *r, const struct layout *layout, void *ret)
{
    if (pack_read_array(r, layout->n) != layout->n)
        pack_fail(r);
    fields_get(r, layout, ret);
}
