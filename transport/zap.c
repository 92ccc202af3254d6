#include "transport/zap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "transport/keys.h"
#include "transport/zsock_own.h"

#define ENDPOINT "inproc://zeromq.zap.01"
#define REQUESTS_PER_TURN 256
#define CURVE_KEY_BYTES 32
#define FRAMES 7 // version, request id, domain, address, identity, mechanism, credentials

struct zap {
    struct looped looped;
    char domain[64];
    zap_decide_fn *decide;
    void *arg;
    uint64_t refused;
};

struct zap_request {
    char frames[FRAMES][256];
    int lens[FRAMES];
};

// Reads a request. 1; 0 for a message of another form; -EAGAIN.
static int read_request(void *socket, struct zap_request *ret)
{
    bool more = false;
    for (int i = 0; i < FRAMES; i++) {
        ret->lens[i] = socket_recv_text(socket, ret->frames[i], sizeof(ret->frames[i]), &more);
        if (ret->lens[i] < 0)
            return ret->lens[i];
        if ((size_t)ret->lens[i] >= sizeof(ret->frames[i]) || more != (i + 1 < FRAMES)) {
            socket_skip(socket, more);
            return 0;
        }
    }
    return 1;
}

static bool decide(struct zap *zap, const struct zap_request *q, char user[ZAP_USER_MAX])
{
    char key[KEY_TEXT];
    user[0] = '\0';
    if (strcmp(q->frames[0], "1.0") != 0 || strcmp(q->frames[2], zap->domain) != 0 ||
        strcmp(q->frames[5], "CURVE") != 0 || q->lens[6] != CURVE_KEY_BYTES ||
        !zmq_z85_encode(key, (const uint8_t *)q->frames[6], CURVE_KEY_BYTES))
        return false;
    return zap->decide(zap->arg, key, q->frames[3], user);
}

static void answer(void *socket, const struct zap_request *q, bool ok, const char *user)
{
    const char *status = ok ? "200" : "400";
    const char *text = ok ? "OK" : "not on the list";
    const struct {
        const void *data;
        size_t len;
    } frames[] = {{"1.0", 3},           {q->frames[1], q->lens[1] > 0 ? (size_t)q->lens[1] : 0},
                  {status, 3},          {text, strlen(text)},
                  {user, strlen(user)}, {"", 0}};
    for (size_t i = 0; i < 6; i++)
        zmq_send(socket, frames[i].data, frames[i].len, ZMQ_DONTWAIT | (i < 5 ? ZMQ_SNDMORE : 0));
}

static void on_request(void *arg)
{
    struct zap *zap = arg;
    void *socket = zap->looped.socket;
    for (int i = 0; i < REQUESTS_PER_TURN; i++) {
        struct zap_request q = {0};
        char user[ZAP_USER_MAX] = "";
        int r = read_request(socket, &q);
        if (r < 0)
            return;
        bool ok = r == 1 && decide(zap, &q, user);
        zap->refused += !ok;
        answer(socket, &q, ok, ok ? user : "");
    }
    zap->looped.again = true;
}

int zap_open(struct transport *t, const char *domain, zap_decide_fn *decide_fn, void *arg,
             struct zap **ret, struct err *err)
{
    struct zap *zap = calloc(1, sizeof(*zap));
    void *socket = zap ? zmq_socket(t->context, ZMQ_REP) : NULL;
    int r = socket ? socket_set_int(socket, ZMQ_LINGER, 0) : zap ? -errno : -ENOMEM;
    if (r == 0 && zmq_bind(socket, ENDPOINT) < 0)
        r = -errno;
    if (r == 0)
        r = looped_add(&zap->looped, socket, on_request, zap);
    if (r < 0) {
        if (socket)
            zmq_close(socket);
        free(zap);
        return err_sys(err, r, "can't open the authentication handler");
    }
    snprintf(zap->domain, sizeof(zap->domain), "%s", domain);
    zap->decide = decide_fn;
    zap->arg = arg;
    *ret = zap;
    return 0;
}

struct zap *zap_close(struct zap *zap)
{
    if (!zap)
        return NULL;
    looped_done(&zap->looped);
    free(zap);
    return NULL;
}

uint64_t zap_refused(const struct zap *zap)
{
    return zap->refused;
}
