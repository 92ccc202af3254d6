// One of each message, with every field set to something of its own, and the bytes it must have.
#pragma once
#include <errno.h>

#include "proto/client.h"
#include "proto/record.h"

struct sample {
    int type;
    const char *header; // hexadecimal
    const char *body;
};

#define DIGEST_REST "00000000000000000000000000000000000000000000000000000000000000"

static const struct sample samples[] = {
    {MSG_HELLO, "95010102c410000102030405060708090a0b0c0d0e0fad66616e6d696c6c20302e312e30", ""},
    {MSG_WELCOME, "9702010709ce3b9aca00cf000000012a05f200c3", ""},
    {MSG_REFUSE, "9303d0a3a66e6f20766572", ""},
    {MSG_REGISTER, "9904a26e33a468 6f7374cd04d20408cd0fa0009192a3737364cd03e8", ""},
    {MSG_CREDIT, "930504ce00100000", ""},
    {MSG_STEP, "94060102c4037a7a7a", ""},
    {MSG_FORGET, "920705", ""},
    {MSG_LEASE,
     "930807ce00000002"
     "9a010001644000cd03e80acd0668c0"
     "9a01020307020109020b920301",
     "61626364"},
    {MSG_RESULT,
     "94090705ce00000002"
     "9d010001cc80c200000500ce001000 00c0c002"
     "9d010203 07c201ff0a0b00a36f6f70c4026572920103",
     "6162636465 66"},
    {MSG_ACK, "920acd012c", ""},
    {MSG_HEARTBEAT, "930b0203", ""},
    {MSG_CANCEL, "930c0501", ""},
    {MSG_DRAIN, "920dcd1388", ""},
    {MSG_RETURN, "920ece0000000195010203 0405", ""},
    {MSG_BYE, "920fa3627965", ""},
    {MSG_SUBMIT, "951001c41030313233343536373839616263646500033c", ""},
    {MSG_ANSWER, "951101ffcd012ca26e6f", ""},
    {MSG_OPEN, "9412010203", ""},
    {MSG_TAKE, "951301020304", ""},
    {MSG_RECORDS,
     "9414010502dc0012000701c3c2000000000000a26e330000c0c0c002dc0012010802c2c3010309040506a00701c4"
     "0169a165c4017301",
     "616263"},
    {MSG_END, "941507d083dc001401a16aa16f0201c3c302030405060708090a0b0c0da174", ""},
    {MSG_CLOSE, "93160102", ""},
    {MSG_WANT, "9717010203040506", ""},
    {MSG_FEED, "931809ce000000019a010001000201000102920301", "61626364"},
    {MSG_FEED_END, "95190102fba178", ""},
    {MSG_QUERY, "951a01010009", ""},
    {MSG_INFO, "951b0302c2ce000000019401a16e02a174", ""},
    {MSG_CONTROL, "961c01050009a26e33", ""},
    {MSG_FETCH, "941d0102c40165", ""},
    {MSG_DATA, "951e0102f3a178", ""},
    {MSG_STORE, "931f07c42001" DIGEST_REST, ""},
    {MSG_NEED, "9220c42001" DIGEST_REST, ""},
    {MSG_LIBRARY, "9421c42001" DIGEST_REST "fea178", ""},
};
#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

static inline void from_hex(const char *hex, struct buf *out)
{
    int high = -1;
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        int digit = *hex <= '9' ? *hex - '0' : *hex - 'a' + 10;
        if (high < 0) {
            high = digit;
            continue;
        }
        uint8_t byte = (uint8_t)(high << 4 | digit);
        buf_add(out, &byte, 1);
        high = -1;
    }
}

// Decodes whatever it is to its end. 0 or a negative errno.
static inline int read_any(const void *h, size_t hn, const void *b, size_t bn, struct err *err)
{
    union {
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_refuse refuse;
        struct msg_register reg;
        struct msg_credit credit;
        struct msg_step step;
        struct msg_forget forget;
        struct msg_ack ack;
        struct msg_store store;
        struct msg_need need;
        struct msg_library library;
        struct msg_heartbeat heartbeat;
        struct msg_cancel cancel;
        struct msg_drain drain;
        struct msg_bye bye;
        struct msg_submit submit;
        struct msg_answer answer;
        struct msg_open open;
        struct msg_take take;
        struct msg_close close;
        struct msg_want want;
        struct msg_feed_end feed_end;
        struct msg_query query;
        struct msg_control control;
        struct msg_fetch fetch;
        struct msg_data data;
        struct job_info job;
        struct worker_info worker;
        struct line_info line;
    } m;
    struct info_reader info;
    struct records_reader records;
    struct wire_record record;
    uint64_t number;
    int32_t end_code;
    struct batch_reader r;
    batch_reader_init(&r);
    struct lease lease;
    struct result result;
    struct msg_return back;
    int code = msg_type_of(h, hn);
    switch (code) {
    case MSG_HELLO:
        return msg_get_hello(h, hn, &m.hello, err);
    case MSG_WELCOME:
        return msg_get_welcome(h, hn, &m.welcome, err);
    case MSG_REFUSE:
        return msg_get_refuse(h, hn, &m.refuse, err);
    case MSG_REGISTER:
        return msg_get_register(h, hn, &m.reg, err);
    case MSG_CREDIT:
        return msg_get_credit(h, hn, &m.credit, err);
    case MSG_STEP:
        return msg_get_step(h, hn, &m.step, err);
    case MSG_FORGET:
        return msg_get_forget(h, hn, &m.forget, err);
    case MSG_ACK:
        return msg_get_ack(h, hn, &m.ack, err);
    case MSG_HEARTBEAT:
        return msg_get_heartbeat(h, hn, &m.heartbeat, err);
    case MSG_CANCEL:
        return msg_get_cancel(h, hn, &m.cancel, err);
    case MSG_DRAIN:
        return msg_get_drain(h, hn, &m.drain, err);
    case MSG_BYE:
        return msg_get_bye(h, hn, &m.bye, err);
    case MSG_LEASE:
        code = lease_batch_open(&r, h, hn, b, bn, err);
        if (code == 0)
            do
                code = lease_batch_next(&r, &lease, err);
            while (code == 1);
        break;
    case MSG_RESULT:
        code = result_batch_open(&r, h, hn, b, bn, err);
        if (code == 0)
            do
                code = result_batch_next(&r, &result, err);
            while (code == 1);
        break;
    case MSG_RETURN:
        code = return_batch_open(&r, h, hn, err);
        if (code == 0)
            do
                code = return_batch_next(&r, &back, err);
            while (code == 1);
        break;
    case MSG_SUBMIT:
        return msg_get_submit(h, hn, &m.submit, err);
    case MSG_ANSWER:
        return msg_get_answer(h, hn, &m.answer, err);
    case MSG_OPEN:
        return msg_get_open(h, hn, &m.open, err);
    case MSG_TAKE:
        return msg_get_take(h, hn, &m.take, err);
    case MSG_CLOSE:
        return msg_get_close(h, hn, &m.close, err);
    case MSG_WANT:
        return msg_get_want(h, hn, &m.want, err);
    case MSG_FEED_END:
        return msg_get_feed_end(h, hn, &m.feed_end, err);
    case MSG_QUERY:
        return msg_get_query(h, hn, &m.query, err);
    case MSG_FETCH:
        return msg_get_fetch(h, hn, &m.fetch, err);
    case MSG_DATA:
        return msg_get_data(h, hn, &m.data, err);
    case MSG_STORE:
        return msg_get_store(h, hn, &m.store, err);
    case MSG_NEED:
        return msg_get_need(h, hn, &m.need, err);
    case MSG_LIBRARY:
        return msg_get_library(h, hn, &m.library, err);
    case MSG_CONTROL:
        return msg_get_control(h, hn, &m.control, err);
    case MSG_END:
        return msg_get_end(h, hn, &number, &end_code, &m.job, err);
    case MSG_FEED:
        code = msg_get_feed(&r, h, hn, b, bn, &number, &lease, err);
        break;
    case MSG_RECORDS:
        code = records_open(&records, h, hn, b, bn, err);
        if (code == 0)
            do
                code = records_next(&records, &record, err);
            while (code == 1);
        break;
    case MSG_INFO:
        code = info_open(&info, h, hn, err);
        if (code == 0)
            do
                code = info_next(&info, &m, err);
            while (code == 1);
        break;
    default:
        return -EPROTO;
    }
    batch_reader_done(&r);
    return code;
}
