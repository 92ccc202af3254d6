// The good results of a job whose failed chunks run again as another job: they go into that job's
// records in their places, so that its file becomes what it would have been without the failures.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/record.h"

#define KEPT_BYTES_MAX (64u << 20) // of a job; copying them takes some 30 ms

struct job_records;
struct kept_page;

struct kept {
    struct kept_page *pages;
    size_t n;
    // The next record, of a chunk that was ok.
    bool has_next;
    struct record_entry next;
    struct slice *errors; // what it wrote to standard error before the last piece
    size_t n_errors;
    struct slice *parts;
    size_t n_parts;
    // Where it was read from.
    size_t page;
    bool is_open;
    struct records_reader reader;
};

// A copy of all that a job keeps. -EFBIG: too much; -ESTALE: some of it was dropped; -EIO, -ENOMEM.
int kept_copy(struct job_records *from, struct kept *ret);
// Moves on to the next record: all of it borrows from `kept`. Negative errno.
int kept_advance(struct kept *kept);
void kept_done(struct kept *kept);
