#include <errno.h>

#include "proto/batch.h"

#define RESULT_FIELDS 13
#define RESULT_FIXED_BYTES 120 // at most, of an entry without error, stderr and lens
#define LEN_BYTES 5            // at most, of one length

int result_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch,
                       uint64_t first_seq)
{
    *w = (struct batch_writer){.header = header, .body = body};
    struct pack_writer p;
    pack_writer_init(&p, header);
    pack_array(&p, 4);
    pack_u64(&p, MSG_RESULT);
    pack_u64(&p, epoch);
    pack_u64(&p, first_seq);
    return p.error ? p.error : batch_begin_count(w);
}

static void put_text(struct pack_writer *p, const char *text, size_t len)
{
    if (!text) {
        pack_nil(p);
        return;
    }
    char copy[PROTO_TEXT_MAX];
    size_t n = 0;
    // A text that is too long for people is cut, and a NUL would end it for them.
    while (n < len && n < sizeof(copy) - 1 && text[n]) {
        copy[n] = text[n];
        n++;
    }
    copy[n] = '\0';
    pack_str(p, copy);
}

static void put_lens(struct pack_writer *p, const struct result *result)
{
    if (!result->item_lens) {
        pack_u64(p, result->body_len);
        return;
    }
    pack_array(p, result->n_items);
    for (uint32_t i = 0; i < result->n_items; i++)
        pack_u64(p, result->item_lens[i]);
}

int result_batch_add(struct batch_writer *w, const struct result *result)
{
    uint64_t header_bytes = RESULT_FIXED_BYTES + (result->error ? PROTO_TEXT_MAX : 0) +
                            result->stderr_len +
                            (result->item_lens ? (uint64_t)result->n_items * LEN_BYTES : 0);
    if (result->body_len > PROTO_RESULT_PART_MAX || result->stderr_len > PROTO_STDERR_TAIL_MAX ||
        (result->item_lens && result->n_items > PROTO_ITEMS_MAX))
        return -EMSGSIZE;
    if (w->count == PROTO_RESULTS_MAX || w->header->len + header_bytes > PROTO_HEADER_MAX ||
        w->body->len + result->body_len > PROTO_BODY_MAX)
        return -E2BIG;
    size_t before = w->header->len;
    struct pack_writer p;
    pack_writer_init(&p, w->header);
    pack_array(&p, RESULT_FIELDS);
    pack_u64(&p, result->job);
    pack_u64(&p, result->step);
    pack_u64(&p, result->attempt);
    pack_u64(&p, result->chunk);
    pack_bool(&p, result->more);
    pack_u64(&p, result->ending.outcome);
    pack_i64(&p, result->ending.code);
    pack_i64(&p, result->ending.run_ns);
    pack_i64(&p, result->ending.cpu_ns);
    pack_u64(&p, result->ending.maxrss_bytes);
    put_text(&p, result->error, result->error_len);
    if (result->stderr_len)
        pack_bin(&p, result->stderr_text, result->stderr_len);
    else
        pack_nil(&p);
    put_lens(&p, result);
    int r = p.error;
    if (r == 0 && result->body_len)
        r = buf_add(w->body, result->body, result->body_len);
    if (r < 0)
        w->header->len = before;
    else
        w->count++;
    return r;
}

int result_batch_end(struct batch_writer *w)
{
    return batch_end(w);
}

int result_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                      size_t body_len, struct err *err)
{
    return batch_open(r, MSG_RESULT, true, true, PROTO_RESULTS_MAX, header, len, body, body_len,
                      err);
}

static bool array_is_next(const struct pack_reader *r)
{
    return r->at < r->end && ((*r->at & 0xf0) == 0x90 || *r->at == 0xdc || *r->at == 0xdd);
}

// Fills in the entry's lengths. Returns 0 or -ENOMEM; bad bytes fail the reader.
static int read_lens(struct batch_reader *r, struct result *result)
{
    struct pack_reader *h = &r->header;
    if (!array_is_next(h)) {
        result->n_items = 1;
        result->body_len = (size_t)pack_read_u64(h, PROTO_RESULT_PART_MAX);
        return 0;
    }
    result->n_items = pack_read_array(h, PROTO_ITEMS_MAX);
    int code = batch_reserve_lens(r, result->n_items ? result->n_items : 1);
    if (code < 0)
        return code;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < result->n_items; i++) {
        r->lens[i] = (uint32_t)pack_read_u64(h, PROTO_RESULT_PART_MAX);
        sum += r->lens[i];
    }
    if (sum > PROTO_RESULT_PART_MAX)
        pack_fail(h);
    result->item_lens = r->lens;
    result->body_len = (size_t)sum;
    return 0;
}

int result_batch_next(struct batch_reader *r, struct result *ret, struct err *err)
{
    if (r->left == 0)
        return batch_at_end(r, "RESULT", err);
    struct pack_reader *h = &r->header;
    struct result result = {0};
    if (pack_read_array(h, RESULT_FIELDS) != RESULT_FIELDS)
        pack_fail(h);
    result.job = pack_read_u64(h, UINT64_MAX);
    result.step = (uint32_t)pack_read_u64(h, UINT32_MAX);
    result.attempt = (uint32_t)pack_read_u64(h, UINT32_MAX);
    result.chunk = pack_read_u64(h, UINT64_MAX);
    result.more = pack_read_bool(h);
    result.ending.outcome = (enum outcome)pack_read_u64(h, OUTCOME_COUNT - 1);
    int64_t code = pack_read_i64(h);
    if (code < INT32_MIN || code > INT32_MAX)
        pack_fail(h);
    result.ending.code = (int32_t)code;
    result.ending.run_ns = pack_read_i64(h);
    result.ending.cpu_ns = pack_read_i64(h);
    if (result.ending.run_ns < 0 || result.ending.cpu_ns < 0)
        pack_fail(h);
    result.ending.maxrss_bytes = pack_read_u64(h, UINT64_MAX);
    if (!pack_read_nil(h))
        result.error = pack_read_str(h, PROTO_TEXT_MAX - 1, &result.error_len);
    if (!pack_read_nil(h))
        result.stderr_text =
            (const char *)pack_read_bin(h, PROTO_STDERR_TAIL_MAX, &result.stderr_len);
    int no_memory = read_lens(r, &result);
    if (no_memory < 0)
        return err_set(err, no_memory, "out of memory");
    result.body = batch_take_body(r, result.body_len);
    if (!pack_ok(h))
        return batch_bad("RESULT", err);
    r->left--;
    *ret = result;
    return 1;
}
