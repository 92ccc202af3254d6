#include "worker/agent/arriving.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "worker/pool/intake.h"

struct arriving_step {
    LIST_ENTRY(arriving_step) entry;
    uint64_t job;
    uint32_t step;
    uint8_t missing[DIGEST_BYTES];
};

void arriving_init(struct arriving *a, struct pool *pool,
                   void (*need)(void *arg, const struct msg_need *need), void *arg)
{
    *a = (struct arriving){.pool = pool, .need = need, .arg = arg};
}

void arriving_done(struct arriving *a)
{
    arriving_forget(a, 0);
    libraries_done(&a->libraries);
}

static bool is_asked_for(const struct arriving *a, const uint8_t digest[DIGEST_BYTES])
{
    const struct arriving_step *w;
    LIST_FOREACH (w, &a->steps, entry)
        if (memcmp(w->missing, digest, DIGEST_BYTES) == 0)
            return true;
    return false;
}

// Finds the step's libraries and hands it to the pool. 1: it may begin. 0: it waits for the next
// library, which is asked for.
static int try_in(struct arriving *a, struct arriving_step *w, struct err *err)
{
    _cleanup_(buf_done)
    struct buf placed;
    struct msg_need need;
    size_t len;
    const void *packed = pool_packed(a->pool, w->job, w->step, &len);
    buf_init(&placed, PROTO_STEP_MAX);
    int r = libraries_resolve(&a->libraries, w->job, packed, len, &placed, need.digest, err);
    if (r == 1) {
        r = pool_ready(a->pool, w->job, w->step, placed.data, placed.len);
        return r < 0 ? err_set(err, r, "out of memory") : 1;
    }
    if (r == 0) {
        if (!is_asked_for(a, need.digest))
            a->need(a->arg, &need);
        memcpy(w->missing, need.digest, DIGEST_BYTES);
    }
    return r;
}

int arriving_step(struct arriving *a, const struct msg_step *step, struct err *err)
{
    if (pool_knows(a->pool, step->job, step->step))
        return 0;
    int r = pool_define(a->pool, step, err);
    if (r < 0)
        return r;
    struct arriving_step *w = calloc(1, sizeof(*w));
    if (!w)
        return err_sys(err, -ENOMEM, "a step");
    *w = (struct arriving_step){.job = step->job, .step = step->step};
    r = try_in(a, w, err);
    if (r == 0)
        LIST_INSERT_HEAD(&a->steps, w, entry);
    else
        free(w);
    return r < 0 ? r : 0;
}

int arriving_library(struct arriving *a, struct msg_library *library, const void *data, size_t len,
                     struct err *err)
{
    int code = library->code;
    if (code == 0)
        code = libraries_add(&a->libraries, library->digest, data, len);
    if (code == -EBADMSG)
        return err_set(err, -EPROTO, "a library with another digest than its own");
    if (code < 0 && library->code == 0)
        snprintf(library->text, sizeof(library->text), "can't store the kernel library: %s",
                 strerror(-code));
    struct arriving_step *next;
    for (struct arriving_step *w = LIST_FIRST(&a->steps); w; w = next) {
        struct err why = {0};
        next = LIST_NEXT(w, entry);
        if (memcmp(w->missing, library->digest, DIGEST_BYTES) != 0)
            continue;
        LIST_REMOVE(w, entry); // so that it does not count as one that has asked already
        int r = code < 0 ? err_set(&why, code, "%s", library->text) : try_in(a, w, &why);
        if (r < 0)
            pool_give_up(a->pool, w->job, w->step, why.text);
        if (r == 0)
            LIST_INSERT_HEAD(&a->steps, w, entry);
        else
            free(w);
    }
    return 0;
}

void arriving_ask_again(struct arriving *a)
{
    const struct arriving_step *w, *before;
    LIST_FOREACH (w, &a->steps, entry) {
        struct msg_need need;
        for (before = LIST_FIRST(&a->steps); before != w; before = LIST_NEXT(before, entry))
            if (memcmp(before->missing, w->missing, DIGEST_BYTES) == 0)
                break;
        memcpy(need.digest, w->missing, DIGEST_BYTES);
        if (before == w)
            a->need(a->arg, &need);
    }
}

void arriving_forget(struct arriving *a, uint64_t job)
{
    struct arriving_step *next;
    for (struct arriving_step *w = LIST_FIRST(&a->steps); w; w = next) {
        next = LIST_NEXT(w, entry);
        if (job && w->job != job)
            continue;
        LIST_REMOVE(w, entry);
        free(w);
    }
    libraries_release(&a->libraries, job);
}
