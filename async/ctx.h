// A place to continue from: one stack pointer, and what the sanitizers need to know of its stack.
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
#if defined(FM_UCONTEXT) || defined(FM_ASAN)
    int value; // what its ctx_jump() will return
#endif
#ifdef FM_ASAN
    const void *bottom;
    size_t size;
    void *fake; // ASan's fake stack of a suspended context
#endif
};

// A stack with a guard page below; ctx_stack_free frees it. NULL: no memory.
void *ctx_stack_new(size_t size);
void ctx_stack_free(void *stack, size_t size);

// Makes `ctx` call fn(arg) on the stack when it is first switched to.
void ctx_init(struct ctx *ctx, void *stack, size_t size, ctx_fn *fn, void *arg);
// Called first by every context's function, for the sanitizers.
void ctx_entered(void);
// Declares that `ctx` is what is running now, on whatever stack that is.
void ctx_is_here(struct ctx *ctx);

#ifndef FM_UCONTEXT
void fm_ctx_switch(void **save_sp, void *to_sp);
int fm_ctx_jump(void **save_sp, void *to_sp, int value);
#endif
#ifdef FM_ASAN
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
#endif

static inline void ctx_go(struct ctx *from, struct ctx *to, int last)
{
#ifdef FM_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->bottom, to->size);
#else
    (void)last;
#endif
#ifdef FM_UCONTEXT
    // swapcontext would restore the mask that the other side once had; signals are the
    // process's.
    sigprocmask(SIG_BLOCK, NULL, &to->uc.uc_sigmask);
    swapcontext(&from->uc, &to->uc);
#else
    fm_ctx_switch(&from->sp, to->sp);
#endif
#ifdef FM_ASAN
    __sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
}

// Ends with ret: fast where switches follow each other, as in the scheduler.
static inline void ctx_switch(struct ctx *from, struct ctx *to)
{
    ctx_go(from, to, 0);
}

// Ends with jmp, and passes a value to the other side's ctx_jump(): fast where two stacks take
// turns, as a generator and its consumer do. Fastest as the last thing a function does: then the
// function is left by the other side's jump, and the processor, which expects each ret to match the
// last call, is not led astray.
static inline int ctx_jump(struct ctx *from, struct ctx *to, int value)
{
#if defined(FM_UCONTEXT) || defined(FM_ASAN)
    to->value = value;
    ctx_go(from, to, 0);
    return from->value;
#else
    return fm_ctx_jump(&from->sp, to->sp, value);
#endif
}

// Leaves a stack for good; a ctx_jump() of the other side returns `value`.
static inline void ctx_leave(struct ctx *from, struct ctx *to, int value)
{
#if defined(FM_UCONTEXT) || defined(FM_ASAN)
    to->value = value;
    ctx_go(from, to, 1);
#else
    fm_ctx_jump(&from->sp, to->sp, value);
#endif
    __builtin_unreachable();
}
