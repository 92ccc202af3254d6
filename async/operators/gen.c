#include "async/operators/gen.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "async/operators/internal.h"

enum gen_state { GEN_NEW, GEN_SUSPENDED, GEN_RUNNING, GEN_ENDED };

struct gen {
    struct stream stream;
    struct ctx ctx;
    struct ctx consumer;
    enum gen_state state;
    bool closing;
    void **ret; // where the consumer wants its item
    gen_fn *fn;
    void *arg;
    struct scope *scope; // the consumer's innermost when it asked
    void *stack;
    size_t stack_bytes;
};

static void gen_main(void *arg)
{
    struct gen *g = arg;
    ctx_entered();
    int r = g->fn(g, g->arg);
    assert(task_self()->scope == g->scope);
    g->state = GEN_ENDED;
    ctx_leave(&g->ctx, &g->consumer, stream_finish(&g->stream, r < 0 ? r : 0));
}

// As stream_next. The first thing the generator sees is `value`: 0, or -ECANCELED to close it.
static int resume(struct gen *g, void **ret, int value)
{
    struct task *task = loop_self->current;
    g->scope = task->scope;
    g->state = GEN_RUNNING;
    g->ret = ret;
#ifdef FM_ASAN
    // If the task parks now, it does so on the generator's stack.
    g->consumer.bottom = task->ctx.bottom;
    g->consumer.size = task->ctx.size;
    task->ctx.bottom = g->stack;
    task->ctx.size = g->stack_bytes;
    int r = ctx_jump(&g->consumer, &g->ctx, value);
    task->ctx.bottom = g->consumer.bottom;
    task->ctx.size = g->consumer.size;
    return r;
#else
    return ctx_jump(&g->consumer, &g->ctx, value);
#endif
}

int gen_yield(struct gen *g, void *item)
{
    assert(g->state == GEN_RUNNING && loop_self->current->scope == g->scope);
    if (g->closing) {
        if (g->stream.drop)
            g->stream.drop(item);
        return -ECANCELED;
    }
    *g->ret = item;
    g->state = GEN_SUSPENDED;
    return ctx_jump(&g->ctx, &g->consumer, 1);
}

static int begin(struct gen *g, void **ret)
{
    g->stack_bytes = loop_self->options.stack_bytes;
    g->stack = ctx_stack_new(g->stack_bytes);
    if (!g->stack)
        return -ENOMEM;
    ctx_init(&g->ctx, g->stack, g->stack_bytes, gen_main, g);
    return resume(g, ret, 0);
}

static int gen_next(struct stream *s, void **ret)
{
    struct gen *g = container_of(s, struct gen, stream);
    if (g->state == GEN_SUSPENDED)
        return resume(g, ret, 0);
    assert(g->state == GEN_NEW);
    return begin(g, ret);
}

static void gen_close(struct stream *s)
{
    struct gen *g = container_of(s, struct gen, stream);
    if (g->state == GEN_SUSPENDED) {
        g->closing = true;
        resume(g, NULL, -ECANCELED);
    }
    assert(g->state == GEN_NEW || g->state == GEN_ENDED);
    ctx_stack_free(g->stack, g->stack_bytes);
    free(g);
}

struct stream *gen_new(gen_fn *fn, void *arg, void (*drop)(void *item))
{
    static const struct stream_ops ops = {gen_next, gen_close};
    struct gen *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->stream.ops = &ops;
    g->stream.drop = drop;
    g->fn = fn;
    g->arg = arg;
    return &g->stream;
}
