#include "coordinator/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "coordinator/page_file.h"

void job_records_init(struct job_records *records, struct records_room *room)
{
    *records = (struct job_records){.room = room, .memory_max = RECORDS_MEMORY};
}

static void page_done(struct record_page *page)
{
    buf_done(&page->header);
    buf_done(&page->body);
}

static size_t page_len(const struct record_page *page)
{
    return page->header_len + page->body_len;
}

static void count_memory(struct job_records *records, int64_t bytes)
{
    records->memory += (uint64_t)bytes;
    records->room->memory += (uint64_t)bytes;
}

// Its bytes, wherever they are.
static void page_drop(struct job_records *records, struct record_page *page)
{
    records->bytes -= page_len(page);
    if (page->at < 0)
        count_memory(records, -(int64_t)page_len(page));
    else
        page_file_drop(records->room->file, page->at, page_len(page));
    page_done(page);
}

void job_records_done(struct job_records *records)
{
    for (size_t i = 0; i < records->n; i++)
        page_drop(records, &records->pages[i]);
    free(records->pages);
    job_records_init(records, records->room);
}

static struct record_page *last_page(struct job_records *records)
{
    return records->n ? &records->pages[records->n - 1] : NULL;
}

static bool page_is_full(const struct record_page *page)
{
    return page->is_closed || page->entries >= RECORDS_PAGE_ENTRIES ||
           page->header_len >= RECORDS_PAGE_HEADER || page->body_len >= RECORDS_PAGE_BODY;
}

static int new_page(struct job_records *records, struct record_page **ret)
{
    if (grow(records->pages, records->n, 1) < 0)
        return -ENOMEM;
    struct record_page *page = &records->pages[records->n++];
    *page = (struct record_page){.first = records->next,
                                 .goes_on = records->mid_record,
                                 .body_before = records->body_added,
                                 .at = -1};
    buf_init(&page->header, 0);
    buf_init(&page->body, 0);
    *ret = page;
    return 0;
}

static int page_write(struct job_records *records, struct record_page *page)
{
    const struct slice header = {.data = page->header.data, .len = page->header_len};
    const struct slice body = {.data = page->body.data, .len = page->body_len};
    int64_t at;
    int r = page_file_put(records->room->file, &header, &body, &at);
    if (r < 0)
        return r;
    page->at = at;
    page->is_closed = true;
    count_memory(records, -(int64_t)page_len(page));
    page_done(page);
    return 0;
}

// Oldest first: a reader that keeps up wants the newest next.
int job_records_spill(struct job_records *records, uint64_t memory, uint64_t *budget)
{
    int r = 0;
    if (!records->room->file)
        return 0;
    size_t i = records->written;
    bool all = true; // pages before `i` are written
    for (; i < records->n && records->memory > memory && *budget > 0 && r == 0; i++) {
        struct record_page *page = &records->pages[i];
        size_t len = page_len(page);
        if (page->at < 0 && len > RECORDS_SMALL) {
            r = page_write(records, page);
            *budget -= len < *budget ? len : *budget;
        }
        all = all && page->at >= 0;
        if (all)
            records->written = i + 1;
    }
    return r;
}

void job_records_close(struct job_records *records)
{
    struct record_page *page = last_page(records);
    if (!page || page->at >= 0)
        return;
    page->is_closed = true;
    buf_trim(&page->header);
    buf_trim(&page->body);
}

static int spill_if_full(struct job_records *records)
{
    uint64_t budget = UINT64_MAX;
    if (records->room->memory > RECORDS_MEMORY_ALL)
        return job_records_spill(records, 0, &budget);
    return records->memory > records->memory_max
               ? job_records_spill(records, records->memory_max, &budget)
               : 0;
}

// Copies up to `max` bytes of the parts from `*at` on.
static int add_bytes(struct buf *body, const struct slice *parts, size_t n_parts, size_t at,
                     size_t len)
{
    for (size_t i = 0; i < n_parts && len > 0; i++) {
        if (at >= parts[i].len) {
            at -= parts[i].len;
            continue;
        }
        size_t n = parts[i].len - at < len ? parts[i].len - at : len;
        int r = buf_add(body, parts[i].data + at, n);
        if (r < 0)
            return r;
        at = 0;
        len -= n;
    }
    return 0;
}

static int add_entry(struct job_records *records, const struct record_entry *entry,
                     const struct slice *parts, size_t n_parts, size_t at)
{
    struct record_page *page = last_page(records);
    int r = !page || page_is_full(page) ? new_page(records, &page) : 0;
    if (r < 0 || !page)
        return r;
    r = record_put(&page->header, entry);
    if (r == 0)
        r = add_bytes(&page->body, parts, n_parts, at, entry->body_len);
    if (r < 0) {
        page->header.len = page->header_len;
        page->body.len = page->body_len;
        return r;
    }
    uint64_t grown = page->header.len - page->header_len + page->body.len - page->body_len;
    page->header_len = page->header.len;
    page->body_len = page->body.len;
    page->entries++;
    records->body_added += entry->body_len;
    records->bytes += grown;
    count_memory(records, (int64_t)grown);
    records->mid_record = entry->more;
    return 0;
}

// The bytes of `parts` in entries; `more`: other entries of the record follow them.
static int add_parts(struct job_records *records, struct record_entry *entry,
                     const struct slice *parts, size_t n_parts, bool more)
{
    size_t left = 0, at = 0;
    for (size_t i = 0; i < n_parts; i++)
        left += parts[i].len;
    int r;
    do {
        entry->body_len = left < PROTO_RECORD_PART_MAX ? left : PROTO_RECORD_PART_MAX;
        left -= entry->body_len;
        entry->more = more || left > 0;
        r = add_entry(records, entry, parts, n_parts, at);
        at += entry->body_len;
    } while (r == 0 && left > 0);
    return r;
}

int job_records_add(struct job_records *records, const struct record_entry *record,
                    const struct slice *errors, size_t n_errors, const struct slice *parts,
                    size_t n_parts)
{
    struct record_entry entry = *record;
    int r = 0;
    if (n_errors) {
        entry.is_stderr = true;
        entry.stderr_text = NULL;
        entry.stderr_len = 0;
        r = add_parts(records, &entry, errors, n_errors, true);
        entry = *record;
    }
    if (r == 0)
        r = add_parts(records, &entry, parts, n_parts, false);
    if (r < 0)
        return r;
    records->next++;
    return spill_if_full(records);
}

static bool page_ends_whole(const struct job_records *records, size_t i)
{
    return i + 1 < records->n ? !records->pages[i + 1].goes_on : !records->mid_record;
}

// The offset after the last record that begins in the page or before it.
static uint64_t page_end(const struct job_records *records, size_t i)
{
    uint64_t next = i + 1 < records->n ? records->pages[i + 1].first : records->next;
    return next + !page_ends_whole(records, i);
}

static void drop_pages(struct job_records *records, uint64_t offset, uint64_t bytes)
{
    size_t n = 0;
    uint64_t end = records->bytes > bytes ? records->bytes - bytes : 0;
    while (n < records->n && records->bytes > end && page_end(records, n) <= offset) {
        records->first = page_end(records, n);
        page_drop(records, &records->pages[n++]);
    }
    if (!n)
        return;
    memmove(records->pages, records->pages + n, (records->n - n) * sizeof(*records->pages));
    records->n -= n;
    records->page_number += n;
    records->written -= n < records->written ? n : records->written;
}

void job_records_make_room(struct job_records *records, uint64_t offset, uint64_t bytes)
{
    drop_pages(records, offset, bytes);
}

void job_records_drop(struct job_records *records, uint64_t offset)
{
    drop_pages(records, offset, UINT64_MAX);
    if (offset > records->first)
        records->first = offset < records->next ? offset : records->next;
}

// Decodes one entry and its encoded length. The bytes are our own.
static int skip_entry(const uint8_t *header, size_t len, struct record_entry *ret, size_t *ret_len)
{
    struct pack_reader r;
    pack_reader_init(&r, header, len);
    record_get(&r, ret);
    *ret_len = (size_t)(r.at - header);
    return pack_ok(&r) ? 0 : -EIO;
}

// The page's encoded entries, read from the file if necessary.
static int page_load(const struct job_records *records, const struct record_page *page,
                     struct buf *scratch, const uint8_t **ret_header, const uint8_t **ret_body)
{
    if (page->at < 0) {
        *ret_header = page->header.data;
        *ret_body = page->body.data;
        return 0;
    }
    int r = buf_reserve(scratch, page_len(page));
    if (r == 0)
        r = page_file_get(records->room->file, page->at, scratch->data, page_len(page));
    if (r < 0)
        return r;
    *ret_header = scratch->data;
    *ret_body = scratch->data + page->header_len;
    return 0;
}

// The first page whose records do not all end before the offset.
static size_t find_page(const struct job_records *records, uint64_t offset)
{
    size_t low = 0, high = records->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (page_end(records, middle) <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int job_records_seek(const struct job_records *records, uint64_t offset, struct record_cursor *ret)
{
    if (offset < records->first)
        return -ESTALE;
    size_t i = find_page(records, offset);
    *ret = (struct record_cursor){.page = records->page_number + i, .offset = offset};
    if (i == records->n) {
        // Not there yet; it will continue the page that is being written.
        const struct record_page *last = records->n ? &records->pages[records->n - 1] : NULL;
        ret->offset = records->next;
        if (!last || page_is_full(last))
            return 0;
        ret->page--;
        ret->entry = last->entries;
        ret->header_at = last->header_len;
        ret->body_at = last->body_len;
        return 0;
    }
    const struct record_page *page = &records->pages[i];
    const uint8_t *header, *body;
    struct buf scratch;
    buf_init(&scratch, 0);
    int r = page_load(records, page, &scratch, &header, &body);
    uint64_t at = page->first;
    bool first_part = !page->goes_on;
    while (r == 0 && (at < offset || !first_part)) {
        struct record_entry entry;
        size_t len;
        r = skip_entry(header + ret->header_at, page->header_len - ret->header_at, &entry, &len);
        ret->header_at += len;
        ret->body_at += entry.body_len;
        ret->entry++;
        at += !entry.more;
        first_part = !entry.more;
    }
    buf_done(&scratch);
    return r;
}

static struct record_page *cursor_page(const struct job_records *records,
                                       struct record_cursor *cursor)
{
    for (;;) {
        if (cursor->page < records->page_number ||
            cursor->page >= records->page_number + records->n)
            return NULL;
        struct record_page *page = &records->pages[cursor->page - records->page_number];
        if (cursor->entry < page->entries)
            return page;
        if (!page_is_full(page))
            return NULL;
        cursor->page++;
        cursor->entry = 0;
        cursor->header_at = cursor->body_at = 0;
    }
}

uint64_t job_records_after(const struct job_records *records, const struct record_cursor *cursor)
{
    if (cursor->page >= records->page_number + records->n || cursor->page < records->page_number)
        return 0;
    const struct record_page *page = &records->pages[cursor->page - records->page_number];
    return records->body_added - page->body_before - cursor->body_at;
}

int job_records_take(struct job_records *records, struct record_cursor *cursor, uint64_t stream,
                     uint64_t offset_end, uint64_t bytes, struct buf *header, struct buf *body)
{
    struct record_page *page = cursor_page(records, cursor);
    if (!page || cursor->offset >= offset_end)
        return 0;
    const uint8_t *from_header, *from_body;
    struct buf scratch;
    buf_init(&scratch, 0);
    int r = page_load(records, page, &scratch, &from_header, &from_body);
    size_t header_end = cursor->header_at, body_end = cursor->body_at;
    uint64_t offset = cursor->offset;
    uint32_t n = 0;
    // In the common case all of the page goes, without a look at its entries.
    size_t number = (size_t)(cursor->page - records->page_number);
    uint64_t after = page_end(records, number);
    if (r == 0 && after <= offset_end && page_ends_whole(records, number) &&
        page->body_len - body_end <= bytes) {
        n = page->entries - cursor->entry;
        header_end = page->header_len;
        body_end = page->body_len;
        offset = after;
    }
    bool mid = false;
    while (r == 0 && !(header_end == page->header_len) && (offset < offset_end || mid) &&
           (n == 0 || body_end - cursor->body_at < bytes)) {
        struct record_entry entry;
        size_t len;
        r = skip_entry(from_header + header_end, page->header_len - header_end, &entry, &len);
        if (r < 0)
            break;
        header_end += len;
        body_end += entry.body_len;
        offset += !entry.more;
        mid = entry.more;
        n++;
    }
    if (r == 0)
        r = records_put_head(header, stream, cursor->offset, n);
    if (r == 0)
        r = buf_add(header, from_header + cursor->header_at, header_end - cursor->header_at);
    if (r == 0 && body_end > cursor->body_at)
        r = buf_add(body, from_body + cursor->body_at, body_end - cursor->body_at);
    buf_done(&scratch);
    if (r < 0)
        return r;
    cursor->entry += n;
    cursor->header_at = header_end;
    cursor->body_at = body_end;
    cursor->offset = offset;
    return (int)n;
}
