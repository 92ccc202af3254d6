#include "cli/service/state.h"

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
#include "base/hash.h"
#include "client/find.h"

// Makes all folders of the path, the last one for us alone.
static int make_folder(const char *path, struct err *err)
{
    char part[PATH_MAX];
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return err_sys(err, -errno, "'%s'", part);
        *slash = '/';
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_sys(err, -errno, "'%s'", path);
    return find_check_folder(path, err);
}

static int default_folder(char ret[PATH_MAX], struct err *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state && state[0] == '/')
        return find_join(ret, err, state, "/fanmill/", "default");
    if (home && home[0] == '/')
        return find_join(ret, err, home, "/.local/state/fanmill/", "default");
    return err_set(err, -ENOENT, "no state folder: give --state or set HOME");
}

int state_open(const char *given, struct state *ret, struct err *err)
{
    char path[PATH_MAX];
    int r = given ? find_join(path, err, given, "", "") : default_folder(path, err);
    if (r == 0)
        r = make_folder(path, err);
    if (r == 0 && !realpath(path, ret->folder))
        r = err_sys(err, -errno, "'%s'", path);
    return r;
}

int state_path(const struct state *state, const char *name, char ret[PATH_MAX], struct err *err)
{
    return find_join(ret, err, state->folder, "/", name);
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
        ssize_t n = read(state->lock, pid, sizeof(pid) - 1);
        close(state->lock);
        state->lock = -1;
        return err_set(err, -EBUSY, "'%s' is used by another coordinator (pid %.*s)", state->folder,
                       n > 0 ? (int)n : 1, n > 0 ? pid : "?");
    }
    int n = snprintf(pid, sizeof(pid), "%d", (int)getpid());
    if (ftruncate(state->lock, 0) < 0 || pwrite(state->lock, pid, (size_t)n, 0) != n)
        return err_sys(err, -errno, "'%s'", path);
    return 0;
}

// Different folders have different numbers.
static uint64_t number_of(const char *text)
{
    return hash_add(HASH_BEGIN, text, strlen(text));
}

#define SOCKET_PATH_MAX 108 // of a Unix socket's address, with its NUL

int state_endpoint(const struct state *state, char ret[ACCESS_ENDPOINT_MAX], struct err *err)
{
    char runtime[PATH_MAX];
    int r = find_runtime_folder(runtime, err);
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

void state_spare_endpoint(const struct state *state, char ret[ACCESS_ENDPOINT_MAX])
{
    ret[0] = '\0';
    if (strlen(state->folder) + strlen("/socket") < SOCKET_PATH_MAX)
        snprintf(ret, ACCESS_ENDPOINT_MAX, "ipc://%.*s/socket", SOCKET_PATH_MAX, state->folder);
}

// Visible and locked at once, for those that search the folder.
static int publish(struct state *state, const char *runtime, const struct access *access,
                   struct err *err)
{
    _close_ int lock = find_lock_folder(runtime);
    if (lock < 0)
        return err_sys(err, lock, "'%s'", runtime);
    int r = access_write(state->published, access, err);
    if (r < 0)
        return r;
    state->published_lock = open(state->published, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (state->published_lock < 0 || flock(state->published_lock, LOCK_EX | LOCK_NB) < 0)
        return err_sys(err, -errno, "'%s'", state->published);
    return 0;
}

int state_publish(struct state *state, const struct access *access, struct err *err)
{
    char path[PATH_MAX], runtime[PATH_MAX], name[64];
    snprintf(name, sizeof(name), "%016llx.access", (unsigned long long)number_of(state->folder));
    int r = find_runtime_folder(runtime, err);
    if (r == 0)
        r = make_folder(runtime, err);
    if (r == 0)
        r = find_join(state->published, err, runtime, "/", name);
    if (r == 0)
        r = publish(state, runtime, access, err);
    if (r == 0)
        r = state_path(state, "access", path, err);
    return r < 0 ? r : access_write(path, access, err);
}

void state_close(struct state *state)
{
    char path[PATH_MAX], endpoint[ACCESS_ENDPOINT_MAX];
    if (state->lock >= 0 && state_endpoint(state, endpoint, NULL) == 0)
        unlink(endpoint + strlen("ipc://"));
    state_spare_endpoint(state, endpoint);
    if (state->lock >= 0 && endpoint[0])
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
