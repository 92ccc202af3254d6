#include "pipelines/source/source.h"

#include <errno.h>

#include "pipelines/source/source_kinds.h"

int source_open(const struct plan *plan, struct source_reader **ret, struct err *err)
{
    switch (plan->source.kind) {
    case SOURCE_FILES:
    case SOURCE_ITEMS:
    case SOURCE_RANGE:
    case SOURCE_MATRIX:
        return source_open_counted(plan, ret, err);
    case SOURCE_LINES:
    case SOURCE_CSV:
        return source_named(plan, source_open_lines(plan, ret, err), err);
    case SOURCE_DATA:
        return source_named(plan, source_open_data(plan, ret, err), err);
    case SOURCE_PUSH:
        return err_set(err, -EINVAL, "source: items are pushed by a program; nothing to open");
    }
    return err_set(err, -EINVAL, "source: unknown kind %d", (int)plan->source.kind);
}

int source_next(struct source_reader *r, const struct source_want *want, struct run *ret,
                struct err *err)
{
    if (r->ended)
        return 0;
    struct source_want w = *want;
    if (w.chunks == 0)
        w.chunks = 1;
    if (w.slots == 0)
        w.slots = 1;
    struct run run = {0};
    int result = r->ops->next(r, &w, &run, err);
    if (result == 1) {
        r->chunks += run.count;
        *ret = run;
    } else {
        run_done(&run);
        r->ended = result == 0;
    }
    return source_named(r->plan, result, err);
}

int source_fd(const struct source_reader *r)
{
    return r->ops->fd ? r->ops->fd(r) : -1;
}

uint64_t source_total(const struct source_reader *r)
{
    return r->ended ? r->chunks : r->ops->total(r);
}

bool source_has_file(const struct source_reader *r, const char *path)
{
    return r->ops->has_file && r->ops->has_file(r, path);
}

struct source_reader *source_close(struct source_reader *r)
{
    if (r)
        r->ops->close(r);
    return NULL;
}
