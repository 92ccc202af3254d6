// One of each message, each field with a value of its own, and the bytes it must have.
#pragma once
#include <errno.h>

#include "proto/client.h"
#include "proto/record.h"
#include "proto/table.h"

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
    {MSG_REGISTER, "9a04a26e33a468 6f7374cd04d20408cd0fa0009192a3737364cd03e809", ""},
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
     "9f010001cc80c2c200000500ce001000 0000c0c002"
     "9f010203 07c2c201ff0a0b0004a36f6f70c4026572920103",
     "6162636465 66"},
    {MSG_ACK, "920acd012c", ""},
    {MSG_HEARTBEAT, "930b0203", ""},
    {MSG_CANCEL, "930c0501", ""},
    {MSG_DRAIN, "920dcd1388", ""},
    {MSG_RETURN, "920ece0000000195010203 0405", ""},
    {MSG_BYE, "920fa3627965", ""},
    {MSG_SUBMIT, "961001c41030313233343536373839616263646500033c919204c3", ""},
    {MSG_ANSWER, "951101ffcd012ca26e6f", ""},
    {MSG_OPEN, "9412010203", ""},
    {MSG_TAKE, "951301020304", ""},
    {MSG_RECORDS,
     "9414010502dc0014000701c3c3c200000000000000a26e330000c0c0c002dc0014010802c2c2c301030904050604a"
     "0070"
     "1c4"
     "0169a165c4017301",
     "616263"},
    {MSG_END, "941507d083dc001b01a16aa16f0201c3c30203ff02c3a13604050e0f0b060708090a0c0da174a173",
     ""},
    {MSG_CLOSE, "93160102", ""},
    {MSG_WANT, "9717010203040506", ""},
    {MSG_FEED, "931809ce000000019a010001000201000102920301", "61626364"},
    {MSG_FEED_END, "95190102fba178", ""},
    {MSG_QUERY, "991a01010009a175010203", ""},
    {MSG_INFO, "951b0302c2ce000000019401a16e02a174", ""},
    {MSG_CONTROL, "971c01050009a26e3391920204", ""},
    {MSG_FETCH, "941d0102c40165", ""},
    {MSG_DATA, "951e0102f3a178", ""},
    {MSG_STORE, "931f07c42001" DIGEST_REST, ""},
    {MSG_NEED, "9220c42001" DIGEST_REST, ""},
    {MSG_BEGUN, "9222ce00000001950102030405", ""},
    {MSG_RECALL, "9223ce00000001950102030405", ""},
    {MSG_KEEP, "9225ce00000001950102030405", ""},
    {MSG_DISCARD, "9226ce00000001950102030405", ""},
    {MSG_LIBRARY, "9421c42001" DIGEST_REST "fea178", ""},
    {MSG_ATTEND, "9724010202fb03a178", ""},
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
        struct msg_register reg;
        struct msg_submit submit;
        struct msg_control control;
        struct msg_end end;
        struct info_reader info;
        struct records_reader records;
    } m;
    union {
        struct job_info job;
        struct worker_info worker;
        struct running_info running;
    } row;
    struct record_entry record;
    struct lease lease;
    struct result result;
    struct msg_return back;
    struct msg_begun begun;
    struct batch_reader r;
    uint64_t number;
    int code = msg_type_of(h, hn);
    batch_reader_init(&r);
    switch (code) {
    case MSG_LEASE:
        code = lease_batch_open(&r, h, hn, b, bn, err);
        while (code >= 0 && (code = lease_batch_next(&r, &lease, err)) == 1)
            ;
        break;
    case MSG_RESULT:
        code = result_batch_open(&r, h, hn, b, bn, err);
        while (code >= 0 && (code = result_batch_next(&r, &result, err)) == 1)
            ;
        break;
    case MSG_RETURN:
        code = return_batch_open(&r, h, hn, err);
        while (code >= 0 && (code = return_batch_next(&r, &back, err)) == 1)
            ;
        break;
    case MSG_RECALL:
        code = recall_batch_open(&r, h, hn, err);
        while (code >= 0 && (code = recall_batch_next(&r, &back, err)) == 1)
            ;
        break;
    case MSG_KEEP:
    case MSG_DISCARD: {
        enum msg_type type = (enum msg_type)code;
        code = kept_batch_open(&r, type, h, hn, err);
        while (code >= 0 && (code = kept_batch_next(&r, type, &back, err)) == 1)
            ;
        break;
    }
    case MSG_BEGUN:
        code = begun_batch_open(&r, h, hn, err);
        while (code >= 0 && (code = begun_batch_next(&r, &begun, err)) == 1)
            ;
        break;
    case MSG_FEED:
        code = feed_get(&r, h, hn, b, bn, &number, &lease, err);
        break;
    case MSG_RECORDS:
        code = records_open(&m.records, h, hn, b, bn, err);
        while (code >= 0 && (code = records_next(&m.records, &record, err)) == 1)
            ;
        break;
    case MSG_INFO:
        code = info_open(&m.info, h, hn, err);
        while (code >= 0 && (code = info_next(&m.info, &row, err)) == 1)
            ;
        break;
    default:
        code = code < 0 || !msg_layout(code) ? -EPROTO : msg_get(h, hn, code, &m, err);
        break;
    }
    batch_reader_done(&r);
    return code;
}
