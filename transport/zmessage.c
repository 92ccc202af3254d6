#include "transport/zmessage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "base/cleanup.h"

#define PEER_ID_BYTES 5 // ZeroMQ's own random routing ids: a zero byte and 32 bits

// A slab whose bytes are a ZeroMQ message.
struct frame {
    struct slab slab;
    zmq_msg_t msg;
};

static void frame_destroy(struct slab *slab)
{
    struct frame *frame = (struct frame *)slab;
    zmq_msg_close(&frame->msg);
    free(frame);
}

static struct frame *frame_new(void)
{
    struct frame *frame = malloc(sizeof(*frame));
    if (!frame)
        return NULL;
    zmq_msg_init(&frame->msg);
    frame->slab = (struct slab){.refs = 1, .destroy = frame_destroy};
    return frame;
}

// Receives one frame of a message into a slab. 0 or negative errno.
static int recv_frame(void *socket, struct slab **ret, bool *ret_more)
{
    struct frame *frame = frame_new();
    if (!frame)
        return -ENOMEM;
    if (zmq_msg_recv(&frame->msg, socket, ZMQ_DONTWAIT) < 0) {
        int code = errno == EINTR ? -EAGAIN : -errno;
        slab_unref(&frame->slab);
        return code;
    }
    frame->slab.data = zmq_msg_data(&frame->msg);
    frame->slab.len = zmq_msg_size(&frame->msg);
    *ret_more = zmq_msg_more(&frame->msg);
    *ret = &frame->slab;
    return 0;
}

static void skip_rest(void *socket, bool more)
{
    while (more) {
        struct slab *slab = NULL;
        if (recv_frame(socket, &slab, &more) < 0 || !slab)
            return;
        slab_unref(slab);
    }
}

static bool peer_of(const struct slab *id, uint32_t *ret)
{
    if (id->len != PEER_ID_BYTES || id->data[0] != 0)
        return false;
    memcpy(ret, id->data + 1, sizeof(*ret));
    return true;
}

const char *zmessage_user(const struct zmessage *m)
{
    const struct frame *frame = (const struct frame *)m->header_slab;
    const char *text = frame ? zmq_msg_gets(&frame->msg, "User-Id") : NULL;
    return text ? text : "";
}

void zmessage_connection(const struct zmessage *m, struct zconnection *ret)
{
    const struct frame *frame = (const struct frame *)m->header_slab;
    zconnection_init(ret, frame ? zmq_msg_get(&frame->msg, ZMQ_SRCFD) : -1);
}

void zmessage_done(struct zmessage *m)
{
    m->header_slab = slab_unref(m->header_slab);
    m->body = slab_unref(m->body);
    m->header = NULL;
    m->header_len = 0;
}

int zmessage_recv(void *socket, bool is_router, struct zmessage *ret)
{
    _cleanup_(zmessage_done)
    struct zmessage m = {0};
    bool more = false, known = true;
    if (is_router) {
        struct slab *id = NULL;
        int r = recv_frame(socket, &id, &more);
        if (r < 0 || !id)
            return r;
        known = peer_of(id, &m.peer);
        slab_unref(id);
        ret->peer = known ? m.peer : 0;
        if (!known || !more) {
            skip_rest(socket, more);
            return -EBADMSG;
        }
    }
    struct slab *header = NULL;
    int r = recv_frame(socket, &header, &more);
    if (r < 0 || !header)
        return r;
    m.header_slab = header;
    if (more)
        r = recv_frame(socket, &m.body, &more);
    if (r < 0)
        return r;
    if (more) {
        skip_rest(socket, more);
        return -EBADMSG;
    }
    m.header = header->data;
    m.header_len = header->len;
    *ret = m;
    m = (struct zmessage){0};
    return 1;
}

static int send_frame(void *socket, const void *data, size_t len, int flags)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, len) < 0)
        return -ENOMEM;
    if (len)
        memcpy(zmq_msg_data(&msg), data, len);
    if (zmq_msg_send(&msg, socket, flags | ZMQ_DONTWAIT) < 0) {
        int code = -errno;
        zmq_msg_close(&msg);
        return code;
    }
    return 0;
}

int zmessage_send(void *socket, const uint32_t *peer, const void *header, size_t header_len,
                  const void *body, size_t body_len)
{
    if ((int64_t)header_len > ZMESSAGE_MAX || (int64_t)body_len > ZMESSAGE_MAX)
        return -EMSGSIZE;
    if (peer) {
        uint8_t id[PEER_ID_BYTES] = {0};
        memcpy(id + 1, peer, sizeof(*peer));
        int r = send_frame(socket, id, sizeof(id), ZMQ_SNDMORE);
        if (r < 0)
            return r;
    }
    // Once the first frame of a message is taken, ZeroMQ takes the others too.
    int r = send_frame(socket, header, header_len, body_len ? ZMQ_SNDMORE : 0);
    if (r == 0 && body_len)
        r = send_frame(socket, body, body_len, 0);
    return r;
}
