// Scoped release: a local marked _cleanup_(fn) calls fn(&local) when it leaves scope.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

// Makes fn_ptr for _cleanup_, of a function that frees what a pointer of the type points to. A
// local that is NULL is left alone.
#define DEFINE_CLEANUP(type, fn)                                                                   \
    static inline void fn##_ptr(type *p)                                                           \
    {                                                                                              \
        if (*p)                                                                                    \
            fn(*p);                                                                                \
    }

// Moves a pointer out of a cleanup local: the local is NULL afterwards.
#define take(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) *take_from_ = &(p);                                                          \
        __typeof__(p) taken_ = *take_from_;                                                        \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })

// Moves a descriptor out of a cleanup local: the local is -1 afterwards.
#define take_fd(fd)                                                                                \
    ({                                                                                             \
        int *take_from_ = &(fd);                                                                   \
        int taken_ = *take_from_;                                                                  \
        *take_from_ = -1;                                                                          \
        taken_;                                                                                    \
    })

static inline void free_ptr(void *p)
{
    free(*(void **)p);
}

static inline void close_fd_ptr(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)

#define _free_ _cleanup_(free_ptr)
#define _close_ _cleanup_(close_fd_ptr)
#define _fclose_ _cleanup_(fclose_ptr)
