// A kernel that goes on only when its reader has seen what it gave.
#include <stdio.h>
#include <unistd.h>

#include <fanmill/kernel.h>

int three_parts(fm_call *call)
{
    const char *folder = fm_arg(call, "folder");
    for (int part = 1; part <= 3; part++) {
        char path[512];
        snprintf(path, sizeof path, "%s/s11-%d", folder, part);
        int r = fm_emit_text(call, "%d\n", part);
        while (r == 0 && access(path, F_OK) != 0)
            r = fm_progress(call, (uint64_t)part, 3);
        if (r < 0)
            return r;
    }
    return 0;
}
