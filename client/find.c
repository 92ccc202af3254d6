#include "client/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

int find_check_folder(const char *path, struct err *err)
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

int find_join(char ret[PATH_MAX], struct err *err, const char *a, const char *between,
              const char *b)
{
    int n = snprintf(ret, PATH_MAX, "%s%s%s", a, between, b);
    return n > 0 && n < PATH_MAX ? 0 : err_set(err, -ENAMETOOLONG, "'%s' is too long", a);
}

int find_runtime_folder(char ret[PATH_MAX], struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char user[32];
    snprintf(user, sizeof(user), "%u", geteuid());
    return runtime && runtime[0] == '/' ? find_join(ret, err, runtime, "/", "fanmill")
                                        : find_join(ret, err, "/tmp", "/fanmill-", user);
}

int find_lock_folder(const char *path)
{
    _close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r;
    if (fd < 0)
        return -errno;
    do
        r = flock(fd, LOCK_EX);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : take_fd(fd);
}

// The coordinator of the file is gone if no process locks it; then the file is of no use. With the
// folder's lock.
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
    int r = find_runtime_folder(runtime, err);
    if (r < 0)
        return r;
    DIR *dir = find_check_folder(runtime, err) == 0 ? opendir(runtime) : NULL;
    _close_ int lock = dir ? find_lock_folder(runtime) : -1;
    for (struct dirent *file; dir && (file = readdir(dir));) {
        char candidate[PATH_MAX];
        if (lock < 0 || !strstr(file->d_name, ".access") ||
            find_join(candidate, err, runtime, "/", file->d_name) < 0 || !is_alive(candidate))
            continue;
        memcpy(path, candidate, sizeof(path));
        size_t used = strlen(list);
        if (snprintf(list + used, sizeof(list) - used, "%s%s", n ? ", " : "", candidate) >=
            (int)(sizeof(list) - used))
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
    memcpy(access.endpoints[0], where, strlen(where) + 1);
    *ret = access;
    return 0;
}

// One that was started without the same runtime folder, by cron, say: through the state folder that
// both have. Its lock is held while it lives.
static int find_by_state(struct access *ret)
{
    char folder[PATH_MAX], path[PATH_MAX];
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int r = state && state[0] == '/' ? find_join(folder, NULL, state, "", "/fanmill/default")
            : home && home[0] == '/'
                ? find_join(folder, NULL, home, "", "/.local/state/fanmill/default")
                : -ENOENT;
    if (r < 0 || find_check_folder(folder, NULL) < 0 ||
        find_join(path, NULL, folder, "/", "lock") < 0)
        return -ENOENT;
    _close_ int lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0 || flock(lock, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
        find_join(path, NULL, folder, "/", "access") < 0)
        return -ENOENT;
    return access_read(path, ret, NULL);
}

int find_coordinator(const char *where, const char *key, struct access *ret, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    if (!where)
        where = getenv("FANMILL_CONNECT");
    if (!where || !where[0]) {
        int r = find_running(ret, err);
        return r == -ENOENT && find_by_state(ret) == 0 ? 0 : r;
    }
    if (strncmp(where, "tcp://", 6) == 0 || strncmp(where, "ipc://", 6) == 0)
        return at_address(where, key, ret, err);
    if (stat(where, &st) == 0 && S_ISDIR(st.st_mode)) {
        int r = find_join(path, err, where, "/", "access");
        if (r < 0)
            return r;
        r = access_read(path, ret, err);
        return r == -ENOENT ? err_set(err, r, "no coordinator runs in '%s'", where) : r;
    }
    return access_read(where, ret, err);
}

// Watches the folder, and the one it lies in, where it may only be made.
static void watch_folder(int inotify, const char *path)
{
    const uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR;
    char parent[PATH_MAX];
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = '\0';
        inotify_add_watch(inotify, parent, mask);
    }
    inotify_add_watch(inotify, path, mask);
}

// The folder in which it would be published; false: waiting is of no use.
static bool may_appear(const char *where, char ret[PATH_MAX])
{
    struct stat st;
    if (!where)
        where = getenv("FANMILL_CONNECT");
    if (!where || !where[0])
        return find_runtime_folder(ret, NULL) == 0;
    if (strstr(where, "://") || stat(where, &st) < 0 || !S_ISDIR(st.st_mode))
        return false;
    return snprintf(ret, PATH_MAX, "%s", where) < PATH_MAX;
}

int find_coordinator_soon(const char *where, const char *key, struct access *ret, struct err *err)
{
    char folder[PATH_MAX], events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    int64_t deadline = clock_after(clock_now(), FIND_WAIT_NS);
    int r = find_coordinator(where, key, ret, err);
    if (r != -ENOENT || !may_appear(where, folder))
        return r;
    _close_ int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify < 0)
        return r;
    for (int64_t left; r == -ENOENT && (left = deadline - clock_now()) > 0;) {
        struct pollfd p = {.fd = inotify, .events = POLLIN};
        watch_folder(inotify, folder);
        // What came before the watch was set.
        r = find_coordinator(where, key, ret, err);
        if (r != -ENOENT || poll(&p, 1, (int)(left / NS_PER_MS) + 1) < 0)
            break;
        while (read(inotify, events, sizeof(events)) > 0)
            ;
        r = find_coordinator(where, key, ret, err);
    }
    return r;
}
