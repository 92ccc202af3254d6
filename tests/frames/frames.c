// Prints header frames as text, by the table of proto/. Standard input has one a line, in
// hexadecimal digits; before and after it, separated by tabs, text that is printed as it is.
// scripts/frames makes such lines of what strace saw.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proto/limits.h"
#include "proto/table.h"

#define BYTES_SHOWN 16 // of a bin

static void show_row(struct pack_reader *r, const struct layout *layout);

static void show_text(const char *text, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++)
        if (isprint((unsigned char)text[i]) && text[i] != '"' && text[i] != '\\')
            putchar(text[i]);
        else
            printf("\\x%02x", (unsigned char)text[i]);
    putchar('"');
}

static void show_bin(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len && i < BYTES_SHOWN; i++)
        printf("%02x", data[i]);
    if (len > BYTES_SHOWN || len == 0)
        printf("%s(%zu bytes)", len ? "..." : "", len);
}

// Any number is shown; one out of its range is marked.
static uint64_t show_unsigned(struct pack_reader *r, const struct msg_field *f)
{
    uint64_t value = pack_read_u64(r, UINT64_MAX);
    bool is_good = value >= (uint64_t)f->min && value <= f->max;
    if (pack_ok(r))
        printf("%llu%s", (unsigned long long)value, is_good ? "" : "!");
    return value;
}

static void show_signed(struct pack_reader *r, const struct msg_field *f)
{
    int64_t value = pack_read_i64(r);
    if (pack_ok(r))
        printf("%lld%s", (long long)value, value < f->min || value > (int64_t)f->max ? "!" : "");
}

static void show_lens(struct pack_reader *r, const struct msg_field *f)
{
    bool is_array = r->at < r->end && ((*r->at & 0xf0) == 0x90 || *r->at == 0xdc || *r->at == 0xdd);
    if (!is_array) {
        show_unsigned(r, f);
        return;
    }
    uint32_t n = pack_read_array(r, PROTO_RUN_CHUNKS_MAX);
    for (uint32_t i = 0; i < n && pack_ok(r); i++) {
        putchar(i ? ',' : '[');
        show_unsigned(r, f);
    }
    putchar(']');
}

static void show_rows(struct pack_reader *r, const struct layout *layout, uint32_t n)
{
    putchar('[');
    for (uint32_t i = 0; i < n && pack_ok(r); i++) {
        if (i)
            putchar(' ');
        show_row(r, layout);
    }
    putchar(']');
}

// Its value when it is an unsigned number.
static uint64_t show_field(struct pack_reader *r, const struct msg_field *f)
{
    size_t len;
    printf("%s=", field_name(f));
    if (pack_read_nil(r)) {
        printf("nil");
        return 0;
    }
    switch (f->kind) {
    case FIELD_U8:
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_COUNT:
    case FIELD_CANCEL:
        return show_unsigned(r, f);
    case FIELD_I32:
    case FIELD_I64:
        show_signed(r, f);
        break;
    case FIELD_BOOL:
        printf(pack_read_bool(r) ? "true" : "false");
        break;
    case FIELD_TEXT:
    case FIELD_STR_REF:
    case FIELD_STR_NIL: {
        const char *text = pack_read_str(r, PROTO_HEADER_MAX, &len);
        show_text(text, len);
        break;
    }
    case FIELD_BIN:
    case FIELD_BIN_REF:
    case FIELD_BIN_NIL: {
        const uint8_t *data = pack_read_bin(r, PROTO_HEADER_MAX, &len);
        show_bin(data, len);
        break;
    }
    case FIELD_ROW:
        show_row(r, f->row);
        break;
    case FIELD_ROWS:
        show_rows(r, f->row, pack_read_array(r, UINT32_MAX));
        break;
    case FIELD_LENS:
        show_lens(r, f);
        break;
    }
    return 0;
}

static void show_row(struct pack_reader *r, const struct layout *layout)
{
    if (pack_read_array(r, layout->n) != layout->n)
        pack_fail(r);
    putchar('{');
    for (uint32_t i = 0; i < layout->n && pack_ok(r); i++) {
        if (i)
            putchar(' ');
        show_field(r, &layout->fields[i]);
    }
    putchar('}');
}

static void show_message(const uint8_t *header, size_t len)
{
    int type = msg_type_of(header, len);
    const struct layout *layout = msg_layout(type);
    struct pack_reader r;
    uint64_t value = 0, what = 0;
    pack_reader_init(&r, header, len);
    if (!layout) {
        printf("message %s", msg_name(type));
        return;
    }
    printf("%s", msg_name(type));
    if (pack_read_array(&r, UINT32_MAX) != layout->n + 1)
        pack_fail(&r);
    pack_read_u64(&r, UINT8_MAX);
    for (uint32_t i = 0; i < layout->n && pack_ok(&r); i++) {
        putchar(' ');
        value = show_field(&r, &layout->fields[i]);
        if (strcmp(layout->fields[i].name, "what") == 0)
            what = value;
    }
    const struct layout *entries = layout->entries;
    if (type == MSG_INFO && what < QUERY_COUNT)
        entries = info_row((enum query)what);
    if (entries && pack_ok(&r)) {
        printf(" entries=");
        show_rows(&r, entries, (uint32_t)value);
    }
    if (!pack_ok(&r))
        printf(" BAD: a field is missing or of a wrong type");
    else if (!pack_at_end(&r))
        printf(" BAD: %td bytes after its end", r.end - r.at);
}

// False when the text is something else than hexadecimal digits.
static bool read_hex(const char *text, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    int high = -1;
    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            continue;
        const char *digit = strchr(digits, tolower((unsigned char)*text));
        if (!digit)
            return false;
        int value = (int)(digit - digits);
        if (high < 0) {
            high = value;
            continue;
        }
        uint8_t byte = (uint8_t)(high << 4 | value);
        if (buf_add(out, &byte, 1) < 0)
            return false;
        high = -1;
    }
    return high < 0 && out->len > 0;
}

static bool show_line(char *line)
{
    struct buf header;
    line[strcspn(line, "\n")] = '\0';
    char *hex = strchr(line, '\t');
    const char *before = hex ? line : "", *after = "";
    if (hex) {
        *hex++ = '\0';
        char *tab = strchr(hex, '\t');
        if (tab) {
            *tab = '\0';
            after = tab + 1;
        }
    } else {
        hex = line;
    }
    buf_init(&header, PROTO_HEADER_MAX);
    bool is_hex = read_hex(hex, &header);
    if (is_hex) {
        printf("%s%s", before, *before ? " " : "");
        show_message(header.data, header.len);
        printf("%s%s\n", *after ? " " : "", after);
    }
    buf_done(&header);
    return is_hex;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    int status = 0;
    while (getline(&line, &size, stdin) > 0) {
        number++;
        if (line[0] == '\n' || line[0] == '#' || show_line(line))
            continue;
        fflush(stdout);
        fprintf(stderr, "frames: line %u is not a frame in hexadecimal digits\n", number);
        status = 1;
    }
    free(line);
    return status;
}
