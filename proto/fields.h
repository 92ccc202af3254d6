// Messages whose header is a plain row of fields: a table says how a struct is written and read.
// Nobody outside proto/ includes this.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pack.h"

enum field_kind {
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    FIELD_I32,
    FIELD_I64,
    FIELD_BOOL,
    FIELD_TEXT,
    FIELD_BIN
};

struct field {
    enum field_kind kind;
    size_t offset;
    uint64_t max; // of a number; bytes of a text's array or of a bin, which is always whole
};

#define FIELD(kind, type, name, max)                                                               \
    {                                                                                              \
        kind, offsetof(struct type, name), max                                                     \
    }
#define U8(type, name, max) FIELD(FIELD_U8, type, name, max)
#define U32(type, name, max) FIELD(FIELD_U32, type, name, max)
#define U64(type, name) FIELD(FIELD_U64, type, name, UINT64_MAX)
#define I32(type, name) FIELD(FIELD_I32, type, name, INT32_MAX)
#define I64(type, name) FIELD(FIELD_I64, type, name, INT64_MAX)
#define BOOL(type, name) FIELD(FIELD_BOOL, type, name, 1)
#define TEXT(type, name) FIELD(FIELD_TEXT, type, name, sizeof(((struct type *)NULL)->name))
#define BIN(type, name) FIELD(FIELD_BIN, type, name, sizeof(((struct type *)NULL)->name))

void fields_put(struct pack_writer *w, const struct field *fields, size_t n, const void *from);
// Bad bytes fail the reader.
void fields_get(struct pack_reader *r, const struct field *fields, size_t n, void *ret);
