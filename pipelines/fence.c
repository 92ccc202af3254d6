#include "pipelines/fence.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipelines/plan.h"

int fence_check(const struct plan *plan, int fd, const char *path, struct err *err)
{
    char link[64], real[PATH_MAX];
    if (!plan->fences)
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, sizeof(real) - 1);
    if (n < 0)
        return err_sys(err, -EACCES, "'%s': its place can't be found out", path);
    real[n] = '\0';
    for (const char *const *fence = plan->fences; *fence; fence++) {
        size_t len = strlen(*fence);
        if (strncmp(real, *fence, len) == 0 && (real[len] == '\0' || real[len] == '/'))
            return err_set(
                err, -EACCES,
                "'%s' lies in a folder of the coordinator's own, which jobs may not touch", path);
    }
    return 0;
}
