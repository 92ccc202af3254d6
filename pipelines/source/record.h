// Where records of data begin and end. Pure.
//
// Whether a record begins at a byte depends only on the bytes around it, not on where the reading
// began. So workers that read pieces of one file agree about every record.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipelines/plan.h"

#define RECORD_HEADER_BYTES_MAX (1u << 20) // of the header lines of one file
#define RECORD_NONE SIZE_MAX

// What stands where one record ends and the next begins: the end, then the start.
struct record_mark {
    char bytes[2 * RECORD_MARK_MAX];
    size_t len; // 0: a record may begin anywhere
    size_t cut; // the next record begins so many bytes into it
};
void record_mark_init(const struct record_rule *rule, struct record_mark *ret);
// The first place at or behind `from` where a record begins; the bytes before it, as far as the
// mark needs them, must be part of `data`. RECORD_NONE when there is none.
size_t record_find(const struct record_mark *mark, const void *data, size_t len, size_t from);
// The least place behind `begin` where the next record may begin when records are counted.
static inline size_t record_after(const struct record_mark *mark, size_t begin)
{
    return begin + (mark->cut ? mark->cut : 1);
}
// Takes the ends out of whole records, in place. Returns what is left of `len`.
size_t record_strip(const struct record_rule *rule, void *data, size_t len);

// True for records that end with one byte, and nothing else is asked for.
static inline bool record_is_simple(const struct record_rule *rule)
{
    return rule->end_len == 1 && !rule->start_len && !rule->header_lines && !rule->drops_end;
}
// True when the rule has no contradictions, for what comes from a peer.
bool record_rule_ok(const struct record_rule *rule);
// Bytes of the first rule->header_lines lines of `data`; RECORD_NONE when they are not whole yet.
size_t record_header(const struct record_rule *rule, const void *data, size_t len);
