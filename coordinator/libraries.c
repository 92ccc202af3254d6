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
#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "pipelines/library.h"

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

static bool make_room(struct server *server, size_t len)
{
    struct stored_library *library, *next;
    HASH_ITER (hh, server->libraries, library, next) {
        if (server->library_bytes + len <= LIBRARIES_BYTES_MAX)
            break;
        if (!user_of(server, library->digest))
            library_free(server, library);
    }
    return server->library_bytes + len <= LIBRARIES_BYTES_MAX;
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

static int on_need(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    struct msg_library m = {0};
    const struct msg_need *need = in->message;
    struct err why = {0};
    const struct stored_library *library = find(server, need->digest);
    if (!library) {
        m.code = read_here(server, need->digest, &why);
        library = find(server, need->digest);
    }
    if (!library && m.code == 0)
        m.code = -ENOENT;
    memcpy(m.digest, need->digest, DIGEST_BYTES);
    snprintf(m.text, sizeof(m.text), "%s", why.text);
    log_info("a kernel's library was sent to a worker", "worker=%llu bytes=%zu code=%d",
             (unsigned long long)peer->id, library ? library->bytes.len : 0, m.code);
    peer_say_with(peer, MSG_LIBRARY, &m, library ? library->bytes.data : NULL,
                  library ? library->bytes.len : 0);
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
