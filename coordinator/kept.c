#include "coordinator/kept.h"

#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "coordinator/records.h"

struct kept_page {
    struct buf header;
    struct buf body;
};

void kept_done(struct kept *kept)
{
    for (size_t i = 0; i < kept->n; i++) {
        buf_done(&kept->pages[i].header);
        buf_done(&kept->pages[i].body);
    }
    free(kept->pages);
    free(kept->errors);
    free(kept->parts);
    *kept = (struct kept){0};
}

int kept_copy(struct job_records *from, struct kept *ret)
{
    struct record_cursor cursor;
    int r = 0;
    *ret = (struct kept){0};
    if (from->bytes > KEPT_BYTES_MAX)
        return -EFBIG;
    if (from->first > 0)
        return -ESTALE;
    if (from->next == 0)
        return 0;
    r = job_records_seek(from, 0, &cursor);
    while (r >= 0) {
        if (grow(ret->pages, ret->n, 1) < 0) {
            r = -ENOMEM;
            break;
        }
        struct kept_page *page = &ret->pages[ret->n];
        buf_init(&page->header, PROTO_HEADER_MAX);
        buf_init(&page->body, PROTO_BODY_MAX);
        r = job_records_take(from, &cursor, 0, UINT64_MAX, UINT64_MAX, &page->header, &page->body);
        if (r <= 0) {
            buf_done(&page->header);
            buf_done(&page->body);
            break;
        }
        ret->n++;
    }
    if (r == 0)
        r = kept_advance(ret);
    if (r < 0)
        kept_done(ret);
    return r;
}

// 1 with the next entry of all pages, 0 after the last.
static int next_entry(struct kept *kept, struct record_entry *ret)
{
    struct err err;
    for (;;) {
        if (!kept->is_open) {
            if (kept->page == kept->n)
                return 0;
            const struct kept_page *page = &kept->pages[kept->page++];
            int r = records_open(&kept->reader, page->header.data, page->header.len,
                                 page->body.data, page->body.len, &err);
            if (r < 0)
                return r;
            kept->is_open = true;
        }
        int r = records_next(&kept->reader, ret, &err);
        if (r != 0)
            return r;
        kept->is_open = false;
    }
}

static int keep_bytes(struct slice **list, size_t *n, const struct record_entry *entry)
{
    if (!entry->body_len)
        return 0;
    if (grow(*list, *n, 1) < 0)
        return -ENOMEM;
    (*list)[(*n)++] = (struct slice){.data = entry->body, .len = (size_t)entry->body_len};
    return 0;
}

int kept_advance(struct kept *kept)
{
    bool goes_on = false;
    int r;
    kept->has_next = false;
    while ((r = next_entry(kept, &kept->next)) == 1) {
        const struct record_entry *entry = &kept->next;
        if (!goes_on)
            kept->n_parts = kept->n_errors = 0;
        r = entry->is_stderr ? keep_bytes(&kept->errors, &kept->n_errors, entry)
                             : keep_bytes(&kept->parts, &kept->n_parts, entry);
        if (r < 0)
            return r;
        goes_on = entry->more;
        if (goes_on || entry->partial || entry->ending.outcome != OUTCOME_OK)
            continue;
        kept->has_next = true;
        return 0;
    }
    return r;
}
