#include "cli/follow/whereabouts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipelines/plan.h"

void whereabouts_of(const struct plan *plan, char ret[PATH_MAX])
{
    const struct sink *sink = &plan->sink;
    char here[PATH_MAX], path[PATH_MAX];
    *ret = '\0';
    if (sink->kind != SINK_FILE && sink->kind != SINK_DIR)
        return;
    const char *from = *sink->path != '/' ? plan->directory : "";
    int n = snprintf(path, sizeof(path), "%s%s%s", from, *from ? "/" : "", sink->path);
    if (n < 0 || (size_t)n >= sizeof(path) - 1)
        return;
    if (sink->kind == SINK_DIR && path[n - 1] != '/')
        memcpy(path + n, "/", 2);
    size_t len = getcwd(here, sizeof(here)) ? strlen(here) : 0;
    bool is_inside = len > 1 && strncmp(path, here, len) == 0 && path[len] == '/' && path[len + 1];
    const char *shown = is_inside && *sink->path != '/' ? path + len + 1 : path;
    memcpy(ret, shown, strlen(shown) + 1);
}
