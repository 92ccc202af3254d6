// How a struct is written as a row of fields, as data: a layout lists the fields in the order in
// which they are written. All that reads, writes, prints or documents a message goes by it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pack.h"

enum field_kind {
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    FIELD_I32,
    FIELD_I64,
    FIELD_BOOL,
    FIELD_TEXT,    // a char array, terminated
    FIELD_BIN,     // an array of bytes, always whole
    FIELD_STR_REF, // pointer and length; a text that is too long is cut, NULL is empty
    FIELD_STR_NIL, // the same, and NULL is nil
    FIELD_BIN_REF, // pointer and length; too many bytes are -ENOBUFS
    FIELD_BIN_NIL, // the same, cut when too long, and nothing is nil
    FIELD_COUNT,   // of the entries that follow: uint32_t in the four-byte form, patched in later
    FIELD_ROW,     // a struct with its own layout: an array in the array
    FIELD_ROWS,    // an array of such structs, and their number
    FIELD_CANCEL,  // enum cancel_mode, written less one
    FIELD_LENS,    // lengths of payloads; written and read by the entry's own code
};

struct layout;

struct msg_field {
    const char *name; // of the member; the last part of a.b is the field's name
    enum field_kind kind;
    uint16_t offset;
    uint16_t len_offset; // of a _REF's or _NIL's length, of a ROWS' number
    int64_t min;         // of a number
    uint64_t max;        // of a number; bytes of a text's array or of a bin; rows
    const struct layout *row;
};

struct layout {
    const char *name; // of a row or an entry, for people; NULL: a message
    const struct msg_field *fields;
    uint32_t n;
    uint32_t size;                // of the struct
    bool (*good)(const void *m);  // what no single field can say; NULL: nothing
    const struct layout *entries; // that follow a message's fields; NULL: none
};

#define LAYOUT(type, list)                                                                         \
    .fields = (list), .n = sizeof(list) / sizeof((list)[0]), .size = sizeof(struct type)
#define MEMBER(type, member) .name = #member, .offset = offsetof(struct type, member)
#define MEMBER_SIZE(type, member) sizeof(((struct type *)NULL)->member)

#define FIELD(type, member, how, least, most)                                                      \
    {                                                                                              \
        MEMBER(type, member), .kind = (how), .min = (least), .max = (most)                         \
    }
#define U8(type, member, most) FIELD(type, member, FIELD_U8, 0, most)
#define U32(type, member) FIELD(type, member, FIELD_U32, 0, UINT32_MAX)
#define U32_TO(type, member, most) FIELD(type, member, FIELD_U32, 0, most)
#define U32_IN(type, member, least, most) FIELD(type, member, FIELD_U32, least, most)
#define U64(type, member) FIELD(type, member, FIELD_U64, 0, UINT64_MAX)
#define U64_TO(type, member, most) FIELD(type, member, FIELD_U64, 0, most)
#define I32(type, member) FIELD(type, member, FIELD_I32, INT32_MIN, INT32_MAX)
#define I32_TO(type, member, most) FIELD(type, member, FIELD_I32, INT32_MIN, most)
#define I64(type, member) FIELD(type, member, FIELD_I64, INT64_MIN, INT64_MAX)
#define I64_FROM(type, member, least) FIELD(type, member, FIELD_I64, least, INT64_MAX)
#define BOOL(type, member) FIELD(type, member, FIELD_BOOL, 0, 1)
#define TEXT(type, member) FIELD(type, member, FIELD_TEXT, 0, MEMBER_SIZE(type, member))
#define BIN(type, member) FIELD(type, member, FIELD_BIN, 0, MEMBER_SIZE(type, member))
#define COUNT(type, member, least, most) FIELD(type, member, FIELD_COUNT, least, most)
#define CANCEL(type, member) FIELD(type, member, FIELD_CANCEL, 0, CANCEL_KILL - 1)
#define LENS(type, member, most) FIELD(type, member, FIELD_LENS, 0, most)
#define REF(type, member, len, how, most)                                                          \
    {                                                                                              \
        MEMBER(type, member), .len_offset = offsetof(struct type, len), .kind = (how),             \
                              .max = (most)                                                        \
    }
#define ROW(type, member, layout)                                                                  \
    {                                                                                              \
        MEMBER(type, member), .kind = FIELD_ROW, .row = (layout)                                   \
    }
#define ROWS(type, member, number, most, layout)                                                   \
    {                                                                                              \
        MEMBER(type, member), .len_offset = offsetof(struct type, number), .kind = FIELD_ROWS,     \
                              .max = (most), .row = (layout)                                       \
    }

// The name without the struct in the struct: "outcome" of ending.outcome.
const char *field_name(const struct msg_field *field);

// The fields one after another, without an array around them. Errors are the writer's.
void fields_put(struct pack_writer *w, const struct layout *layout, const void *from);
// Into a struct of zeros. Bad bytes fail the reader. What is borrowed is borrowed from its bytes.
void fields_get(struct pack_reader *r, const struct layout *layout, void *ret);
// The same with the array around them.
void row_put(struct pack_writer *w, const struct layout *layout, const void *from);
void row_get(struct pack_reader *r, const struct layout *layout, void *ret);
