#include "proto/fields.h"

#include <stdbool.h>
#include <string.h>

void fields_put(struct pack_writer *w, const struct field *fields, size_t n, const void *from)
{
    for (size_t i = 0; i < n; i++) {
        const void *at = (const uint8_t *)from + fields[i].offset;
        switch (fields[i].kind) {
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
            pack_bin(w, at, fields[i].max);
            break;
        }
    }
}

static int32_t get_i32(struct pack_reader *r)
{
    int64_t value = pack_read_i64(r);
    if (value < INT32_MIN || value > INT32_MAX)
        pack_fail(r);
    return (int32_t)value;
}

void fields_get(struct pack_reader *r, const struct field *fields, size_t n, void *ret)
{
    for (size_t i = 0; i < n && pack_ok(r); i++) {
        void *at = (uint8_t *)ret + fields[i].offset;
        switch (fields[i].kind) {
        case FIELD_U8:
            *(uint8_t *)at = (uint8_t)pack_read_u64(r, fields[i].max);
            break;
        case FIELD_U32:
            *(uint32_t *)at = (uint32_t)pack_read_u64(r, fields[i].max);
            break;
        case FIELD_U64:
            *(uint64_t *)at = pack_read_u64(r, fields[i].max);
            break;
        case FIELD_I32:
            *(int32_t *)at = get_i32(r);
            break;
        case FIELD_I64:
            *(int64_t *)at = pack_read_i64(r);
            break;
        case FIELD_BOOL:
            *(bool *)at = pack_read_bool(r);
            break;
        case FIELD_TEXT:
            pack_read_text(r, at, fields[i].max);
            break;
        case FIELD_BIN:
            pack_read_exact(r, at, fields[i].max);
            break;
        }
    }
}
