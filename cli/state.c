#include "cli/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

static int check_folder(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, -ENOTDIR, "'%s' is not a folder", path);
    if (st.st_uid != geteuid())
        return err_set(err, -EPERM, "'%s' belongs to another user", path);
    if (st.st_mode & 077)
        return err_set(err, -EPERM,
                       "'%s' has mode %04o: others can look into it; run: chmod 700 "
                       "'%s'",
                       path, st.st_mode & 07777, path);
    return 0;
}

// Makes the folders on the way, and the last one for us alone.
static int make_folder(const char *path, struct err *err)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return err_sys(err, -errno, "'%s'", part);
        *slash = '/';
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_sys(err, -errno, "'%s'", path);
    return check_folder(path, err);
}

static int joined(char ret[PATH_MAX], struct err *err, const char *a, const char *between,
                  const char *b)
{
    int n = snprintf(ret, PATH_MAX, "%s%s%s", a, between, b);
    return n > 0 && n < PATH_MAX ? 0 : err_set(err, -ENAMETOOLONG, "'%s' is too long", a);
}

static int default_folder(char ret[PATH_MAX], struct err *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state && state[0] == '/')
        return joined(ret, err, state, "/fanmill/", "default");
    if (home && home[0] == '/')
        return joined(ret, err, home, "/.local/state/fanmill/", "default");
    return err_set(err, -ENOENT, "where is the state folder? give --state, or set HOME");
}

static int runtime_folder(char ret[PATH_MAX], struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char user[32];
    snprintf(user, sizeof user, "%u", geteuid());
    return runtime && runtime[0] == '/' ? joined(ret, err, runtime, "/", "fanmill")
                                        : joined(ret, err, "/tmp", "/fanmill-", user);
}

int state_open(const char *given, struct state *ret, struct err *err)
{
    char path[PATH_MAX];
    int r = given ? joined(path, err, given, "", "") : default_folder(path, err);
    if (r == 0)
        r = make_folder(path, err);
    if (r == 0 && !realpath(path, ret->folder))
        r = err_sys(err, -errno, "'%s'", path);
    return r;
}

int state_path(const struct state *state, const char *name, char ret[PATH_MAX], struct err *err)
{
    return joined(ret, err, state->folder, "/", name);
}

int state_lock(struct state *state, struct err *err)
{
    char path[PATH_MAX], pid[32] = "";
    int r = state_path(state, "lock", path, err);
    if (r < 0)
        return r;
    state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (state->lock < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (flock(state->lock, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return err_sys(err, -errno, "'%s'", path);
        ssize_t n = read(state->lock, pid, sizeof pid - 1);
        close(state->lock);
        state->lock = -1;
        return err_set(err, -EBUSY, "'%s' is used by another coordinator (pid %.*s)", state->folder,
                       n > 0 ? (int)n : 1, n > 0 ? pid : "?");
    }
    int n = snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (ftruncate(state->lock, 0) < 0 || pwrite(state->lock, pid, (size_t)n, 0) != n)
        return err_sys(err, -errno, "'%s'", path);
    return 0;
}

// Different folders have different names there; FNV-1a, 64 bits.
static uint64_t number_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    return hash;
}

#define SOCKET_PATH_MAX 108 // of a Unix socket's address, with its NUL

int state_endpoint(const struct state *state, char ret[ACCESS_ENDPOINT_MAX], struct err *err)
{
    char runtime[PATH_MAX];
    int r = runtime_folder(runtime, err);
    if (r == 0)
        r = make_folder(runtime, err);
    if (r < 0)
        return r;
    int n = snprintf(ret, ACCESS_ENDPOINT_MAX, "ipc://%s/%016llx.socket", runtime,
                     (unsigned long long)number_of(state->folder));
    if (n - (int)strlen("ipc://") >= SOCKET_PATH_MAX)
        return err_set(err, -ENAMETOOLONG,
                       "'%s' is too long for a socket's address; set XDG_RUNTIME_DIR to a shorter "
                       "one",
                       runtime);
    return 0;
}

int state_publish(struct state *state, const struct access *access, struct err *err)
{
    char path[PATH_MAX], runtime[PATH_MAX], name[64];
    int r = state_path(state, "access", path, err);
    if (r == 0)
        r = access_write(path, access, err);
    if (r == 0)
        r = runtime_folder(runtime, err);
    if (r == 0)
        r = make_folder(runtime, err);
    snprintf(name, sizeof name, "%016llx.access", (unsigned long long)number_of(state->folder));
    if (r == 0)
        r = joined(state->published, err, runtime, "/", name);
    if (r == 0)
        r = access_write(state->published, access, err);
    if (r < 0)
        return r;
    state->published_lock = open(state->published, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (state->published_lock < 0 || flock(state->published_lock, LOCK_EX | LOCK_NB) < 0)
        return err_sys(err, -errno, "'%s'", state->published);
    return 0;
}

void state_close(struct state *state)
{
    char path[PATH_MAX], endpoint[ACCESS_ENDPOINT_MAX];
    if (state->lock >= 0 && state_endpoint(state, endpoint, NULL) == 0)
        unlink(endpoint + strlen("ipc://"));
    if (state->published_lock >= 0) {
        unlink(state->published);
        close(state->published_lock);
        if (state_path(state, "access", path, NULL) == 0)
            unlink(path);
    }
    if (state->lock >= 0)
        close(state->lock);
    *state = STATE_INIT;
}

// The coordinator of the file is gone when nobody locks it; then the file is of no use.
static bool is_alive(const char *path)
{
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    unlink(path);
    return false;
}

static int find_running(struct access *ret, struct err *err)
{
    char runtime[PATH_MAX], path[PATH_MAX], list[400] = "";
    unsigned n = 0;
    int r = runtime_folder(runtime, err);
    if (r < 0)
        return r;
    DIR *dir = check_folder(runtime, err) == 0 ? opendir(runtime) : NULL;
    for (struct dirent *file; dir && (file = readdir(dir));) {
        char candidate[PATH_MAX];
        if (!strstr(file->d_name, ".access") ||
            joined(candidate, err, runtime, "/", file->d_name) < 0 || !is_alive(candidate))
            continue;
        memcpy(path, candidate, sizeof path);
        size_t used = strlen(list);
        if (snprintf(list + used, sizeof list - used, "%s%s", n ? ", " : "", candidate) >=
            (int)(sizeof list - used))
            list[used] = '\0'; // no room: it is counted
        n++;
    }
    if (dir)
        closedir(dir);
    if (n == 1)
        return access_read(path, ret, err);
    if (n > 1)
        return err_set(err, -EEXIST,
                       "%u coordinators are running here; name one with --connect: %s", n, list);
    return err_set(err, -ENOENT,
                   "no coordinator is running here: start one (fanmill coordinator), "
                   "or name one with --connect");
}

static int at_address(const char *where, const char *key, struct access *ret, struct err *err)
{
    struct access access = {.role = ROLE_ADMIN};
    if (key) {
        int r = access_read(key, &access, err);
        if (r < 0)
            return r;
    } else if (strncmp(where, "tcp://", 6) == 0) {
        return err_set(err, -EPERM,
                       "%s: over a network only with keys: give the access file that "
                       "'fanmill invite' made",
                       where);
    }
    if (strlen(where) >= ACCESS_ENDPOINT_MAX)
        return err_set(err, -ENAMETOOLONG, "'%s' is too long", where);
    access.n_endpoints = 1;
    strcpy(access.endpoints[0], where);
    *ret = access;
    return 0;
}

int state_find(const char *where, const char *key, struct access *ret, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    if (!where)
        where = getenv("FANMILL_CONNECT");
    if (!where || !where[0])
        return find_running(ret, err);
    if (strncmp(where, "tcp://", 6) == 0 || strncmp(where, "ipc://", 6) == 0)
        return at_address(where, key, ret, err);
    if (stat(where, &st) == 0 && S_ISDIR(st.st_mode)) {
        int r = joined(path, err, where, "/", "access");
        if (r < 0)
            return r;
        r = access_read(path, ret, err);
        return r == -ENOENT ? err_set(err, r, "no coordinator runs in '%s'", where) : r;
    }
    return access_read(where, ret, err);
}
