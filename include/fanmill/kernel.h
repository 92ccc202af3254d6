/*
 * kernel.h - the C interface of a fanmill kernel: a function in a shared object that executors call
 * for each chunk without starting a process.
 *
 *     #include <fanmill/kernel.h>
 *
 *     int count_inside(fm_call *call)
 *     {
 *         uint64_t inside = 0;
 *         for (size_t i = 0; i < fm_item_count(call); i++) {
 *             size_t len;
 *             const char *item = (const char *)fm_item(call, i, &len);
 *             inside += simulate(strtoull(item, NULL, 10));
 *         }
 *         return fm_emit_text(call, "%llu\n", (unsigned long long)inside);
 *     }
 *
 * Build: cc -shared -fPIC -o libpi.so pi.c            (nothing to link with)
 * Use:   kernel: ./libpi.so:count_inside
 *
 * An executor runs one chunk at a time and calls kernels from its only thread. A crash of a kernel
 * costs its chunk one attempt and nothing else. What it prints goes to standard error. C99 and C++.
 */
#ifndef FANMILL_KERNEL_H
#define FANMILL_KERNEL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FM_KERNEL_ABI 1

typedef struct fm_call fm_call;

/* A kernel. Returns 0 on success; any other value fails the chunk (fm_fail sets a message). */
typedef int fm_kernel_fn(fm_call *call);

/* What a call can do. Use the functions below; the table exists so that a kernel links with nothing
 * and stays valid when later versions append members. */
struct fm_call_ops {
    uint32_t abi;
    uint32_t size;
    size_t (*item_count)(const fm_call *call);
    const void *(*item)(const fm_call *call, size_t index, size_t *ret_len);
    const void *(*data)(const fm_call *call, size_t *ret_len);
    const char *(*arg)(const fm_call *call, const char *name);
    int (*emit)(fm_call *call, const void *data, size_t len);
    int (*progress)(fm_call *call, uint64_t done, uint64_t total);
    int (*failv)(fm_call *call, const char *format, va_list ap);
    int (*emitv)(fm_call *call, const char *format, va_list ap);
};

struct fm_call {
    const struct fm_call_ops *ops;
    uint64_t job;
    uint64_t chunk;   /* number of the chunk in its step, from 0 */
    uint64_t item;    /* number of the chunk's first item, from 0 */
    uint32_t attempt; /* from 1 */
    uint32_t slot;    /* of the worker, from 1 */
};

/* Number of items of the chunk. A piece of data (source.data, or the output of an earlier stage) is
 * one item. */
static inline size_t fm_item_count(const fm_call *call)
{
    return call->ops->item_count(call);
}

/* Item `index`, and its length in bytes in *ret_len. A NUL byte follows that is not part of it.
 * Borrowed until the kernel returns. NULL if the chunk has no such item. */
static inline const void *fm_item(const fm_call *call, size_t index, size_t *ret_len)
{
    return call->ops->item(call, index, ret_len);
}

/* The whole input in one piece: items one a line, or the data unchanged. Borrowed until the kernel
 * returns. */
static inline const void *fm_data(const fm_call *call, size_t *ret_len)
{
    return call->ops->data(call, ret_len);
}

/* The value of `args: {name: value}` as text, or NULL if it was not given. */
static inline const char *fm_arg(const fm_call *call, const char *name)
{
    return call->ops->arg(call, name);
}

/* Adds one result. It may be called many times: the chunk's output is all results in order. The
 * bytes are copied. 0, or a negative errno that the kernel should return (-ENOMEM; -ENOBUFS beyond
 * the limit of a result; -ECANCELED if the chunk was cancelled). */
static inline int fm_emit(fm_call *call, const void *data, size_t len)
{
    return call->ops->emit(call, data, len);
}

/* As fm_emit, with a text formatted as by printf. */
static inline int fm_emit_text(fm_call *call, const char *format, ...)
{
    va_list ap;
    int r;
    va_start(ap, format);
    r = call->ops->emitv(call, format, ap);
    va_end(ap);
    return r;
}

/* Reports progress: `done` of `total`, in the kernel's own unit. Cheap; call it as often as you
 * like. Returns -ECANCELED if the chunk was cancelled: return soon. */
static inline int fm_progress(fm_call *call, uint64_t done, uint64_t total)
{
    return call->ops->progress(call, done, total);
}

/* Sets the message that the user sees and returns a negative value, to be returned:
 *     return fm_fail(call, "row %d has no date", row); */
static inline int fm_fail(fm_call *call, const char *format, ...)
{
    va_list ap;
    int r;
    va_start(ap, format);
    r = call->ops->failv(call, format, ap);
    va_end(ap);
    return r;
}

#ifdef __cplusplus
}
#endif
#endif
