// Kernels that go on only when their reader has seen what they gave.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fanmill/kernel.h>

// Returns at once, but for item 300: that waits for a file.
int last_waits(fm_call *call)
{
    const char *folder = fm_arg(call, "folder");
    size_t len;
    const char *item = fm_item(call, 0, &len);
    char path[512];
    snprintf(path, sizeof(path), "%s/seen", folder);
    if (len == 3 && memcmp(item, "300", 3) == 0)
        while (access(path, F_OK) != 0)
            if (fm_progress(call, 0, 1) < 0)
                return -1;
    return fm_emit_text(call, "%.*s\n", (int)len, item);
}

int three_parts(fm_call *call)
{
    const char *folder = fm_arg(call, "folder");
    for (int part = 1; part <= 3; part++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/s11-%d", folder, part);
        int r = fm_emit_text(call, "%d\n", part);
        while (r == 0 && access(path, F_OK) != 0)
            r = fm_progress(call, (uint64_t)part, 3);
        if (r < 0)
            return r;
    }
    return 0;
}
