// Kernel libraries sent by clients, for workers that lack them.
//
// In: STORE of clients, NEED of workers. Out: ANSWER, LIBRARY.
//
// Libraries are kept while there is room; the ones no job uses go first. A client on this machine
// sends none: its file is read here, blocking, when a worker asks for it.
#include "coordinator/libraries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "pipelines/library.h"

#define LIBRARY_AGAIN_NS (10 * NS_PER_S) // until a worker is sent the same one once more
#define LIBRARIES_MAX 1024u
#define LIBRARIES_LOOKED 16u // that were used least, to find one that no job uses
#define SEARCHES_PER_TURN 4u // of all jobs, for one that uses a library

struct stored_library {
    uint8_t digest[DIGEST_BYTES];
    struct slice bytes;
    UT_hash_handle hh; // least recently used first
};

static void library_free(struct server *server, struct stored_library *library)
{
    HASH_DEL(server->libraries, library);
    server->library_bytes -= library->bytes.len;
    slice_drop(&library->bytes);
    free(library);
}

void stored_libraries_done(struct server *server)
{
    while (server->libraries)
        library_free(server, server->libraries);
}

static struct stored_library *find(struct server *server, const uint8_t digest[DIGEST_BYTES])
{
    struct stored_library *library = NULL;
    HASH_FIND(hh, server->libraries, digest, DIGEST_BYTES, library);
    if (!library)
        return NULL;
    HASH_DEL(server->libraries, library);
    HASH_ADD(hh, server->libraries, digest, DIGEST_BYTES, library);
    return library;
}

static const struct server_job *user_of(const struct server *server,
                                        const uint8_t digest[DIGEST_BYTES])
{
    struct server_job *job = server->jobs;
    while (job && !plan_library(job->plan, digest))
        job = job->hh.next;
    return job;
}

static bool has_room(const struct server *server, size_t len)
{
    return server->library_bytes + len <= LIBRARIES_BYTES_MAX &&
           HASH_CNT(hh, server->libraries) < LIBRARIES_MAX;
}

static bool make_room(struct server *server, size_t len)
{
    struct stored_library *library, *next;
    unsigned looked = 0;
    HASH_ITER (hh, server->libraries, library, next) {
        if (has_room(server, len) || looked++ == LIBRARIES_LOOKED)
            break;
        if (!user_of(server, library->digest))
            library_free(server, library);
    }
    return has_room(server, len);
}

// Takes a count of its own.
static int keep(struct server *server, const uint8_t digest[DIGEST_BYTES],
                const struct slice *bytes)
{
    if (find(server, digest))
        return 0;
    if (!make_room(server, bytes->len))
        return -ENOSPC;
    struct stored_library *library = calloc(1, sizeof(*library));
    if (!library)
        return -ENOMEM;
    memcpy(library->digest, digest, DIGEST_BYTES);
    library->bytes = slice_ref(bytes);
    server->library_bytes += bytes->len;
    HASH_ADD(hh, server->libraries, digest, DIGEST_BYTES, library);
    return 0;
}

static int library_store(struct server *server, const uint8_t digest[DIGEST_BYTES],
                         const struct slice *bytes, struct err *err)
{
    uint8_t found[DIGEST_BYTES];
    if (bytes->len > PROTO_LIBRARY_MAX)
        return err_set(err, -EFBIG, "a kernel's library is larger than %u MiB",
                       PROTO_LIBRARY_MAX >> 20);
    digest_bytes(bytes->data, bytes->len, found);
    if (memcmp(found, digest, DIGEST_BYTES) != 0)
        return err_set(err, -EBADMSG, "a kernel's library was corrupted on its way");
    int r = keep(server, digest, bytes);
    if (r == -ENOSPC)
        return err_set(err, r,
                       "the coordinator already keeps %u MiB of kernel libraries for other jobs",
                       LIBRARIES_BYTES_MAX >> 20);
    return r < 0 ? err_sys(err, r, "a kernel's library") : 0;
}

bool library_missing(struct server *server, const struct plan *plan, uint64_t *ret_stage)
{
    const struct stage *stage;
    for (uint64_t i = 0; (stage = plan_stage(plan, i)); i++)
        if (stage->library && !digest_is_none(stage->digest) && !find(server, stage->digest)) {
            *ret_stage = i;
            return true;
        }
    return false;
}

// A job of this machine: its file was not sent but is read here.
static int read_here(struct server *server, const uint8_t digest[DIGEST_BYTES], struct err *err)
{
    _cleanup_(buf_done)
    struct buf file;
    _cleanup_(slice_drop)
    struct slice bytes = {0};
    const struct server_job *job = user_of(server, digest);
    buf_init(&file, PROTO_LIBRARY_MAX);
    if (!job)
        return err_set(err, -ENOENT, "no job uses this library");
    int r = library_read(plan_library(job->plan, digest), digest, &file, err);
    if (r < 0)
        return r;
    r = slice_copy(file.data, file.len, &bytes);
    return r < 0 ? err_sys(err, r, "a kernel's library")
                 : library_store(server, digest, &bytes, err);
}

static void send_library(struct peer *peer, struct need *need)
{
    struct server *server = peer->port->server;
    struct msg_library m = {0};
    struct err why = {0};
    const struct stored_library *library = find(server, need->digest);
    if (!library && server->library_searches++ >= SEARCHES_PER_TURN) {
        need->waits = true; // for the next heartbeat
        return;
    }
    if (!library) {
        m.code = read_here(server, need->digest, &why);
        library = find(server, need->digest);
    }
    if (!library && m.code == 0)
        m.code = -ENOENT;
    need->sent = loop_now();
    need->waits = false;
    memcpy(m.digest, need->digest, DIGEST_BYTES);
    snprintf(m.text, sizeof(m.text), "%s", why.text);
    log_info("a kernel's library was sent to a worker", "worker=%llu bytes=%zu code=%d",
             (unsigned long long)peer->id, library ? library->bytes.len : 0, m.code);
    peer_say_with(peer, MSG_LIBRARY, &m, library ? library->bytes.data : NULL,
                  library ? library->bytes.len : 0);
}

static bool is_due(const struct need *need)
{
    return !need->sent || loop_now() - need->sent >= LIBRARY_AGAIN_NS;
}

void libraries_again(struct peer *peer)
{
    for (unsigned i = 0; i < peer->n_needs; i++)
        if (peer->needs[i].waits && is_due(&peer->needs[i])) {
            send_library(peer, &peer->needs[i]);
            return;
        }
}

// The entry of the digest; a new one takes the place of the oldest.
static struct need *need_of(struct peer *peer, const uint8_t digest[DIGEST_BYTES])
{
    struct need *oldest = &peer->needs[0];
    for (unsigned i = 0; i < peer->n_needs; i++) {
        if (memcmp(peer->needs[i].digest, digest, DIGEST_BYTES) == 0)
            return &peer->needs[i];
        if (peer->needs[i].sent < oldest->sent)
            oldest = &peer->needs[i];
    }
    if (peer->n_needs < NEEDS_MAX)
        oldest = &peer->needs[peer->n_needs++];
    *oldest = (struct need){0};
    memcpy(oldest->digest, digest, DIGEST_BYTES);
    return oldest;
}

// One that was sent a moment ago is on its way: asked for again, it is sent again only later.
static int on_need(struct peer *peer, const struct incoming *in)
{
    const struct msg_need *m = in->message;
    struct need *need = need_of(peer, m->digest);
    if (is_due(need))
        send_library(peer, need);
    else
        need->waits = true;
    return 0;
}

static int on_store(struct peer *peer, const struct incoming *in)
{
    const struct msg_store *store = in->message;
    struct err why = {0};
    struct slice bytes = {0};
    if (in->body)
        bytes = slice_of(in->body, 0, in->body->len);
    int r = library_store(peer->port->server, store->digest, &bytes, &why);
    slice_drop(&bytes);
    return client_answer(peer->client, store->request, r, 0, why.text);
}

const struct handler libraries_handlers[] = {
    {MSG_NEED, SAID_BY(PEER_WORKER), on_need},
    {MSG_STORE, SAID_BY_CLIENT, on_store},
    {0},
};
