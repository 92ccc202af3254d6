#include <errno.h>

#include "proto/message.h"

static struct pack_writer begin(struct buf *header, enum msg_type type, uint32_t n_fields)
{
    struct pack_writer w;
    pack_writer_init(&w, header);
    pack_array(&w, n_fields + 1);
    pack_u64(&w, type);
    return w;
}

int msg_put_hello(struct buf *header, const struct msg_hello *m)
{
    struct pack_writer w = begin(header, MSG_HELLO, 4);
    pack_u64(&w, m->version_min);
    pack_u64(&w, m->version_max);
    pack_bin(&w, m->session, sizeof(m->session));
    pack_str(&w, m->software);
    return w.error;
}

int msg_put_welcome(struct buf *header, const struct msg_welcome *m)
{
    struct pack_writer w = begin(header, MSG_WELCOME, 6);
    pack_u64(&w, m->version);
    pack_u64(&w, m->epoch);
    pack_u64(&w, m->worker);
    pack_i64(&w, m->heartbeat_ns);
    pack_i64(&w, m->silence_ns);
    pack_bool(&w, m->resumed);
    return w.error;
}

int msg_put_refuse(struct buf *header, const struct msg_refuse *m)
{
    struct pack_writer w = begin(header, MSG_REFUSE, 2);
    pack_i64(&w, m->code);
    pack_str(&w, m->text);
    return w.error;
}

int msg_put_register(struct buf *header, const struct msg_register *m)
{
    struct pack_writer w = begin(header, MSG_REGISTER, 8);
    pack_str(&w, m->name);
    pack_str(&w, m->host);
    pack_u64(&w, m->pid);
    pack_u64(&w, m->slots);
    pack_u64(&w, m->resources.memory_bytes);
    pack_u64(&w, m->resources.cpus);
    pack_u64(&w, m->resources.gpus);
    pack_array(&w, m->resources.n_labels);
    for (uint32_t i = 0; i < m->resources.n_labels; i++) {
        pack_array(&w, 2);
        pack_str(&w, m->resources.labels[i].name);
        pack_u64(&w, m->resources.labels[i].milli);
    }
    return w.error;
}

int msg_put_credit(struct buf *header, const struct msg_credit *m)
{
    struct pack_writer w = begin(header, MSG_CREDIT, 2);
    pack_u64(&w, m->window_items);
    pack_u64(&w, m->window_bytes);
    return w.error;
}

int msg_put_step(struct buf *header, const struct msg_step *m)
{
    if (m->packed_len > PROTO_STEP_MAX)
        return -ENOBUFS;
    struct pack_writer w = begin(header, MSG_STEP, 3);
    pack_u64(&w, m->job);
    pack_u64(&w, m->step);
    pack_bin(&w, m->packed, m->packed_len);
    return w.error;
}

int msg_put_forget(struct buf *header, const struct msg_forget *m)
{
    struct pack_writer w = begin(header, MSG_FORGET, 1);
    pack_u64(&w, m->job);
    return w.error;
}

int msg_put_ack(struct buf *header, const struct msg_ack *m)
{
    struct pack_writer w = begin(header, MSG_ACK, 1);
    pack_u64(&w, m->seq);
    return w.error;
}

int msg_put_heartbeat(struct buf *header, const struct msg_heartbeat *m)
{
    struct pack_writer w = begin(header, MSG_HEARTBEAT, 2);
    pack_u64(&w, m->running);
    pack_u64(&w, m->held);
    return w.error;
}

int msg_put_cancel(struct buf *header, const struct msg_cancel *m)
{
    struct pack_writer w = begin(header, MSG_CANCEL, 2);
    pack_u64(&w, m->job);
    pack_u64(&w, m->mode);
    return w.error;
}

int msg_put_drain(struct buf *header, const struct msg_drain *m)
{
    struct pack_writer w = begin(header, MSG_DRAIN, 1);
    pack_u64(&w, m->grace_ms);
    return w.error;
}

int msg_put_bye(struct buf *header, const struct msg_bye *m)
{
    struct pack_writer w = begin(header, MSG_BYE, 1);
    pack_str(&w, m->reason);
    return w.error;
}

int msg_put_need(struct buf *header, const struct msg_need *m)
{
    struct pack_writer w = begin(header, MSG_NEED, 1);
    pack_bin(&w, m->digest, sizeof(m->digest));
    return w.error;
}

int msg_put_library(struct buf *header, const struct msg_library *m)
{
    struct pack_writer w = begin(header, MSG_LIBRARY, 3);
    pack_bin(&w, m->digest, sizeof(m->digest));
    pack_i64(&w, m->code);
    pack_str(&w, m->text);
    return w.error;
}
