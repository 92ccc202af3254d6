// Where records of data begin and end. Pure.
//
// Whether a record begins at a byte depends only on the bytes around it, not on where the reading
// began. So workers that read pieces of one file agree about every record.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEPARATOR_MARK_MAX 64u                // bytes of the end or the start of a record
#define SEPARATOR_HEADER_MAX 1000u            // lines of a header
#define SEPARATOR_HEADER_BYTES_MAX (1u << 20) // of the header lines of one file
#define SEPARATOR_NONE SIZE_MAX

// Records of data. One begins behind an `end` that a `start` follows, and at the beginning of the
// data (behind the header). Without an end: where a start is; with neither, anywhere.
struct separator_rule {
    char end[SEPARATOR_MARK_MAX]; // '\n' by default
    uint8_t end_len;
    char start[SEPARATOR_MARK_MAX];
    uint8_t start_len;     // 0: none
    uint32_t header_lines; // of each file, repeated in front of each of its chunks
    bool drops_end;        // keep: false; the ends are not in the chunk
};

// What stands where one record ends and the next begins: the end, then the start.
struct separator {
    char bytes[2 * SEPARATOR_MARK_MAX];
    size_t len; // 0: a record may begin anywhere
    size_t cut; // the next record begins so many bytes into it
};
void separator_init(const struct separator_rule *rule, struct separator *ret);
// The first place at or behind `from` where a record begins; the bytes before it, as far as the
// mark needs them, must be part of `data`. SEPARATOR_NONE when there is none.
size_t separator_find(const struct separator *mark, const void *data, size_t len, size_t from);
// The least place behind `begin` where the next record may begin when records are counted.
static inline size_t separator_after(const struct separator *mark, size_t begin)
{
    return begin + (mark->cut ? mark->cut : 1);
}
// Takes the ends out of whole records, in place. Returns what is left of `len`.
size_t separator_strip(const struct separator_rule *rule, void *data, size_t len);

// True for records that end with one byte, and nothing else is asked for.
static inline bool separator_is_simple(const struct separator_rule *rule)
{
    return rule->end_len == 1 && !rule->start_len && !rule->header_lines && !rule->drops_end;
}
// True when the rule has no contradictions, for what comes from a peer.
bool separator_rule_ok(const struct separator_rule *rule);
// Bytes of the first rule->header_lines lines of `data`; SEPARATOR_NONE when they are not whole
// yet.
size_t separator_header(const struct separator_rule *rule, const void *data, size_t len);
