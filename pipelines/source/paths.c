#include "pipelines/source/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "pipelines/source/extent.h"

void paths_done(struct paths *p)
{
    for (size_t i = 0; i < p->len; i++)
        free(p->names[i]);
    free(p->names);
    *p = (struct paths){0};
}

int paths_add(struct paths *p, const char *name)
{
    if (grow(p->names, p->len, 1) < 0)
        return -ENOMEM;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    p->names[p->len++] = copy;
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void paths_sort(struct paths *p, size_t first, bool unique)
{
    if (p->len - first < 2)
        return;
    qsort(p->names + first, p->len - first, sizeof(*p->names), by_bytes);
    if (!unique)
        return;
    size_t kept = first + 1;
    for (size_t i = first + 1; i < p->len; i++) {
        if (strcmp(p->names[kept - 1], p->names[i]) == 0)
            free(p->names[i]);
        else
            p->names[kept++] = p->names[i];
    }
    p->len = kept;
}

// A backslash escapes the next character.
static bool is_pattern(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\\' && c[1])
            c++;
        else if (strchr("*?[", *c))
            return true;
    }
    return false;
}

// Turns a text that is not a pattern into the path that it means, in place.
static void unescape(char *text)
{
    char *at = text;
    for (const char *c = text; *c; c++) {
        if (*c == '\\' && c[1])
            c++;
        *at++ = *c;
    }
    *at = '\0';
}

// Copies the first part of a path and returns what follows its slash, "" after the last part. NULL:
// the part is too long to be a name.
static const char *first_part(const char *path, char part[NAME_MAX + 1])
{
    const char *slash = strchrnul(path, '/');
    size_t len = (size_t)(slash - path);
    if (len > NAME_MAX)
        return NULL;
    memcpy(part, path, len);
    part[len] = '\0';
    while (*slash == '/')
        slash++;
    return slash;
}

static bool matches(const char *pattern, const char *path)
{
    char want[NAME_MAX + 1], have[NAME_MAX + 1];
    const char *want_rest = first_part(pattern, want);
    const char *have_rest = first_part(path, have);
    if (!want_rest || !have_rest)
        return false;
    if (strcmp(want, "**") == 0)
        return !*want_rest || matches(want_rest, path) ||
               (*have_rest && matches(pattern, have_rest));
    if (fnmatch(want, have, FNM_PERIOD) != 0)
        return false;
    return *want_rest && *have_rest ? matches(want_rest, have_rest) : !*want_rest && !*have_rest;
}

static const char *plain(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return path;
}

bool path_matches(const char *pattern, const char *path)
{
    return matches(plain(pattern), plain(path));
}

struct walk {
    struct paths *found;
    int base; // where relative prefixes begin
    struct err *err;
};

static int walk(struct walk *w, const char *prefix, const char *rest);

// A name within `prefix` that fits the pattern so far.
static int visit(struct walk *w, const char *prefix, const char *name, const char *rest)
{
    char path[EXTENT_PATH_MAX];
    const char *end = *rest ? "/" : "";
    if ((size_t)snprintf(path, sizeof(path), "%s%s%s", prefix, name, end) >= sizeof(path))
        return err_sys(w->err, -ENAMETOOLONG, "'%s%s'", prefix, name);
    struct stat st;
    if (fstatat(w->base, path, &st, 0) < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? 0
                   : err_sys(w->err, -errno, "'%s'", path);
    if (*rest)
        return S_ISDIR(st.st_mode) ? walk(w, path, rest) : 0;
    int r = S_ISREG(st.st_mode) ? paths_add(w->found, path) : 0;
    return r < 0 ? err_sys(w->err, r, "'%s'", path) : 0;
}

static bool is_folder(int dir, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

DEFINE_CLEANUP(DIR *, closedir)

// Each name of a folder against one part; a part ** goes down into the folder's folders. Links to
// folders are not followed there, so that a circle of them has an end.
static int scan(struct walk *w, const char *prefix, const char *part, const char *pattern,
                const char *rest)
{
    const char *folder = *prefix ? prefix : ".";
    _close_ int fd = openat(w->base, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(w->err, -errno, "'%s'", folder);
    _cleanup_(closedir_ptr)
    DIR *dir = fdopendir(fd);
    if (!dir)
        return err_sys(w->err, -errno, "'%s'", folder);
    fd = -1; // the stream has it
    bool deep = strcmp(part, "**") == 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? err_sys(w->err, -errno, "'%s'", folder) : 0;
        int r = 0;
        if (deep) {
            if (entry->d_name[0] != '.' && is_folder(dirfd(dir), entry))
                r = visit(w, prefix, entry->d_name, pattern);
        } else if (fnmatch(part, entry->d_name, FNM_PERIOD) == 0) {
            r = visit(w, prefix, entry->d_name, rest);
        }
        if (r < 0)
            return r;
    }
}

static int walk(struct walk *w, const char *prefix, const char *pattern)
{
    char part[NAME_MAX + 1];
    const char *rest = first_part(pattern, part);
    if (!rest)
        return err_sys(w->err, -ENAMETOOLONG, "'%s'", pattern);
    if (strcmp(part, "**") == 0) {
        int r = walk(w, prefix, *rest ? rest : "*");
        return r < 0 ? r : scan(w, prefix, part, pattern, rest);
    }
    if (is_pattern(part))
        return scan(w, prefix, part, pattern, rest);
    unescape(part);
    return visit(w, prefix, part, rest);
}

int paths_glob(struct paths *p, const char *pattern, const char *directory, struct err *err)
{
    _close_ int base = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        return err_sys(err, -errno, "'%s'", directory);
    if (!is_pattern(pattern)) {
        struct stat st;
        _free_ char *path = strdup(pattern);
        if (!path)
            return err_sys(err, -ENOMEM, "'%s'", pattern);
        unescape(path);
        if (fstatat(base, path, &st, 0) < 0)
            return err_sys(err, -errno, "'%s' (searched from %s)", path, directory);
        if (S_ISDIR(st.st_mode))
            return err_sys(err, -EISDIR, "'%s'", path);
        int r = paths_add(p, path);
        return r < 0 ? err_sys(err, r, "'%s'", path) : 0;
    }
    size_t first = p->len;
    struct walk w = {.found = p, .base = base, .err = err};
    const char *rest = pattern;
    while (*rest == '/')
        rest++;
    int r = walk(&w, *pattern == '/' ? "/" : "", rest);
    if (r < 0)
        return r;
    if (p->len == first)
        return err_set(err, -ENOENT, "no file matches '%s' (searched from %s)", pattern, directory);
    paths_sort(p, first, true);
    return 0;
}

void paths_exclude(struct paths *p, const struct source *source)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->len; i++) {
        bool out = false;
        for (size_t k = 0; k < source->n_texts && !out; k++)
            out = source->texts[k][0] == '!' && path_matches(source->texts[k] + 1, p->names[i]);
        if (out)
            free(p->names[i]);
        else
            p->names[kept++] = p->names[i];
    }
    p->len = kept;
}
