#include <errno.h>
#include <string.h>

#include "proto/message.h"

#define FIELDS_MAX 16

int msg_type_of(const void *header, size_t len)
{
    if (len > PROTO_HEADER_MAX)
        return -EPROTO;
    struct pack_reader r;
    pack_reader_init(&r, header, len);
    if (pack_read_array(&r, FIELDS_MAX) < 1)
        return -EPROTO;
    uint64_t type = pack_read_u64(&r, UINT8_MAX);
    return pack_ok(&r) ? (int)type : -EPROTO;
}

static struct pack_reader begin(const void *header, size_t len, enum msg_type type,
                                uint32_t n_fields)
{
    struct pack_reader r;
    pack_reader_init(&r, header, len);
    if (len > PROTO_HEADER_MAX || pack_read_array(&r, FIELDS_MAX) != n_fields + 1 ||
        pack_read_u64(&r, UINT8_MAX) != type)
        pack_fail(&r);
    return r;
}

static int end(const struct pack_reader *r, const char *name, struct err *err)
{
    if (pack_at_end(r))
        return 0;
    return err_set(err, -EPROTO, "bad %s message: %s", name,
                   pack_ok(r) ? "bytes behind its end"
                              : "a field is missing, too large or of a "
                                "wrong type");
}

int msg_get_hello(const void *header, size_t len, struct msg_hello *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_HELLO, 4);
    struct msg_hello m = {0};
    m.version_min = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    m.version_max = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    pack_read_exact(&r, m.session, sizeof(m.session));
    pack_read_text(&r, m.software, sizeof(m.software));
    if (m.version_min > m.version_max)
        pack_fail(&r);
    int code = end(&r, "HELLO", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_welcome(const void *header, size_t len, struct msg_welcome *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_WELCOME, 6);
    struct msg_welcome m = {0};
    m.version = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    m.epoch = pack_read_u64(&r, UINT64_MAX);
    m.worker = pack_read_u64(&r, UINT64_MAX);
    m.heartbeat_ns = pack_read_i64(&r);
    m.silence_ns = pack_read_i64(&r);
    m.resumed = pack_read_bool(&r);
    if (m.heartbeat_ns <= 0 || m.silence_ns <= 0)
        pack_fail(&r);
    int code = end(&r, "WELCOME", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_refuse(const void *header, size_t len, struct msg_refuse *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_REFUSE, 2);
    struct msg_refuse m = {0};
    int64_t code_of_peer = pack_read_i64(&r);
    if (code_of_peer >= 0 || code_of_peer < INT32_MIN)
        pack_fail(&r);
    m.code = (int32_t)code_of_peer;
    pack_read_text(&r, m.text, sizeof(m.text));
    int code = end(&r, "REFUSE", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_register(const void *header, size_t len, struct msg_register *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_REGISTER, 8);
    struct msg_register m = {0};
    pack_read_text(&r, m.name, sizeof(m.name));
    pack_read_text(&r, m.host, sizeof(m.host));
    m.pid = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    m.slots = (uint32_t)pack_read_u64(&r, PROTO_SLOTS_MAX);
    m.resources.memory_bytes = pack_read_u64(&r, INT64_MAX);
    m.resources.cpus = pack_read_u64(&r, RESOURCE_MILLI_MAX);
    m.resources.gpus = pack_read_u64(&r, RESOURCE_MILLI_MAX);
    m.resources.n_labels = pack_read_array(&r, RESOURCE_LABELS_MAX);
    for (uint32_t i = 0; i < m.resources.n_labels; i++) {
        struct resource_label *label = &m.resources.labels[i];
        if (pack_read_array(&r, 2) != 2)
            pack_fail(&r);
        pack_read_text(&r, label->name, sizeof(label->name));
        label->milli = pack_read_u64(&r, RESOURCE_MILLI_MAX);
        if (pack_ok(&r) && !resource_name_ok(label->name))
            pack_fail(&r);
    }
    if (m.slots == 0)
        pack_fail(&r);
    int code = end(&r, "REGISTER", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_credit(const void *header, size_t len, struct msg_credit *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_CREDIT, 2);
    struct msg_credit m = {0};
    m.window_items = (uint32_t)pack_read_u64(&r, PROTO_WINDOW_MAX);
    m.window_bytes = pack_read_u64(&r, UINT64_MAX);
    int code = end(&r, "CREDIT", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_step(const void *header, size_t len, struct msg_step *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_STEP, 3);
    struct msg_step m = {0};
    m.job = pack_read_u64(&r, UINT64_MAX);
    m.step = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    m.packed = pack_read_bin(&r, PROTO_STEP_MAX, &m.packed_len);
    int code = end(&r, "STEP", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_forget(const void *header, size_t len, struct msg_forget *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_FORGET, 1);
    uint64_t job = pack_read_u64(&r, UINT64_MAX);
    int code = end(&r, "FORGET", err);
    if (code == 0)
        ret->job = job;
    return code;
}

int msg_get_ack(const void *header, size_t len, struct msg_ack *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_ACK, 1);
    uint64_t seq = pack_read_u64(&r, UINT64_MAX);
    int code = end(&r, "ACK", err);
    if (code == 0)
        ret->seq = seq;
    return code;
}

int msg_get_heartbeat(const void *header, size_t len, struct msg_heartbeat *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_HEARTBEAT, 2);
    struct msg_heartbeat m = {0};
    m.running = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    m.held = (uint32_t)pack_read_u64(&r, UINT32_MAX);
    int code = end(&r, "HEARTBEAT", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_cancel(const void *header, size_t len, struct msg_cancel *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_CANCEL, 2);
    struct msg_cancel m = {0};
    m.job = pack_read_u64(&r, UINT64_MAX);
    m.mode = (uint32_t)pack_read_u64(&r, CANCEL_KILL);
    int code = end(&r, "CANCEL", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_drain(const void *header, size_t len, struct msg_drain *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_DRAIN, 1);
    uint64_t grace = pack_read_u64(&r, UINT32_MAX);
    int code = end(&r, "DRAIN", err);
    if (code == 0)
        ret->grace_ms = (uint32_t)grace;
    return code;
}

int msg_get_need(const void *header, size_t len, struct msg_need *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_NEED, 1);
    struct msg_need m = {0};
    pack_read_exact(&r, m.digest, sizeof(m.digest));
    int code = end(&r, "NEED", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_library(const void *header, size_t len, struct msg_library *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_LIBRARY, 3);
    struct msg_library m = {0};
    pack_read_exact(&r, m.digest, sizeof(m.digest));
    int64_t code_of_peer = pack_read_i64(&r);
    if (code_of_peer > 0 || code_of_peer < INT32_MIN)
        pack_fail(&r);
    m.code = (int32_t)code_of_peer;
    pack_read_text(&r, m.text, sizeof(m.text));
    int code = end(&r, "LIBRARY", err);
    if (code == 0)
        *ret = m;
    return code;
}

int msg_get_bye(const void *header, size_t len, struct msg_bye *ret, struct err *err)
{
    struct pack_reader r = begin(header, len, MSG_BYE, 1);
    struct msg_bye m = {0};
    pack_read_text(&r, m.reason, sizeof(m.reason));
    int code = end(&r, "BYE", err);
    if (code == 0)
        *ret = m;
    return code;
}
