// A job's records: pages, the file, places that stay, parts of large ones.
#include "coordinator/records.h"

#include "coordinator/page_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct buf header, body;
static struct records_room room;
static uint8_t bytes[40 << 20];

static int add(struct job_records *records, uint64_t chunk, size_t len)
{
    const struct record_entry record = {.chunk = chunk, .worker = ""};
    const struct slice part = {.data = bytes, .len = len};
    memset(bytes, (int)chunk, len < 100 ? len : 100);
    return job_records_add(records, &record, NULL, 0, &part, 1);
}

// Takes all that may be had; the number of records, whose chunks must follow `from`.
static uint64_t take_all(struct job_records *records, struct record_cursor *cursor, uint64_t from,
                         uint64_t offset_end, uint64_t max)
{
    uint64_t n = 0;
    int r;
    for (;;) {
        struct records_reader reader;
        struct record_entry record;
        struct err err;
        buf_clear(&header);
        buf_clear(&body);
        r = job_records_take(records, cursor, 7, offset_end, max, &header, &body);
        if (r <= 0)
            break;
        cr_assert_eq(records_open(&reader, header.data, header.len, body.data, body.len, &err), 0);
        cr_expect_eq(reader.stream, 7);
        while (records_next(&reader, &record, &err) == 1) {
            cr_expect_eq(record.chunk, from + n);
            cr_expect_eq(reader.offset, record.chunk, "chunks are added in order here");
            n += !record.more;
        }
    }
    cr_expect_eq(r, 0);
    return n;
}

static void done(struct job_records *records)
{
    job_records_done(records);
    cr_expect_eq(room.memory, 0, "all is given back");
    room.file = page_file_free(room.file);
    buf_done(&header);
    buf_done(&body);
}

Test(records, a_place_goes_on_over_pages)
{
    struct job_records records;
    struct record_cursor at;
    uint64_t n = 0;
    job_records_init(&records, &room);
    cr_assert_eq(job_records_seek(&records, 0, &at), 0);
    for (uint64_t i = 0; i < 3 * RECORDS_PAGE_ENTRIES; i += 1000) {
        for (uint64_t j = i; j < i + 1000; j++)
            cr_assert_eq(add(&records, j, 3), 0);
        n += take_all(&records, &at, n, UINT64_MAX, UINT64_MAX);
        cr_expect_eq(n, i + 1000, "what was added after the place was taken follows");
    }
    cr_expect_eq(at.offset, records.next);
    done(&records);
}

Test(records, bounds_of_a_reader)
{
    struct job_records records;
    struct record_cursor at;
    job_records_init(&records, &room);
    for (uint64_t i = 0; i < 10; i++)
        add(&records, i, 100);
    cr_assert_eq(job_records_seek(&records, 2, &at), 0);
    cr_expect_eq(job_records_after(&records, &at), 800);
    cr_expect_eq(take_all(&records, &at, 2, 5, UINT64_MAX), 3, "below offset_end");
    cr_expect_eq(job_records_take(&records, &at, 7, 10, 150, &header, &body), 2,
                 "an entry that begins below the bytes goes whole");
    cr_expect_eq(at.offset, 7);
    cr_expect_eq(job_records_after(&records, &at), 300);
    done(&records);
}

Test(records, a_large_one_goes_in_parts)
{
    struct job_records records;
    struct record_cursor at;
    job_records_init(&records, &room);
    cr_assert_eq(add(&records, 0, 10), 0);
    cr_assert_eq(add(&records, 1, 2 * PROTO_RECORD_PART_MAX + 5), 0);
    cr_assert_eq(add(&records, 2, 10), 0);
    cr_expect_eq(records.next, 3);
    cr_assert_eq(job_records_seek(&records, 1, &at), 0);
    cr_expect_eq(take_all(&records, &at, 1, UINT64_MAX, UINT64_MAX), 2);
    cr_assert_eq(job_records_seek(&records, 2, &at), 0, "after the last part, not at one");
    cr_expect_eq(take_all(&records, &at, 2, UINT64_MAX, UINT64_MAX), 1);
    cr_assert_eq(job_records_seek(&records, 1, &at), 0);
    cr_expect_eq(take_all(&records, &at, 1, 2, 1), 1, "once begun it goes to its end");
    done(&records);
}

Test(records, what_is_dropped_is_stale)
{
    struct job_records records;
    struct record_cursor at, early;
    job_records_init(&records, &room);
    for (uint64_t i = 0; i < 3 * RECORDS_PAGE_ENTRIES; i++)
        add(&records, i, 3);
    cr_assert_eq(job_records_seek(&records, 2 * RECORDS_PAGE_ENTRIES + 5, &at), 0);
    cr_assert_eq(job_records_seek(&records, 1, &early), 0);
    uint64_t before = records.bytes;
    job_records_drop(&records, RECORDS_PAGE_ENTRIES + 1);
    cr_expect_lt(records.bytes, before);
    cr_expect_eq(records.n, 2, "a whole page went");
    cr_expect_eq(job_records_seek(&records, RECORDS_PAGE_ENTRIES, &early), -ESTALE);
    cr_expect_eq(job_records_seek(&records, RECORDS_PAGE_ENTRIES + 1, &early), 0);
    cr_expect_eq(take_all(&records, &at, 2 * RECORDS_PAGE_ENTRIES + 5, UINT64_MAX, UINT64_MAX),
                 RECORDS_PAGE_ENTRIES - 5, "a later place stays");
    job_records_drop(&records, UINT64_MAX);
    cr_expect_eq(records.bytes, 0);
    cr_expect_eq(records.first, 3 * RECORDS_PAGE_ENTRIES);
    cr_assert_eq(add(&records, 3 * RECORDS_PAGE_ENTRIES, 3), 0);
    cr_assert_eq(job_records_seek(&records, 3 * RECORDS_PAGE_ENTRIES, &at), 0);
    cr_expect_eq(take_all(&records, &at, 3 * RECORDS_PAGE_ENTRIES, UINT64_MAX, UINT64_MAX), 1);
    done(&records);
}

Test(records, the_file_gives_them_back)
{
    struct job_records records;
    struct record_cursor at;
    page_file_new("/tmp", &room.file);
    job_records_init(&records, &room);
    for (uint64_t i = 0; i < 40; i++)
        cr_assert_eq(add(&records, i, 1 << 20), 0);
    cr_expect_leq(records.memory, RECORDS_MEMORY + RECORDS_PAGE_BODY);
    cr_expect_geq(records.bytes, 40u << 20);
    cr_assert_eq(job_records_seek(&records, 0, &at), 0);
    cr_expect_eq(take_all(&records, &at, 0, UINT64_MAX, UINT64_MAX), 40);
    cr_assert_eq(job_records_seek(&records, 3, &at), 0);
    cr_expect_eq(take_all(&records, &at, 3, 4, UINT64_MAX), 1);
    done(&records);
}

Test(records, no_file_loses_nothing)
{
    struct job_records records;
    struct record_cursor at;
    int r = 0;
    page_file_new("/nowhere/at/all", &room.file);
    job_records_init(&records, &room);
    for (uint64_t i = 0; i < 12; i++) {
        r = add(&records, i, 1 << 20);
        cr_expect_eq(r, i < 7 ? 0 : -ENOENT, "%d", (int)i);
    }
    cr_assert_eq(job_records_seek(&records, 0, &at), 0);
    cr_expect_eq(take_all(&records, &at, 0, UINT64_MAX, UINT64_MAX), 12);
    done(&records);
}
