#include "worker/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pipelines/run.h"

#define READ_BYTES (64u << 10)

void wire_reader_init(struct wire_reader *r)
{
    *r = (struct wire_reader){0};
    buf_init(&r->buf, 2 * (size_t)WIRE_FRAME_MAX);
}

void wire_reader_done(struct wire_reader *r)
{
    buf_done(&r->buf);
    r->at = 0;
}

ssize_t wire_fill(struct wire_reader *r, int fd)
{
    if (r->at) {
        buf_consume(&r->buf, r->at);
        r->at = 0;
    }
    size_t want = READ_BYTES;
    struct wire_head head;
    if (r->buf.len >= sizeof(head)) {
        memcpy(&head, r->buf.data, sizeof(head));
        if (head.len > WIRE_FRAME_MAX)
            return -EPROTO;
        size_t left = sizeof(head) + head.len - r->buf.len;
        if (left > want && left <= WIRE_FRAME_MAX)
            want = left;
    } else if (r->buf.cap > 4 * READ_BYTES) {
        // After one large frame its memory is given back.
        uint8_t keep[sizeof(head)];
        size_t n = r->buf.len;
        memcpy(keep, r->buf.data, n);
        buf_done(&r->buf);
        int r2 = buf_add(&r->buf, keep, n);
        if (r2 < 0)
            return r2;
    }
    int reserved = buf_reserve(&r->buf, want + WIRE_SPARE);
    if (reserved < 0)
        return reserved;
    ssize_t n;
    do {
        n = read(fd, r->buf.data + r->buf.len, r->buf.cap - r->buf.len - WIRE_SPARE);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    r->buf.len += (size_t)n;
    return n;
}

static size_t fixed_bytes(uint32_t type)
{
    switch (type) {
    case WIRE_STEP:
        return sizeof(struct wire_step);
    case WIRE_FORGET:
        return sizeof(struct wire_forget);
    case WIRE_RUN:
        return sizeof(struct wire_run);
    case WIRE_RESULT:
        return sizeof(struct wire_result);
    case WIRE_SKIPPED:
        return sizeof(struct wire_skipped);
    default:
        return 0;
    }
}

int wire_next(struct wire_reader *r, uint32_t *ret_type, uint8_t **ret_frame, size_t *ret_len)
{
    size_t left = r->buf.len - r->at;
    struct wire_head head;
    if (left < sizeof(head))
        return 0;
    memcpy(&head, r->buf.data + r->at, sizeof(head));
    size_t fixed = fixed_bytes(head.type);
    if (!fixed || head.len > WIRE_FRAME_MAX || sizeof(head) + head.len < fixed)
        return -EPROTO;
    size_t len = sizeof(head) + head.len;
    if (left < len)
        return 0;
    *ret_type = head.type;
    *ret_frame = r->buf.data + r->at;
    *ret_len = len;
    r->at += len;
    return 1;
}

int wire_get_run(uint8_t *frame, size_t len, struct wire_run_view *ret)
{
    struct wire_run_view view;
    memcpy(&view.run, frame, sizeof(view.run));
    const struct wire_run *run = &view.run;
    uint64_t lens_bytes = run->kind == RUN_RANGE ? 0 : (uint64_t)run->count * 4;
    if (!run->count || run->kind >= RUN_KIND_COUNT ||
        sizeof(*run) + lens_bytes + run->body_len != len)
        return -EPROTO;
    view.lens = frame + sizeof(*run);
    view.body = view.lens + lens_bytes;
    *ret = view;
    return 0;
}

int wire_get_result(const uint8_t *frame, size_t len, struct wire_result_view *ret)
{
    struct wire_result_view view;
    memcpy(&view.result, frame, sizeof(view.result));
    const struct wire_result *result = &view.result;
    if (result->n_lens > PROTO_ITEMS_MAX || result->error_len > PROTO_TEXT_MAX ||
        result->stderr_len > PROTO_STDERR_TAIL_MAX || result->body_len > PROTO_RESULT_PART_MAX ||
        result->more > WIRE_MORE_STDERR)
        return -EPROTO;
    if (sizeof(*result) + result->error_len + result->stderr_len + result->n_lens * 4ull +
            result->body_len !=
        len)
        return -EPROTO;
    view.error = frame + sizeof(*result);
    view.stderr_text = view.error + result->error_len;
    view.lens = view.stderr_text + result->stderr_len;
    view.body = view.lens + result->n_lens * 4ull;
    *ret = view;
    return 0;
}

int wire_get_step(const uint8_t *frame, size_t len, struct wire_step *ret,
                  const uint8_t **ret_packed)
{
    struct wire_step step;
    memcpy(&step, frame, sizeof(step));
    if (sizeof(step) + (uint64_t)step.packed_len != len)
        return -EPROTO;
    *ret = step;
    *ret_packed = frame + sizeof(step);
    return 0;
}

static void append(struct buf *out, const void *data, size_t len)
{
    if (len)
        memcpy(out->data + out->len, data, len);
    out->len += len;
}

int wire_put_step(struct buf *out, uint64_t job, uint32_t step, const void *packed, size_t len)
{
    if (len > PROTO_STEP_MAX)
        return -EMSGSIZE;
    struct wire_step frame = {
        .head = {WIRE_STEP, (uint32_t)(sizeof(frame) - sizeof(frame.head) + len)},
        .job = job,
        .step = step,
        .packed_len = (uint32_t)len,
    };
    int r = buf_reserve(out, sizeof(frame) + len);
    if (r < 0)
        return r;
    append(out, &frame, sizeof(frame));
    append(out, packed, len);
    return 0;
}

int wire_put_forget(struct buf *out, uint64_t job)
{
    struct wire_forget frame = {.head = {WIRE_FORGET, sizeof(frame) - sizeof(frame.head)},
                                .job = job};
    return buf_add(out, &frame, sizeof(frame));
}

int wire_put_run(struct buf *out, const struct wire_run *run, const uint32_t *lens,
                 const void *body)
{
    struct wire_run frame = *run;
    size_t lens_bytes = lens ? run->count * sizeof(*lens) : 0;
    size_t len = sizeof(frame) + lens_bytes + run->body_len;
    frame.head = (struct wire_head){WIRE_RUN, (uint32_t)(len - sizeof(frame.head))};
    int r = buf_reserve(out, len);
    if (r < 0)
        return r;
    append(out, &frame, sizeof(frame));
    append(out, lens, lens_bytes);
    append(out, body, run->body_len);
    return 0;
}

int wire_put_result(struct buf *out, const struct wire_result *result, const void *error,
                    const void *stderr_text, const uint32_t *lens, const void *body)
{
    struct wire_result frame = *result;
    size_t lens_bytes = result->n_lens * sizeof(*lens);
    size_t len =
        sizeof(frame) + result->error_len + result->stderr_len + lens_bytes + result->body_len;
    frame.head = (struct wire_head){WIRE_RESULT, (uint32_t)(len - sizeof(frame.head))};
    int r = buf_reserve(out, len);
    if (r < 0)
        return r;
    append(out, &frame, sizeof(frame));
    append(out, error, result->error_len);
    append(out, stderr_text, result->stderr_len);
    append(out, lens, lens_bytes);
    append(out, body, result->body_len);
    return 0;
}

int wire_put_skipped(struct buf *out, uint64_t serial, int code)
{
    struct wire_skipped frame = {
        .head = {WIRE_SKIPPED, sizeof(frame) - sizeof(frame.head)}, .serial = serial, .code = code};
    return buf_add(out, &frame, sizeof(frame));
}
