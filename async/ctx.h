// A place to go on from: one stack pointer, and what the sanitizers want to know about its stack.
// x86-64 and aarch64 switch by hand (switch_*.S); elsewhere, and with FM_UCONTEXT, by ucontext.
#pragma once
#include <stddef.h>

#if !defined(FM_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define FM_UCONTEXT 1
#endif

#ifdef FM_UCONTEXT
#include <signal.h>
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define FM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FM_ASAN 1
#endif
#endif

typedef void ctx_fn(void *arg); // never returns

struct ctx {
#ifdef FM_UCONTEXT
    ucontext_t uc;
    ctx_fn *fn;
    void *arg;
#else
    void *sp;
#endif
#ifdef FM_ASAN
    const void *bottom;
    size_t size;
    void *fake; // ASan's fake stack of a suspended context
#endif
};

// A stack with a guard page below; ctx_stack_free takes what ctx_stack_new gave. NULL: no memory.
void *ctx_stack_new(size_t size);
void ctx_stack_free(void *stack, size_t size);

// Makes `ctx` begin fn(arg) on the stack when it is first switched to.
void ctx_init(struct ctx *ctx, void *stack, size_t size, ctx_fn *fn, void *arg);
// First words of every context's function, for the sanitizers.
void ctx_entered(struct ctx *from);

#ifndef FM_UCONTEXT
void fm_ctx_switch(void **save_sp, void *to_sp);
void fm_ctx_jump(void **save_sp, void *to_sp);
#endif
#ifdef FM_ASAN
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
#endif

enum ctx_how {
    CTX_CALL, // ends with ret: fast where switches follow each other, as in the scheduler
    CTX_JUMP, // ends with jmp: fast where two stacks take turns, as a generator and its consumer do
};

static inline void ctx_go(struct ctx *from, struct ctx *to, enum ctx_how how, int last)
{
#ifdef FM_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->bottom, to->size);
#else
    (void)last;
#endif
#ifdef FM_UCONTEXT
    (void)how;
    // swapcontext would bring back the mask that the other side once had; signals are the
    // process's.
    sigprocmask(SIG_BLOCK, NULL, &to->uc.uc_sigmask);
    swapcontext(&from->uc, &to->uc);
#else
    if (how == CTX_CALL)
        fm_ctx_switch(&from->sp, to->sp);
    else
        fm_ctx_jump(&from->sp, to->sp);
#endif
#ifdef FM_ASAN
    __sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
}

static inline void ctx_switch(struct ctx *from, struct ctx *to)
{
    ctx_go(from, to, CTX_CALL, 0);
}

static inline void ctx_jump(struct ctx *from, struct ctx *to)
{
    ctx_go(from, to, CTX_JUMP, 0);
}

// Leaves a stack for good.
static inline void ctx_leave(struct ctx *from, struct ctx *to)
{
    ctx_go(from, to, CTX_CALL, 1);
    __builtin_unreachable();
}
