#include "transport/localdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_NAME "coordinator"

int localdir_make(struct localdir *ret, struct err *err)
{
    const char *const roots[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp", "/dev/shm"};
    int last = -ENOENT;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        struct localdir dir;
        if (!roots[i] || roots[i][0] != '/')
            continue;
        int len = snprintf(dir.path, sizeof(dir.path), "%s/fanmill-XXXXXX", roots[i]);
        if (len < 0 || (size_t)len + sizeof("/" SOCKET_NAME) > sizeof(dir.path))
            continue;
        if (!mkdtemp(dir.path)) {
            last = -errno;
            continue;
        }
        snprintf(dir.endpoint, sizeof(dir.endpoint), "ipc://%s/" SOCKET_NAME, dir.path);
        *ret = dir;
        return 0;
    }
    return err_sys(err, last,
                   "can't make a private directory for the socket in $XDG_RUNTIME_DIR, "
                   "$TMPDIR, /tmp or /dev/shm");
}

void localdir_remove(const struct localdir *dir)
{
    if (!dir->path[0])
        return;
    unlink(dir->endpoint + strlen("ipc://"));
    rmdir(dir->path);
}
