// PROTOCOL.md is normative; its tables and the code must say the same.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proto/limits.h"
#include "proto/table.h"

static char *read_document(void)
{
    FILE *f = fopen(PROTO_DIR "/PROTOCOL.md", "r");
    cr_assert_not_null(f);
    char *text = calloc(1, 1 << 16);
    fread(text, 1, (1 << 16) - 1, f);
    fclose(f);
    return text;
}

static const char *sender_words(char sender)
{
    switch (sender) {
    case 'w':
        return "worker";
    case 'c':
        return "coordinator";
    case 'b':
        return "worker, coordinator";
    case 'k':
        return "client";
    case 'o':
        return "client, observer";
    case 't':
        return "attendant";
    case 'f':
        return "client, attendant";
    case 's':
        return "client, observer, attendant";
    default:
        return "any";
    }
}

// "slots u32 from 1 to 65536"
static void describe_field(struct buf *out, const struct msg_field *f);

static void describe_fields(struct buf *out, const struct layout *layout)
{
    for (uint32_t i = 0; i < layout->n; i++) {
        buf_add_str(out, i ? ", " : "");
        describe_field(out, &layout->fields[i]);
    }
}

static void describe_number(struct buf *out, const struct msg_field *f, const char *kind,
                            int64_t min, uint64_t max)
{
    buf_add_str(out, kind);
    if (f->min != min)
        buf_printf(out, " from %lld", (long long)f->min);
    if (f->max != max && (int64_t)f->max < 0 && min < 0)
        buf_printf(out, " to %lld", (long long)f->max);
    else if (f->max != max)
        buf_printf(out, " to %llu", (unsigned long long)f->max);
}

static void describe_field(struct buf *out, const struct msg_field *f)
{
    unsigned long long max = f->max;
    buf_printf(out, "`%s` ", field_name(f));
    switch (f->kind) {
    case FIELD_U8:
        describe_number(out, f, "u8", 0, UINT8_MAX);
        break;
    case FIELD_U32:
        describe_number(out, f, "u32", 0, UINT32_MAX);
        break;
    case FIELD_COUNT:
        describe_number(out, f, "u32 in four bytes", 0, UINT32_MAX);
        break;
    case FIELD_U64:
        describe_number(out, f, "u64", 0, UINT64_MAX);
        break;
    case FIELD_I32:
        describe_number(out, f, "i32", INT32_MIN, INT32_MAX);
        break;
    case FIELD_I64:
        describe_number(out, f, "i64", INT64_MIN, INT64_MAX);
        break;
    case FIELD_BOOL:
        buf_add_str(out, "bool");
        break;
    case FIELD_TEXT:
    case FIELD_STR_REF:
        buf_printf(out, "text %llu", max);
        break;
    case FIELD_STR_NIL:
        buf_printf(out, "text %llu or nil", max);
        break;
    case FIELD_BIN:
        buf_printf(out, "bin %llu", max);
        break;
    case FIELD_BIN_REF:
        buf_printf(out, "bin to %llu", max);
        break;
    case FIELD_BIN_NIL:
        buf_printf(out, "bin to %llu or nil", max);
        break;
    case FIELD_ROW:
        buf_printf(out, "a %s", f->row->name);
        break;
    case FIELD_ROWS:
        buf_printf(out, "to %llu of [", max);
        describe_fields(out, f->row);
        buf_add_str(out, "]");
        break;
    case FIELD_CANCEL:
        buf_printf(out, "u32 to %llu", max);
        break;
    case FIELD_LENS:
        buf_add_str(out, "lens");
        break;
    }
}

static void expect_line(const char *document, struct buf *line)
{
    buf_add(line, "\n", 2);
    cr_expect_not_null(strstr(document, (const char *)line->data), "not in PROTOCOL.md:%s",
                       (const char *)line->data);
    buf_done(line);
}

static void check_message(const char *document, int type, const char *name, char sender)
{
    struct buf row = {0};
    const struct layout *layout = msg_layout(type);
    cr_assert_not_null(layout, "%s", name);
    buf_printf(&row, "\n| %d | %s | %s | ", type, name, sender_words(sender));
    describe_fields(&row, layout);
    if (layout->entries)
        buf_printf(&row, ", then `count` times a %s", layout->entries->name);
    buf_add_str(&row, type == MSG_INFO ? ", then `count` times a row |" : " |");
    expect_line(document, &row);
}

Test(document, lists_every_message_with_its_number_sender_and_fields)
{
    char *text = read_document();
    int n = 0;
#define MSG(name, number, sender, words)                                                           \
    check_message(text, number, #name, #sender[0]);                                                \
    n++;
#include "proto/messages.def"
#undef MSG
    char beyond[32];
    snprintf(beyond, sizeof(beyond), "\n| %d |", n + 1);
    cr_expect_null(strstr(text, beyond), "a message the code doesn't know");
    cr_expect_null(msg_layout(n + 1));
    free(text);
}

Test(document, lists_the_fields_of_every_entry_and_row)
{
    char *text = read_document();
    const struct layout *const rows[] = {
        &lease_entry,         &result_entry,           &return_entry,          &record_row,
        info_row(QUERY_JOBS), info_row(QUERY_WORKERS), info_row(QUERY_EXPLAIN)};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf line = {0};
        buf_printf(&line, "\n### %c%s\n[", rows[i]->name[0] - 'a' + 'A', rows[i]->name + 1);
        describe_fields(&line, rows[i]);
        buf_add_str(&line, "]");
        expect_line(text, &line);
    }
    free(text);
}

static size_t count_limits(void)
{
    char line[256];
    size_t n = 0;
    FILE *f = fopen(PROTO_DIR "/limits.h", "r");
    cr_assert_not_null(f);
    while (fgets(line, sizeof(line), f))
        n += strncmp(line, "#define PROTO_", strlen("#define PROTO_")) == 0;
    fclose(f);
    return n;
}

Test(document, gives_the_limits_that_the_code_has)
{
#define LIMIT(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct {
        const char *name;
        unsigned long long value;
    } limits[] = {
        LIMIT(PROTO_VERSION_MIN),    LIMIT(PROTO_VERSION_MAX),     LIMIT(PROTO_HEADER_MAX),
        LIMIT(PROTO_BODY_MAX),       LIMIT(PROTO_MESSAGE_MAX),     LIMIT(PROTO_RUN_KINDS),
        LIMIT(PROTO_NAME_MAX),       LIMIT(PROTO_TEXT_MAX),        LIMIT(PROTO_SESSION_BYTES),
        LIMIT(PROTO_LEASE_RUNS_MAX), LIMIT(PROTO_RUN_CHUNKS_MAX),  LIMIT(PROTO_RESULTS_MAX),
        LIMIT(PROTO_ITEMS_MAX),      LIMIT(PROTO_STDERR_TAIL_MAX), LIMIT(PROTO_STDERR_MAX),
        LIMIT(PROTO_STEP_MAX),       LIMIT(PROTO_RESULT_PART_MAX), LIMIT(PROTO_RESULT_MAX),
        LIMIT(PROTO_SLOTS_MAX),      LIMIT(PROTO_WINDOW_MAX),      LIMIT(PROTO_PLAN_MAX),
        LIMIT(PROTO_RECORDS_MAX),    LIMIT(PROTO_RECORD_PART_MAX), LIMIT(PROTO_ITEM_MAX),
        LIMIT(PROTO_INFO_ROWS_MAX),  LIMIT(PROTO_EXTENT_MAX),      LIMIT(PROTO_LIBRARY_MAX),
        LIMIT(PROTO_LIST_MAX),       LIMIT(PROTO_HEARTBEAT_NS),    LIMIT(PROTO_SILENCE_NS),
        LIMIT(PROTO_BEGUN_MAX),      LIMIT(PROTO_NEEDS_MAX),       LIMIT(PROTO_RANGES_MAX),
    };
    size_t n = sizeof(limits) / sizeof(limits[0]);
    char *text = read_document();
    for (size_t i = 0; i < n; i++) {
        char row[100];
        snprintf(row, sizeof(row), "\n| %s | %llu |", limits[i].name, limits[i].value);
        cr_expect_not_null(strstr(text, row), "not in PROTOCOL.md:%s", row);
    }
    cr_expect_eq(count_limits(), n, "a limit of limits.h is not compared here");
    free(text);
}
