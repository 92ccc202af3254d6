#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/pack.h"
#include "coordinator/core/event_log.h"
#include "proto/result.h"

static int bad_log(struct err *err, const char *what)
{
    return err_set(err, -EPROTO, "a log of events %s", what);
}

// The next entry whole: 1; 0 at the end, or within an entry.
static int entry_next(struct event_log_reader *r, struct pack_reader *p, struct err *err)
{
    uint32_t len = 0;
    if (r->at == r->end)
        return 0;
    for (uint32_t i = 0; i < EVENT_LOG_HEAD && r->at + i < r->end; i++)
        len |= (uint32_t)r->at[i] << 8 * i;
    if (len > EVENT_LOG_ENTRY_MAX)
        return bad_log(err, "with an entry over the limit");
    if ((size_t)(r->end - r->at) < EVENT_LOG_HEAD + (size_t)len) {
        r->cut = true;
        return 0;
    }
    pack_reader_init(p, r->at + EVENT_LOG_HEAD, len);
    r->at += EVENT_LOG_HEAD + len;
    return 1;
}

int event_log_open(struct event_log_reader *r, const void *data, size_t len,
                   struct core_options *ret, struct err *err)
{
    struct pack_reader p;
    struct core_options options = {0};
    char text[sizeof(EVENT_LOG_MAGIC)] = "";
    *r = (struct event_log_reader){.at = data, .end = (const uint8_t *)data + len};
    int code = entry_next(r, &p, err);
    if (code != 1)
        return code < 0 ? code : bad_log(err, "without a beginning");
    if (pack_read_array(&p, 7) == 7) {
        pack_read_text(&p, text, sizeof(text));
        if (strcmp(text, EVENT_LOG_MAGIC) == 0 &&
            pack_read_u64(&p, UINT32_MAX) != EVENT_LOG_VERSION)
            return bad_log(err, "of another version");
        options.epoch = pack_read_u64(&p, UINT64_MAX);
        options.window_items = (uint32_t)pack_read_u64(&p, UINT32_MAX);
        options.window_bytes = pack_read_u64(&p, UINT64_MAX);
        options.held_bytes = pack_read_u64(&p, UINT64_MAX);
        options.silence_ns = pack_read_i64(&p);
    }
    if (!pack_at_end(&p) || strcmp(text, EVENT_LOG_MAGIC) != 0 || options.silence_ns < 0)
        return bad_log(err, "is not what this file holds");
    void *blank = mmap(NULL, EVENT_LOG_BYTES_MAX, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blank == MAP_FAILED)
        return err_sys(err, -ENOMEM, "a log of events");
    r->blank = blank;
    batch_reader_init(&r->batch);
    *ret = options;
    return 0;
}

static void forget_last(struct event_log_reader *r)
{
    run_done(&r->run);
    slice_drop(&r->bytes);
}

void event_log_close(struct event_log_reader *r)
{
    if (!r->blank)
        return;
    forget_last(r);
    batch_reader_done(&r->batch);
    munmap(r->blank, EVENT_LOG_BYTES_MAX);
    *r = (struct event_log_reader){0};
}

static void free_slab(struct slab *slab)
{
    free(slab);
}

// Counted like real ones, but all in the same place.
static int blank_bytes(const struct event_log_reader *r, uint64_t len, struct slice *ret)
{
    struct slab *slab = malloc(sizeof(*slab));
    if (!slab)
        return -ENOMEM;
    *slab = (struct slab){.refs = 1, .destroy = free_slab, .data = r->blank, .len = len};
    *ret = (struct slice){.slab = slab, .data = r->blank, .len = len};
    return 0;
}

static bool expect_array(struct pack_reader *p, uint32_t n)
{
    if (pack_read_array(p, n) != n)
        pack_fail(p);
    return pack_ok(p);
}

static const char *get_text(struct event_log_reader *r, struct pack_reader *p)
{
    if (pack_read_nil(p))
        return NULL;
    pack_read_text(p, r->text, sizeof(r->text));
    return r->text;
}

static int get_plan(struct pack_reader *p, const struct plan **ret, uint32_t *ret_blocks,
                    struct err *err)
{
    size_t len;
    struct plan *plan = NULL;
    expect_array(p, 3);
    const uint8_t *packed = pack_read_bin(p, PLAN_WHOLE_MAX, &len);
    bool partial = pack_read_bool(p);
    *ret_blocks = (uint32_t)pack_read_u64(p, BLOCK_HELD | BLOCK_NEEDS);
    if (!pack_at_end(p))
        return -EPROTO;
    int r = plan_unpack(packed, len, partial, &plan, err);
    *ret = plan;
    return r;
}

static int get_run(struct event_log_reader *r, struct pack_reader *p)
{
    uint64_t bytes = 0;
    struct run *run = &r->run;
    expect_array(p, 7);
    run->kind = (enum run_kind)pack_read_u64(p, RUN_KIND_COUNT - 1);
    run->skip = pack_read_u64(p, UINT64_MAX);
    run->count = pack_read_u64(p, UINT64_MAX);
    run->item_first = pack_read_u64(p, UINT64_MAX);
    run->items_per_chunk = pack_read_u64(p, UINT64_MAX);
    run->item_end = pack_read_u64(p, UINT64_MAX);
    if (pack_read_nil(p))
        return 0;
    uint32_t n = pack_read_array(p, UINT32_MAX);
    if (!pack_ok(p) || n != run->count)
        return -EPROTO;
    run->lens = calloc(n ? n : 1, sizeof(*run->lens));
    if (!run->lens)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        bytes += run->lens[i] = (uint32_t)pack_read_u64(p, EVENT_LOG_BYTES_MAX);
    return bytes > EVENT_LOG_BYTES_MAX ? -EPROTO : blank_bytes(r, bytes, &run->body);
}

static int get_result(struct event_log_reader *r, struct pack_reader *p, struct event *event,
                      struct err *err)
{
    size_t header_len, len;
    const uint8_t *bytes = r->blank;
    expect_array(p, 4);
    event->result.spooled = pack_read_bool(p);
    const uint8_t *header = pack_read_bin(p, PROTO_HEADER_MAX, &header_len);
    uint64_t body_len = pack_read_u64(p, EVENT_LOG_BYTES_MAX);
    bool is_blank = pack_read_nil(p);
    if (!is_blank && (bytes = pack_read_bin(p, EVENT_LOG_ENTRY_MAX, &len), len != body_len))
        return -EPROTO;
    if (!pack_at_end(p))
        return -EPROTO;
    int code = result_batch_open(&r->batch, header, header_len, bytes, body_len, err);
    if (code == 0)
        code = result_batch_next(&r->batch, &r->result, err);
    if (code != 1 || r->batch.left)
        return code < 0 ? code : -EPROTO;
    code = is_blank ? blank_bytes(r, body_len, &r->bytes) : slice_copy(bytes, body_len, &r->bytes);
    event->result.result = &r->result;
    event->result.body = r->bytes;
    event->result.epoch = r->batch.epoch;
    event->result.seq = r->batch.first_seq;
    return code;
}

static int get_fields(struct event_log_reader *r, struct pack_reader *p, struct event *event,
                      struct err *err)
{
    size_t len;
    switch (event->type) {
    case EV_SUBMIT:
        return get_plan(p, &event->plan, &event->blocks, err);
    case EV_FED:
        event->run = &r->run;
        return get_run(r, p);
    case EV_FED_END:
        expect_array(p, 2);
        event->fed_end.code = (int)pack_read_i64(p);
        event->fed_end.text = get_text(r, p);
        return 0;
    case EV_WORKER_UP: {
        expect_array(p, 1);
        const uint8_t *header = pack_read_bin(p, PROTO_HEADER_MAX, &len);
        event->reg = &r->reg;
        return pack_ok(p) ? msg_get(header, len, MSG_REGISTER, &r->reg, err) : -EPROTO;
    }
    case EV_WORKER_CREDIT:
        expect_array(p, 2);
        event->credit.window_items = (uint32_t)pack_read_u64(p, PROTO_WINDOW_MAX);
        event->credit.window_bytes = pack_read_u64(p, UINT64_MAX);
        return 0;
    case EV_RESULT:
        return get_result(r, p, event, err);
    case EV_RETURN:
    case EV_KEEP:
        expect_array(p, 5);
        event->back.job = pack_read_u64(p, UINT64_MAX);
        event->back.step = (uint32_t)pack_read_u64(p, UINT32_MAX);
        event->back.attempt = (uint32_t)pack_read_u64(p, UINT32_MAX);
        event->back.first = pack_read_u64(p, UINT64_MAX);
        event->back.count = (uint32_t)pack_read_u64(p, UINT32_MAX);
        return 0;
    case EV_BEGUN:
        expect_array(p, 5);
        event->begun.job = pack_read_u64(p, UINT64_MAX);
        event->begun.step = (uint32_t)pack_read_u64(p, UINT32_MAX);
        event->begun.attempt = (uint32_t)pack_read_u64(p, UINT32_MAX);
        event->begun.chunk = pack_read_u64(p, UINT64_MAX);
        event->begun.age_ns = pack_read_i64(p);
        return 0;
    case EV_WORKER_DOWN:
        expect_array(p, 1);
        event->reason = get_text(r, p);
        return 0;
    case EV_STREAM_CREDIT:
        expect_array(p, 2);
        event->stream_credit.items = pack_read_u64(p, UINT64_MAX);
        event->stream_credit.bytes = pack_read_u64(p, UINT64_MAX);
        return 0;
    case EV_CANCEL:
        expect_array(p, 1);
        event->cancel = (enum cancel_mode)pack_read_u64(p, CANCEL_KILL);
        return 0;
    case EV_CANCEL_CHUNKS:
        expect_array(p, 2);
        event->cancel_chunks.range.first = pack_read_u64(p, UINT64_MAX);
        event->cancel_chunks.range.last = pack_read_u64(p, UINT64_MAX);
        return 0;
    case EV_BLOCK:
        expect_array(p, 1);
        event->set_blocks = (uint32_t)pack_read_u64(p, BLOCK_HELD | BLOCK_NEEDS);
        return 0;
    case EV_NEED_FAILED:
        expect_array(p, 1);
        event->need_text = get_text(r, p);
        return 0;
    case EV_FETCHED:
        expect_array(p, 4);
        event->fetched.chunk = pack_read_u64(p, UINT64_MAX);
        event->fetched.code = (int)pack_read_i64(p);
        event->fetched.text = get_text(r, p);
        event->fetched.bytes = &r->bytes;
        return blank_bytes(r, pack_read_u64(p, EVENT_LOG_BYTES_MAX), &r->bytes);
    case EV_HOLD:
        expect_array(p, 1);
        event->held_bytes = pack_read_u64(p, UINT64_MAX);
        return 0;
    default:
        expect_array(p, 0);
        return 0;
    }
}

int event_log_next(struct event_log_reader *r, struct event *ret, int64_t *ret_now, struct err *err)
{
    struct pack_reader p;
    forget_last(r);
    int code = entry_next(r, &p, err);
    if (code != 1)
        return code;
    struct event event = {0};
    expect_array(&p, EVENT_LOG_FIELDS);
    event.type = (enum event_type)pack_read_u64(&p, EV_COUNT - 1);
    int64_t now = pack_read_i64(&p);
    event.job = pack_read_u64(&p, UINT64_MAX);
    event.worker = pack_read_u64(&p, UINT64_MAX);
    // A plan was only made when nothing follows it.
    code = pack_ok(&p) ? get_fields(r, &p, &event, err) : -EPROTO;
    if (code == -EPROTO || (code == 0 && !pack_at_end(&p)))
        return bad_log(err, "with an entry that can't be decoded");
    if (code < 0)
        return code;
    *ret = event;
    *ret_now = now;
    return 1;
}
