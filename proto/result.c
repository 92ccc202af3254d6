#include "proto/result.h"

#include <errno.h>

#include "proto/limits.h"
#include "proto/message.h"
#include "proto/table.h"

#define RESULT_FIXED_BYTES 120 // at most, of an entry without error, stderr and lens
#define LEN_BYTES 5            // at most, of one length

int result_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch,
                       uint64_t first_seq)
{
    return batch_begin(w, header, body, MSG_RESULT,
                       &(struct result_head){.epoch = epoch, .first_seq = first_seq});
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
    int r = batch_reserve(w, PROTO_RESULTS_MAX, header_bytes, result->body_len);
    if (r < 0)
        return r;
    size_t before = w->header->len;
    struct pack_writer p;
    pack_writer_init(&p, w->header);
    row_put(&p, &result_entry, result);
    put_lens(&p, result);
    return batch_add(w, before, p.error, result->body, result->body_len);
}

int result_batch_end(struct batch_writer *w)
{
    return batch_end(w);
}

int result_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                      size_t body_len, struct err *err)
{
    struct result_head head;
    int code = batch_open(r, MSG_RESULT, &head, header, len, body, body_len, err);
    r->epoch = head.epoch;
    r->first_seq = head.first_seq;
    return code;
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
    struct result result = {0};
    if (r->left == 0)
        return batch_at_end(r, MSG_RESULT, err);
    row_get(&r->header, &result_entry, &result);
    int code = read_lens(r, &result);
    if (code < 0)
        return err_set(err, code, "out of memory");
    result.body = batch_take_body(r, result.body_len);
    code = batch_took(r, MSG_RESULT, err);
    if (code == 1)
        *ret = result;
    return code;
}
