#include "pipelines/build/build_range.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

// A..B or A..B..STEP, both ends included.
static bool parse_range(const char *text, struct range *ret, bool *ret_zero_step)
{
    char parts[3][24];
    int64_t numbers[3] = {0, 0, 0};
    size_t n = 0;
    for (const char *c = text; n < 3; n++) {
        const char *dots = strstr(c, "..");
        size_t len = dots ? (size_t)(dots - c) : strlen(c);
        if (len >= sizeof(parts[0]))
            return false;
        memcpy(parts[n], c, len);
        parts[n][len] = '\0';
        if (parse_i64(parts[n], &numbers[n]) < 0 || (n == 2 && dots))
            return false;
        if (!dots) {
            n++;
            break;
        }
        c = dots + 2;
    }
    if (n < 2)
        return false;
    int64_t first = numbers[0], last = numbers[1];
    if (n == 2)
        numbers[2] = first <= last ? 1 : -1;
    *ret_zero_step = numbers[2] == 0;
    if (numbers[2] == 0)
        return true;
    // Like bash, the sign of the step follows the direction.
    bool down = last < first;
    uint64_t span = down ? (uint64_t)first - (uint64_t)last : (uint64_t)last - (uint64_t)first;
    uint64_t size = numbers[2] < 0 ? 0 - (uint64_t)numbers[2] : (uint64_t)numbers[2];
    *ret = (struct range){.start = first,
                          .step = down ? (int64_t)(0 - size) : (int64_t)size,
                          .count = span / size == UINT64_MAX ? UINT64_MAX : span / size + 1};
    return true;
}

bool range_read(struct builder *b, struct node *node, struct range *ret)
{
    struct range range = {.start = 0, .step = 1};
    bool zero_step = false;
    const char *text;
    if (node->is_bad)
        return false;
    if (node->kind == NODE_MAP) {
        check_keys(b, node, SECTION_RANGE);
        bool given = read_count(b, SECTION_RANGE, node, "count", &range.count);
        given &= read_integer(b, node, "start", &range.start) || !node_get(node, "start");
        given &= read_integer(b, node, "step", &range.step) || !node_get(node, "step");
        if (!given)
            return false;
        zero_step = range.step == 0;
    } else {
        if (!want_text(b, node, &text))
            return false;
        _free_ char *filled = fill_in(b, node, text, true);
        if (!filled)
            return false;
        if (!parse_range(filled, &range, &zero_step)) {
            refuse(b, node, "write 1..100 (both ends included) or 1..100..5", "'%s' is not a range",
                   filled);
            return false;
        }
    }
    if (zero_step)
        refuse(b, node, NULL, "a step of 0 would never end");
    else if (!range_ok(&range))
        refuse(b, node, NULL, "the numbers do not fit into 64 bits");
    else
        *ret = range;
    return !node->is_bad;
}
