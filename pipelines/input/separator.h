// Where the records of data end (the job file's key `record`). Pure.
//
// Whether a record begins at a byte depends only on the bytes around it, not on where reading
// began, so workers that read pieces of one file agree about every record.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEPARATOR_MARK_MAX 64u                // bytes of the end or the start of a record
#define SEPARATOR_HEADER_MAX 1000u            // lines of a header
#define SEPARATOR_HEADER_BYTES_MAX (1u << 20) // of the header lines of one file
#define SEPARATOR_NONE SIZE_MAX

// A record begins after an `end` that is followed by a `start`, and at the beginning of the data
// (after the header). Without an end it begins at each start; with neither, anywhere.
struct separator_rule {
    char end[SEPARATOR_MARK_MAX]; // '\n' by default
    uint8_t end_len;
    char start[SEPARATOR_MARK_MAX];
    uint8_t start_len;     // 0: none
    uint32_t header_lines; // of each file, repeated at the start of each of its chunks
    bool drops_end;        // keep: false; chunks do not contain the ends
};

// The bytes between two records: the end of one, then the start of the next.
struct separator {
    char bytes[2 * SEPARATOR_MARK_MAX];
    size_t len; // 0: a record may begin anywhere
    size_t cut; // bytes of it that belong to the end
};
void separator_init(const struct separator_rule *rule, struct separator *ret);
// The first place at or after `from` where a record begins; `data` must include the bytes before
// it, as far as the separator reaches. SEPARATOR_NONE if there is none.
size_t separator_find(const struct separator *s, const void *data, size_t len, size_t from);
// The first place after `begin` where the next record may begin when records are counted.
static inline size_t separator_after(const struct separator *s, size_t begin)
{
    return begin + (s->cut ? s->cut : 1);
}
// Removes the ends of whole records, in place. Returns the remaining length.
size_t separator_strip(const struct separator_rule *rule, void *data, size_t len);

// True for records that just end with one byte.
static inline bool separator_is_simple(const struct separator_rule *rule)
{
    return rule->end_len == 1 && !rule->start_len && !rule->header_lines && !rule->drops_end;
}
// True when the rule has no contradictions, for rules that come from a peer.
bool separator_rule_ok(const struct separator_rule *rule);
// Bytes of the first rule->header_lines lines of `data`; SEPARATOR_NONE when they are incomplete.
size_t separator_header(const struct separator_rule *rule, const void *data, size_t len);
