// A job's records, encoded as they will be sent, in pages, from the oldest that is kept to the
// newest. Up to RECORDS_MEMORY of a job, and RECORDS_MEMORY_ALL of all jobs, is kept in memory,
// further pages in a file. A cursor stands between two entries and stays valid until its page is
// dropped.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/record.h"

#define RECORDS_PAGE_ENTRIES 4096u
#define RECORDS_PAGE_HEADER (256u << 10)
#define RECORDS_PAGE_BODY (1u << 20)
#define RECORDS_MEMORY (8u << 20)         // of a job, then whole pages go to the file
#define RECORDS_MEMORY_ALL (128ull << 20) // of all jobs, then the last ones go, too
#define RECORDS_SMALL 2048u               // pages that are not worth a place in the file

struct page_file;

// What the records of all jobs have in common.
struct records_room {
    struct page_file *file; // NULL: all stay in memory
    uint64_t memory;        // bytes of pages in memory
};

struct record_page {
    uint64_t first; // offset of its first entry
    uint32_t entries;
    bool is_closed;       // no entry is added to it any more
    bool goes_on;         // its first entry continues the record of the page before
    uint64_t body_before; // result bytes of all pages before it, since the first
    size_t header_len;
    size_t body_len;
    struct buf header; // empty once in the file
    struct buf body;
    int64_t at; // in the file; -1: in memory
};

struct job_records {
    struct records_room *room; // borrowed
    struct record_page *pages;
    size_t n;
    uint64_t page_number; // of pages[0], counted from the job's first
    uint64_t first;       // oldest offset that is kept
    uint64_t next;        // offset of the next record
    uint64_t body_added;  // result bytes, since the first
    uint64_t bytes;       // of all pages
    uint64_t memory;      // of those in memory
    uint64_t memory_max;  // RECORDS_MEMORY, unless a reader is close behind
    size_t written;       // pages at the front of which none is in memory
    bool mid_record;      // the last entry had `more`
};

struct record_cursor {
    uint64_t page;
    uint32_t entry;
    size_t header_at;
    size_t body_at;
    uint64_t offset; // of the entry it stands before
};

void job_records_init(struct job_records *records, struct records_room *room);
void job_records_done(struct job_records *records);
// Appends a record with its bytes, in entries of at most PROTO_RECORD_PART_MAX: `errors`, of
// standard error, then `parts`, of the result. -ENOMEM; writing the file: -ENOSPC, -EIO, ...; the
// record is then kept in memory all the same.
int job_records_add(struct job_records *records, const struct record_entry *record,
                    const struct slice *errors, size_t n_errors, const struct slice *parts,
                    size_t n_parts);
// Writes pages to the file until no more than that is in memory; none is begun once `budget` bytes
// were written. -ENOSPC, ...: the rest stays in memory.
int job_records_spill(struct job_records *records, uint64_t memory, uint64_t *budget);
// No record follows: what is in memory of an open page is given back down to its size.
void job_records_close(struct job_records *records);
// Drops whole pages below the offset, oldest first, until that many bytes are free.
void job_records_make_room(struct job_records *records, uint64_t offset, uint64_t bytes);
// Drops whole pages below the offset. A cursor in a dropped page must seek again.
void job_records_drop(struct job_records *records, uint64_t offset);
// Places the cursor before the first entry of a record. -ESTALE: it was dropped.
int job_records_seek(const struct job_records *records, uint64_t offset, struct record_cursor *ret);
// Result bytes after the cursor.
uint64_t job_records_after(const struct job_records *records, const struct record_cursor *cursor);
// Takes entries from the cursor's page: appends them to `header`, after a RECORDS head of `stream`,
// and their bytes to `body`, as many as stay below `offset_end` and `bytes` (one at least, if it is
// below offset_end). Moves the cursor. Returns their number, or -EIO, -ENOMEM.
int job_records_take(struct job_records *records, struct record_cursor *cursor, uint64_t stream,
                     uint64_t offset_end, uint64_t bytes, struct buf *header, struct buf *body);
