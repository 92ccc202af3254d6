#include "async/ctx.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 // Linux 6.13: a guard that costs no mapping of its own
#endif

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *ctx_stack_new(size_t size)
{
    size_t guard = page_size();
    uint8_t *map = mmap(NULL, size + guard, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    madvise(map, size + guard, MADV_NOHUGEPAGE);
    if (madvise(map, guard, MADV_GUARD_INSTALL) < 0 && mprotect(map, guard, PROT_NONE) < 0) {
        munmap(map, size + guard);
        return NULL;
    }
    return map + guard;
}

void ctx_stack_free(void *stack, size_t size)
{
    if (stack)
        munmap((uint8_t *)stack - page_size(), size + page_size());
}

#ifdef FM_UCONTEXT
static void entry(unsigned high, unsigned low)
{
    struct ctx *ctx = (struct ctx *)(((uintptr_t)high << 32) | low);
    ctx->fn(ctx->arg);
    __builtin_trap();
}
#else
void fm_ctx_entry(void);
#endif

void ctx_init(struct ctx *ctx, void *stack, size_t size, ctx_fn *fn, void *arg)
{
    memset(ctx, 0, sizeof(*ctx));
#ifdef FM_ASAN
    ctx->bottom = stack;
    ctx->size = size;
#endif
#if defined(FM_UCONTEXT)
    ctx->fn = fn;
    ctx->arg = arg;
    getcontext(&ctx->uc);
    ctx->uc.uc_stack.ss_sp = stack;
    ctx->uc.uc_stack.ss_size = size;
    ctx->uc.uc_link = NULL;
    uintptr_t self = (uintptr_t)ctx;
    makecontext(&ctx->uc, (void (*)(void))entry, 2, (unsigned)(self >> 32), (unsigned)self);
#elif defined(__x86_64__)
    // As fm_ctx_switch leaves it: r15 r14 r13 r12 rbx rbp, then where to return to.
    void **top = (void **)((uint8_t *)stack + size - 72); // 16-aligned once entry is reached
    top[0] = NULL;
    top[1] = NULL;
    top[2] = arg;
    top[3] = (void *)fn;
    top[4] = NULL;
    top[5] = NULL;
    top[6] = (void *)fm_ctx_entry;
    ctx->sp = top;
#else
    // As fm_ctx_switch leaves it: x19..x30, then d8..d15.
    void **top = (void **)((uint8_t *)stack + size - 160);
    memset(top, 0, 160);
    top[0] = (void *)fn;
    top[1] = arg;
    top[11] = (void *)fm_ctx_entry;
    ctx->sp = top;
#endif
}

void ctx_entered(void)
{
#ifdef FM_ASAN
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
}

void ctx_is_here(struct ctx *ctx)
{
#ifdef FM_ASAN
    // Only a switch says what stack it left, so here are two, there and back.
    void *fake;
    char there[64] = "";
    __sanitizer_start_switch_fiber(&fake, there, sizeof(there));
    __sanitizer_finish_switch_fiber(fake, &ctx->bottom, &ctx->size);
    __sanitizer_start_switch_fiber(&fake, ctx->bottom, ctx->size);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
    (void)ctx;
#endif
}
