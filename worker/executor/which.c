#include "worker/executor/which.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

static const char *path_of(const struct recipe_stage *s)
{
    for (size_t i = RECIPE_NUMBERS + 1; i < s->n_env; i++)
        if (strncmp(s->env[i], "PATH=", 5) == 0)
            return s->env[i] + 5;
    return PATH_DEFAULT;
}

static int try_file(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == EACCES ? -EACCES : -ENOENT;
    return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

int find_program(struct recipe_stage *s, const char *name, const char *directory,
                 const char **ret_path)
{
    if (strchr(name, '/')) {
        *ret_path = name;
        return 0;
    }
    if (s->path_for && strcmp(s->path_for, name) == 0 && access(s->path_found, X_OK) == 0) {
        *ret_path = s->path_found;
        return 0;
    }
    int worst = -ENOENT;
    const char *at = path_of(s);
    while (*name) {
        size_t len = strcspn(at, ":");
        _free_ char *found = NULL;
        // An empty or relative entry is seen from where the program will start.
        int made = len && at[0] == '/'
                       ? asprintf(&found, "%.*s/%s", (int)len, at, name)
                       : asprintf(&found, "%s/%.*s/%s", directory, (int)len, at, name);
        if (made < 0) {
            found = NULL;
            return -ENOMEM;
        }
        int r = try_file(found);
        if (r == 0) {
            char *word = strdup(name);
            if (!word)
                return -ENOMEM;
            free(s->path_found);
            free(s->path_for);
            s->path_found = take(found);
            s->path_for = word;
            *ret_path = s->path_found;
            return 0;
        }
        if (r == -EACCES)
            worst = r;
        if (!at[len])
            break;
        at += len + 1;
    }
    return worst;
}
