// PROTOCOL.md is normative; its tables and the code must say the same.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

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
    default:
        return "any";
    }
}

Test(document, lists_every_message_with_its_number_and_direction)
{
    char *text = read_document();
    int n = 0;
#define MSG(name, number, direction, words)                                                        \
    {                                                                                              \
        char row[100];                                                                             \
        const char *side = sender_words(#direction[0]);                                            \
        snprintf(row, sizeof(row), "\n| %d | %s | %s |", number, #name, side);                     \
        cr_expect_not_null(strstr(text, row), "%s", row);                                          \
        n++;                                                                                       \
    }
#include "proto/messages.def"
#undef MSG
    char beyond[32];
    snprintf(beyond, sizeof(beyond), "\n| %d |", n + 1);
    cr_assert_null(strstr(text, beyond), "a message the code doesn't know");
    free(text);
}

Test(document, gives_the_limits_that_the_code_has)
{
    char *text = read_document();
#define LIMIT(name)                                                                                \
    {                                                                                              \
        char row[100];                                                                             \
        snprintf(row, sizeof(row), "\n| " #name " | %llu |", (unsigned long long)(name));          \
        cr_expect_not_null(strstr(text, row), "%s", row);                                          \
    }
    LIMIT(PROTO_HEADER_MAX)
    LIMIT(PROTO_BODY_MAX)
    LIMIT(PROTO_MESSAGE_MAX)
    LIMIT(PROTO_RUN_KINDS)
    LIMIT(PROTO_NAME_MAX)
    LIMIT(PROTO_TEXT_MAX)
    LIMIT(PROTO_SESSION_BYTES)
    LIMIT(PROTO_LEASE_RUNS_MAX)
    LIMIT(PROTO_RUN_CHUNKS_MAX)
    LIMIT(PROTO_RESULTS_MAX)
    LIMIT(PROTO_ITEMS_MAX)
    LIMIT(PROTO_STDERR_TAIL_MAX)
    LIMIT(PROTO_STEP_MAX)
    LIMIT(PROTO_RESULT_PART_MAX)
    LIMIT(PROTO_SLOTS_MAX)
    LIMIT(PROTO_LIBRARY_MAX)
    LIMIT(PROTO_WINDOW_MAX)
    LIMIT(PROTO_PLAN_MAX)
    LIMIT(PROTO_RECORDS_MAX)
    LIMIT(PROTO_RECORD_PART_MAX)
    LIMIT(PROTO_ITEM_MAX)
    LIMIT(PROTO_INFO_ROWS_MAX)
    LIMIT(PROTO_LIST_MAX)
    free(text);
}
