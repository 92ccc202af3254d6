#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

static const uint32_t two_lens[] = {3, 1};
static const uint32_t item_lens[] = {1, 3};

#define QUERY_LINES_SAMPLE QUERY_EXPLAIN

static const struct job_info a_job = {.id = 1,
                                      .name = "j",
                                      .owner = "o",
                                      .phase = PHASE_ENDED,
                                      .fate = FATE_CANCELLED,
                                      .detached = true,
                                      .failed_too = true,
                                      .created_ms = 2,
                                      .age_ns = 3,
                                      .priority = -1,
                                      .waits = WAIT_SLOT,
                                      .held = true,
                                      .needs = "6",
                                      .total = 4,
                                      .chunks = 5,
                                      .waiting = 14,
                                      .leased = 15,
                                      .running = 11,
                                      .ok = 6,
                                      .failed = 7,
                                      .cancelled = 8,
                                      .unrun = 9,
                                      .retries = 10,
                                      .records = 12,
                                      .first_code = 13,
                                      .text = "t",
                                      .sink = "s"};

static int put_sample(int type, struct buf *h, struct buf *b)
{
    struct batch_writer w;
    int r;
    switch (type) {
    case MSG_HELLO: {
        struct msg_hello m = {1, 2, {0}, "fanmill 0.1.0"};
        for (uint8_t i = 0; i < 16; i++)
            m.session[i] = i;
        return msg_put(h, MSG_HELLO, &m);
    }
    case MSG_WELCOME:
        return msg_put(h, MSG_WELCOME,
                       &(struct msg_welcome){1, 7, 9, 1000000000, 5000000000, true});
    case MSG_REFUSE:
        return msg_put(h, MSG_REFUSE, &(struct msg_refuse){-EPROTONOSUPPORT, "no ver"});
    case MSG_REGISTER:
        return msg_put(
            h, MSG_REGISTER,
            &(struct msg_register){
                "n3",
                "host",
                1234,
                4,
                {.cpus = 4000, .memory_bytes = 8, .n_labels = 1, .labels = {{"ssd", 1000}}},
                9});
    case MSG_CREDIT:
        return msg_put(h, MSG_CREDIT, &(struct msg_credit){4, 1 << 20});
    case MSG_STEP:
        return msg_put(h, MSG_STEP, &(struct msg_step){1, 2, (const uint8_t *)"zzz", 3});
    case MSG_FORGET:
        return msg_put(h, MSG_FORGET, &(struct msg_forget){5});
    case MSG_LEASE:
        r = lease_batch_begin(&w, h, b, 7);
        r |= lease_batch_add(&w, &(struct lease){.job = 1,
                                                 .attempt = 1,
                                                 .first = 100,
                                                 .count = 64,
                                                 .item_first = 1000,
                                                 .items_per_chunk = 10,
                                                 .item_end = 1640});
        r |= lease_batch_add(&w, &(struct lease){.job = 1,
                                                 .step = 2,
                                                 .attempt = 3,
                                                 .first = 7,
                                                 .count = 2,
                                                 .kind = 1,
                                                 .item_first = 9,
                                                 .items_per_chunk = 2,
                                                 .item_end = 11,
                                                 .lens = two_lens,
                                                 .body = (const uint8_t *)"abcd",
                                                 .body_len = 4});
        return r | lease_batch_end(&w);
    case MSG_RESULT:
        r = result_batch_begin(&w, h, b, 7, 5);
        r |= result_batch_add(&w, &(struct result){.job = 1,
                                                   .attempt = 1,
                                                   .chunk = 128,
                                                   .ending.run_ns = 5,
                                                   .ending.maxrss_bytes = 1 << 20,
                                                   .n_items = 1,
                                                   .body = (const uint8_t *)"ab",
                                                   .body_len = 2});
        r |= result_batch_add(&w, &(struct result){.job = 1,
                                                   .step = 2,
                                                   .attempt = 3,
                                                   .chunk = 7,
                                                   .ending.outcome = OUTCOME_EXIT,
                                                   .ending.code = -1,
                                                   .ending.run_ns = 10,
                                                   .ending.cpu_ns = 11,
                                                   .ending.leftovers = 4,
                                                   .error = "oop",
                                                   .error_len = 3,
                                                   .stderr_text = "er",
                                                   .stderr_len = 2,
                                                   .item_lens = item_lens,
                                                   .n_items = 2,
                                                   .body = (const uint8_t *)"cdef",
                                                   .body_len = 4});
        return r | result_batch_end(&w);
    case MSG_ACK:
        return msg_put(h, MSG_ACK, &(struct msg_ack){300});
    case MSG_HEARTBEAT:
        return msg_put(h, MSG_HEARTBEAT, &(struct msg_heartbeat){2, 3});
    case MSG_CANCEL:
        return msg_put(h, MSG_CANCEL, &(struct msg_cancel){5, CANCEL_RUNNING});
    case MSG_DRAIN:
        return msg_put(h, MSG_DRAIN, &(struct msg_drain){5000});
    case MSG_RETURN:
        return return_batch_put(h, &(struct msg_return){1, 2, 3, 4, 5}, 1);
    case MSG_KEEP:
    case MSG_DISCARD:
        return kept_batch_put(h, (enum msg_type)type, &(struct msg_return){1, 2, 3, 4, 5}, 1);
    case MSG_BEGUN:
        return begun_batch_put(h, &(struct msg_begun){1, 2, 3, 4, 5}, 1);
    case MSG_RECALL:
        r = recall_batch_begin(&w, h);
        r |= recall_batch_add(&w, &(struct msg_return){1, 2, 3, 4, 5});
        return r | recall_batch_end(&w);
    case MSG_SUBMIT:
        return msg_put(h, MSG_SUBMIT,
                       &(struct msg_submit){1, "0123456789abcde", 3, 60, {{4, true}}, 1});
    case MSG_ANSWER:
        return msg_put(h, MSG_ANSWER, &(struct msg_answer){1, -EPERM, 300, "no"});
    case MSG_OPEN:
        return msg_put(h, MSG_OPEN, &(struct msg_open){1, 2, 3});
    case MSG_TAKE:
        return msg_put(h, MSG_TAKE, &(struct msg_take){1, 2, 3, 4});
    case MSG_CLOSE:
        return msg_put(h, MSG_CLOSE, &(struct msg_close){1, CANCEL_RUNNING});
    case MSG_WANT:
        return msg_put(h, MSG_WANT, &(struct msg_want){1, 2, 3, 4, 5, 6});
    case MSG_FEED:
        return feed_put(h, b, 9,
                        &(struct lease){.job = 1,
                                        .attempt = 1,
                                        .count = 2,
                                        .kind = 1,
                                        .items_per_chunk = 1,
                                        .item_end = 2,
                                        .lens = two_lens,
                                        .body = (const uint8_t *)"abcd",
                                        .body_len = 4});
    case MSG_FEED_END:
        return msg_put(h, MSG_FEED_END, &(struct msg_feed_end){1, 2, -EIO, "x"});
    case MSG_QUERY:
        return msg_put(h, MSG_QUERY, &(struct msg_query){1, QUERY_WORKERS, 0, 9, "u", 1, 2, 3});
    case MSG_CONTROL:
        return msg_put(h, MSG_CONTROL,
                       &(struct msg_control){1, VERB_DRAIN, 0, 9, "n3", {{2, 4}}, 1});
    case MSG_FETCH:
        return msg_put(h, MSG_FETCH, &(struct msg_fetch){1, 2, (const uint8_t *)"e", 1});
    case MSG_STORE:

        return msg_put(h, MSG_STORE, &(struct msg_store){7, {1}});
    case MSG_NEED:
        return msg_put(h, MSG_NEED, &(struct msg_need){{1}});
    case MSG_LIBRARY:
        return msg_put(h, MSG_LIBRARY, &(struct msg_library){{1}, -ENOENT, "x"});
    case MSG_ATTEND:
        return msg_put(h, MSG_ATTEND, &(struct msg_attend){1, 2, ATTEND_WHOLE, -EIO, 3, "x"});
    case MSG_DATA:
        return msg_put(h, MSG_DATA, &(struct msg_data){1, 2, -EACCES, "x"});
    case MSG_END:
        return msg_put(h, MSG_END, &(struct msg_end){7, -ECANCELED, a_job});
    case MSG_INFO:
        r = info_begin(&w, h, 3, QUERY_LINES_SAMPLE);
        r |= info_add(&w, QUERY_LINES_SAMPLE, &(struct line_info){1, "n", 2, "t"});
        return r | info_end(&w, false);
    case MSG_RECORDS:
        r = records_put_head(h, 1, 5, 2);
        r |= record_put(h, &(struct record_entry){.chunk = 7,
                                                  .attempt = 1,
                                                  .more = true,
                                                  .is_stderr = true,
                                                  .worker = "n3",
                                                  .worker_len = 2,
                                                  .body_len = 2});
        r |= record_put(h, &(struct record_entry){.step = 1,
                                                  .chunk = 8,
                                                  .attempt = 2,
                                                  .partial = true,
                                                  .ending.outcome = OUTCOME_EXIT,
                                                  .ending.code = 3,
                                                  .start_ns = 9,
                                                  .ending.run_ns = 4,
                                                  .ending.cpu_ns = 5,
                                                  .ending.maxrss_bytes = 6,
                                                  .ending.leftovers = 4,
                                                  .item_first = 7,
                                                  .items = 1,
                                                  .item = (const uint8_t *)"i",
                                                  .item_len = 1,
                                                  .error = "e",
                                                  .error_len = 1,
                                                  .stderr_text = "s",
                                                  .stderr_len = 1,
                                                  .body_len = 1});
        return r | buf_add(b, "abc", 3);
    default:
        return msg_put(h, MSG_BYE, &(struct msg_bye){"bye"});
    }
}

static void check_bytes(const char *what, const struct buf *got, const char *hex)
{
    struct buf want;
    buf_init(&want, 0);
    from_hex(hex, &want);
    char text[1024] = "";
    for (size_t i = 0; i < got->len && i < 500; i++)
        snprintf(text + 2 * i, 3, "%02x", got->data[i]);
    cr_expect(got->len == want.len && memcmp(got->data, want.data, want.len) == 0, "%s is %s", what,
              text);
    buf_done(&want);
}

Test(message, has_the_bytes_it_always_had)
{
    for (size_t i = 0; i < N_SAMPLES; i++) {
        struct buf h, b;
        buf_init(&h, 0);
        buf_init(&b, 0);
        cr_assert_eq(put_sample(samples[i].type, &h, &b), 0);
        check_bytes(msg_name(samples[i].type), &h, samples[i].header);
        if (b.len || samples[i].body[0])
            check_bytes("its body", &b, samples[i].body);
        struct err err = {0};
        cr_expect_eq(read_any(h.data, h.len, b.data, b.len, &err), 0, "%s", err.text);
        buf_done(&h);
        buf_done(&b);
    }
}

Test(message, fields_come_back)
{
    struct buf h, b;
    struct err err;
    buf_init(&h, 0);
    buf_init(&b, 0);
    put_sample(MSG_HELLO, &h, &b);
    struct msg_hello hello;
    cr_assert_eq(msg_get(h.data, h.len, MSG_HELLO, &hello, &err), 0);
    cr_assert_eq(hello.version_max, 2);
    cr_assert_eq(hello.session[15], 15);
    cr_assert_str_eq(hello.software, "fanmill 0.1.0");
    buf_clear(&h);
    put_sample(MSG_REGISTER, &h, &b);
    struct msg_register reg;
    cr_assert_eq(msg_get(h.data, h.len, MSG_REGISTER, &reg, &err), 0);
    cr_assert_eq(reg.slots, 4);
    cr_assert_eq(reg.pid, 1234);
    cr_assert_str_eq(reg.host, "host");
    buf_clear(&h);
    put_sample(MSG_LEASE, &h, &b);
    struct batch_reader r;
    batch_reader_init(&r);
    struct lease lease;
    cr_assert_eq(lease_batch_open(&r, h.data, h.len, b.data, b.len, &err), 0);
    cr_assert_eq(r.epoch, 7);
    cr_assert_eq(lease_batch_next(&r, &lease, &err), 1);
    cr_assert_eq(lease.count, 64);
    cr_assert_null(lease.lens);
    cr_assert_eq(lease_batch_next(&r, &lease, &err), 1);
    cr_assert_eq(lease.lens[1], 1);
    cr_assert_eq(lease.body_len, 4);
    cr_assert_arr_eq(lease.body, "abcd", 4);
    cr_assert_eq(lease_batch_next(&r, &lease, &err), 0);
    buf_clear(&h);
    buf_clear(&b);
    put_sample(MSG_RESULT, &h, &b);
    struct result result;
    cr_assert_eq(result_batch_open(&r, h.data, h.len, b.data, b.len, &err), 0);
    cr_assert_eq(r.first_seq, 5);
    cr_assert_eq(result_batch_next(&r, &result, &err), 1);
    cr_assert_null(result.item_lens);
    cr_assert_null(result.error);
    cr_assert_arr_eq(result.body, "ab", 2);
    cr_assert_eq(result_batch_next(&r, &result, &err), 1);
    cr_assert_eq(result.ending.code, -1);
    cr_assert_eq(result.n_items, 2);
    cr_assert_arr_eq(result.error, "oop", 3);
    cr_assert_arr_eq(result.stderr_text, "er", 2);
    cr_assert_arr_eq(result.body, "cdef", 4);
    cr_assert_eq(result_batch_next(&r, &result, &err), 0);
    batch_reader_done(&r);
    buf_done(&h);
    buf_done(&b);
}

// Copies into blocks of exactly that size, so that reading one byte too far is seen.
static int read_exact(const void *h, size_t hn, const void *b, size_t bn)
{
    void *header = malloc(hn ? hn : 1), *body = malloc(bn ? bn : 1);
    memcpy(header, h, hn);
    if (bn)
        memcpy(body, b, bn);
    struct err err = {0};
    int r = read_any(header, hn, body, bn, &err);
    free(header);
    free(body);
    return r;
}

Test(message, cut_off_anywhere_or_with_a_tail_is_refused)
{
    for (size_t i = 0; i < N_SAMPLES; i++) {
        struct buf h, b;
        buf_init(&h, 0);
        buf_init(&b, 0);
        put_sample(samples[i].type, &h, &b);
        for (size_t cut = 0; cut < h.len; cut++)
            cr_expect_eq(read_exact(h.data, cut, b.data, b.len), -EPROTO, "%s cut at %zu",
                         msg_name(samples[i].type), cut);
        for (size_t cut = 0; cut < b.len; cut++)
            cr_expect_eq(read_exact(h.data, h.len, b.data, cut), -EPROTO, "body cut at %zu", cut);
        buf_add(&b, "x", 1);
        if (b.len > 1)
            cr_expect_eq(read_exact(h.data, h.len, b.data, b.len), -EPROTO);
        buf_add(&h, "\0", 1);
        cr_expect_eq(read_exact(h.data, h.len, b.data, b.len - 1), -EPROTO, "%s with a tail",
                     msg_name(samples[i].type));
        buf_done(&h);
        buf_done(&b);
    }
}

Test(message, any_changed_bytes_are_read_within_bounds)
{
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        struct buf h, b;
        buf_init(&h, 0);
        buf_init(&b, 0);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        put_sample(samples[(seed >> 33) % N_SAMPLES].type, &h, &b);
        for (int i = 0; i < 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            h.data[(seed >> 33) % h.len] = (uint8_t)(seed >> 24);
        }
        int r = read_exact(h.data, h.len, b.data, b.len);
        cr_assert(r == 0 || r == -EPROTO);
        buf_done(&h);
        buf_done(&b);
    }
}

Test(message, limits_hold_at_the_limit_and_one_past_it)
{
    struct buf h, b;
    buf_init(&h, 0);
    buf_init(&b, 0);
    struct err err;
    struct msg_credit credit = {PROTO_WINDOW_MAX, UINT64_MAX};
    msg_put(&h, MSG_CREDIT, &credit);
    cr_assert_eq(msg_get(h.data, h.len, MSG_CREDIT, &credit, &err), 0);
    buf_clear(&h);
    credit.window_items++;
    msg_put(&h, MSG_CREDIT, &credit);
    cr_assert_eq(msg_get(h.data, h.len, MSG_CREDIT, &credit, &err), -EPROTO);
    cr_assert_str_eq(err.text, "bad CREDIT message: a field is missing, too large or of a wrong "
                               "type");

    static uint8_t step[PROTO_STEP_MAX + 1];
    buf_clear(&h);
    struct msg_step m = {1, 0, step, PROTO_STEP_MAX};
    cr_assert_eq(msg_put(&h, MSG_STEP, &m), 0);
    cr_assert_eq(msg_get(h.data, h.len, MSG_STEP, &m, &err), 0);
    cr_assert_eq(m.packed_len, PROTO_STEP_MAX);
    m = (struct msg_step){1, 0, step, PROTO_STEP_MAX + 1};
    cr_assert_eq(msg_put(&h, MSG_STEP, &m), -ENOBUFS);

    struct batch_writer w;
    buf_clear(&h);
    lease_batch_begin(&w, &h, &b, 1);
    struct lease lease = {.attempt = 1, .count = PROTO_RUN_CHUNKS_MAX};
    cr_assert_eq(lease_batch_add(&w, &lease), 0);
    lease.count++;
    cr_assert_eq(lease_batch_add(&w, &lease), -EMSGSIZE);
    lease.count = 0;
    cr_assert_eq(lease_batch_add(&w, &lease), -EMSGSIZE);
    lease.count = 1;
    for (unsigned i = 1; i < PROTO_LEASE_RUNS_MAX; i++)
        cr_assert_eq(lease_batch_add(&w, &lease), 0);
    cr_assert_eq(lease_batch_add(&w, &lease), -E2BIG);
    lease_batch_end(&w);
    cr_assert_eq(read_exact(h.data, h.len, NULL, 0), 0);

    buf_clear(&h);
    result_batch_begin(&w, &h, &b, 1, 1);
    uint8_t *part = calloc(1, PROTO_RESULT_PART_MAX + 1);
    struct result result = {.n_items = 1, .body = part, .body_len = PROTO_RESULT_PART_MAX};
    for (unsigned i = 0; i < PROTO_BODY_MAX / PROTO_RESULT_PART_MAX; i++)
        cr_assert_eq(result_batch_add(&w, &result), 0);
    cr_assert_eq(result_batch_add(&w, &result), -E2BIG, "the body is full");
    result.body_len++;
    cr_assert_eq(result_batch_add(&w, &result), -EMSGSIZE);
    result_batch_end(&w);
    cr_assert_eq(read_exact(h.data, h.len, b.data, b.len), 0);
    result = (struct result){.stderr_text = (char *)part, .stderr_len = PROTO_STDERR_TAIL_MAX + 1};
    cr_assert_eq(result_batch_add(&w, &result), -EMSGSIZE);
    free(part);
    buf_done(&h);
    buf_done(&b);
}

Test(message, entries_of_one_record_share_its_offset)
{
    struct buf h, b;
    buf_init(&h, 0);
    buf_init(&b, 0);
    put_sample(MSG_RECORDS, &h, &b);
    struct records_reader r;
    struct record_entry record;
    struct err err;
    cr_assert_eq(records_open(&r, h.data, h.len, b.data, b.len, &err), 0);
    cr_assert_eq(records_next(&r, &record, &err), 1);
    cr_assert_eq(r.offset, 5);
    cr_assert(record.more);
    cr_assert_arr_eq(record.body, "ab", 2);
    cr_assert_eq(records_next(&r, &record, &err), 1);
    cr_assert_eq(r.offset, 5);
    cr_assert_arr_eq(record.item, "i", 1);
    cr_assert_arr_eq(record.body, "c", 1);
    cr_assert_eq(records_next(&r, &record, &err), 0);
    buf_done(&h);
    buf_done(&b);
}
