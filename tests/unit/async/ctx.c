// The context switch alone, so that another processor's can be tried in an emulator: entry
// argument, stack and its alignment, registers that a callee must keep, the guard page. A program
// of its own.
#include "async/ctx.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK ((size_t)64 << 10)
#define SWITCHES 100000

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct other {
    struct ctx ctx, caller;
    uint8_t *stack;
    int seen;
    double sum;
};

// Reads its stack pointer after the compiler built its frame: 16-aligned as the ABI wants, and
// variadic calls with doubles, which need that alignment, work.
static void __attribute__((noinline)) look_at_stack(struct other *o, ...)
{
    uintptr_t sp;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#else
    sp = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)15;
#endif
    check(sp % 16 == 0);
    check(sp > (uintptr_t)o->stack && sp < (uintptr_t)o->stack + STACK);
    char text[64];
    snprintf(text, sizeof(text), "%.3f %Lf", 1.5, 2.25L);
    check(strcmp(text, "1.500 2.250000") == 0);
    va_list args;
    va_start(args, o);
    check(va_arg(args, double) == 0.5);
    va_end(args);
}

static void runs(void *arg)
{
    struct other *o = arg;
    ctx_entered();
    look_at_stack(o, 0.5);
    for (;;) {
        o->seen++;
        o->sum += 0.25;
        if (o->seen < SWITCHES)
            ctx_switch(&o->ctx, &o->caller);
        else if (o->seen < 2 * SWITCHES)
            check(ctx_jump(&o->ctx, &o->caller, o->seen) == -o->seen - 1);
        else
            ctx_leave(&o->ctx, &o->caller, o->seen);
    }
}

static void switches(void)
{
    struct other o = {.stack = ctx_stack_new(STACK)};
    check(o.stack);
    ctx_is_here(&o.caller);
    ctx_init(&o.ctx, o.stack, STACK, runs, &o);
    for (int i = 1; i <= 2 * SWITCHES; i++) {
        if (i <= SWITCHES)
            ctx_switch(&o.caller, &o.ctx);
        else
            check(ctx_jump(&o.caller, &o.ctx, -i) == i);
        check(o.seen == i);
    }
    check(o.sum == 0.25 * 2 * SWITCHES);
    ctx_stack_free(o.stack, STACK);
}

// Many at a time, each on its own stack.
static void many(void)
{
    enum { N = 200 };
    static struct other others[N];
    for (int i = 0; i < N; i++) {
        others[i].stack = ctx_stack_new(STACK);
        check(others[i].stack);
        ctx_init(&others[i].ctx, others[i].stack, STACK, runs, &others[i]);
    }
    for (int round = 1; round <= 10; round++) {
        for (int i = 0; i < N; i++) {
            ctx_switch(&others[i].caller, &others[i].ctx);
            check(others[i].seen == round);
        }
    }
    for (int i = 0; i < N; i++)
        ctx_stack_free(others[i].stack, STACK);
}

// AddressSanitizer is not told of the switches that the registers are tried with.
#if !defined(FM_UCONTEXT) && !defined(FM_ASAN)
#define TRY_REGISTERS
#define WORDS 18

void regs_across(void *fn, void **save_sp, void *to_sp, uint64_t *words);

static struct {
    void *main_sp;
    struct ctx ctx;
    void *fn;
    uint64_t words[WORDS];
    int rounds;
} spoiler;

// Holds words of its own in the same registers while the main stack holds its.
static void spoils(void *arg)
{
    check(arg == &spoiler);
    for (;;) {
        for (int i = 0; i < WORDS; i++)
            spoiler.words[i] = ~(uint64_t)i * 0x9e3779b97f4a7c15u;
        regs_across(spoiler.fn, &spoiler.ctx.sp, spoiler.main_sp, spoiler.words);
        for (int i = 0; i < WORDS; i++)
            check(spoiler.words[i] == ~(uint64_t)i * 0x9e3779b97f4a7c15u);
        spoiler.rounds++;
    }
}

static void keeps_registers(void *fn)
{
    uint8_t *stack = ctx_stack_new(STACK);
    check(stack);
    spoiler.fn = fn;
    spoiler.rounds = 0;
    ctx_init(&spoiler.ctx, stack, STACK, spoils, &spoiler);
    for (uint64_t round = 0; round < 100; round++) {
        uint64_t words[WORDS];
        for (uint64_t i = 0; i < WORDS; i++)
            words[i] = 0x0101010101010101u * (i + 1) + (round << 56);
        regs_across(fn, &spoiler.main_sp, spoiler.ctx.sp, words);
        for (uint64_t i = 0; i < WORDS; i++)
            check(words[i] == 0x0101010101010101u * (i + 1) + (round << 56));
    }
    check(spoiler.rounds == 99);
    ctx_stack_free(stack, STACK);
}
#endif

// Whoever writes below the stack is stopped by the guard.
static void __attribute__((unused)) is_guarded(void)
{
    volatile uint8_t *stack = ctx_stack_new(STACK);
    check(stack);
    stack[0] = 1;
    stack[STACK - 1] = 1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        stack[-1] = 1;
        _exit(0);
    }
    int status = 0;
    check(waitpid(pid, &status, 0) == pid);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ctx_stack_free((void *)(uintptr_t)stack, STACK);
    ctx_stack_free(NULL, STACK);
}

int main(void)
{
    switches();
    many();
#ifdef TRY_REGISTERS
    keeps_registers((void *)fm_ctx_switch);
    keeps_registers((void *)fm_ctx_jump);
#endif
#ifndef EMULATED // qemu says yes to any madvise and does nothing
    is_guarded();
#endif
    return 0;
}
