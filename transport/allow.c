#include "transport/allow.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include <uthash.h>

#include "async/loop.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/parse.h"
#include "transport/secret_file.h"
#include "transport/secret_lines.h"

#define SUFFIX ".peer"
#define AGAIN_NS (2 * NS_PER_S) // after a file that could not be read for now
#define LOOK_NS (60 * NS_PER_S) // wall time may jump: expiry is checked at least this often

struct entry {
    struct allowed peer;
    UT_hash_handle hh; // by public key
};

struct allow {
    char *directory;
    struct entry *entries;
    int inotify;
    struct watch watch;
    struct timer expiry;
    struct timer again; // what could not be read is read again
    void (*changed)(void *arg);
    void (*bad)(void *arg, const char *why);
    void *arg;
};

static void drop_entries(struct entry **entries)
{
    struct entry *entry, *next;
    HASH_ITER (hh, *entries, entry, next) {
        HASH_DEL(*entries, entry);
        free(entry);
    }
}

static bool take_line(struct allowed *peer, const struct secret_lines *l)
{
    uint64_t seconds;
    if (strcmp(l->word, "name") == 0 && access_name_ok(l->value)) {
        memcpy(peer->name, l->value, strlen(l->value) + 1);
        return true;
    }
    if (strcmp(l->word, "role") == 0) {
        peer->role = role_parse(l->value);
        return peer->role != ROLE_NONE;
    }
    if (strcmp(l->word, "public") == 0 && key_ok(l->value)) {
        memcpy(peer->public_key, l->value, KEY_TEXT);
        return true;
    }
    if (strcmp(l->word, "expires") == 0 && parse_u64(l->value, &seconds) == 0 &&
        seconds <= INT64_MAX) {
        peer->expires = (int64_t)seconds;
        return true;
    }
    return false;
}

static int read_peer(const char *path, struct allowed *ret, struct err *err)
{
    _cleanup_(buf_done)
    struct buf text;
    struct secret_lines l;
    buf_init(&text, 0);
    int r = secret_read(path, false, &text, err);
    if (r < 0)
        return r;
    secret_lines_init(&l, (const char *)text.data, text.len);
    if (secret_lines_next(&l) != 1 || strcmp(l.word, "fanmill-peer") != 0 ||
        strcmp(l.value, "1") != 0)
        return err_set(err, -EINVAL, "'%s': its first line is not 'fanmill-peer 1'", path);
    while ((r = secret_lines_next(&l)) == 1)
        if (!take_line(ret, &l))
            break;
    if (r != 0)
        return err_set(err, -EINVAL, "'%s', line %u: unknown key or invalid value", path, l.number);
    if (!ret->name[0] || ret->role == ROLE_NONE || !ret->public_key[0])
        return err_set(err, -EINVAL, "'%s': a peer needs a name, a role and a public key", path);
    return 0;
}

static void report_bad(const struct allow *allow, const char *why)
{
    if (allow->bad)
        allow->bad(allow->arg, why);
}

static bool has_suffix(const char *name)
{
    size_t len = strlen(name), suffix = strlen(SUFFIX);
    return name[0] != '.' && len > suffix && strcmp(name + len - suffix, SUFFIX) == 0;
}

// A file that is there and can't be read for now changes nothing: its entry stays as it was.
static bool is_passing(int r)
{
    return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EIO || r == -ESTALE ||
           r == -EINTR || r == -EAGAIN || r == -ETIMEDOUT;
}

static bool keep_entry(const struct allow *allow, struct entry **entries, const char *file)
{
    size_t len = strlen(file) - strlen(SUFFIX);
    for (const struct entry *e = allow->entries; e; e = e->hh.next) {
        struct entry *known = NULL;
        if (strlen(e->peer.name) != len || memcmp(e->peer.name, file, len) != 0)
            continue;
        HASH_FIND(hh, *entries, e->peer.public_key, KEY_TEXT, known);
        struct entry *copy = known ? NULL : calloc(1, sizeof(*copy));
        if (!copy)
            return known;
        copy->peer = e->peer;
        HASH_ADD(hh, *entries, peer.public_key, KEY_TEXT, copy);
        return true;
    }
    return false;
}

// 1: it could not be read for now.
static int add_file(struct allow *allow, struct entry **entries, const char *name)
{
    char path[PATH_MAX];
    struct err err = {0};
    struct entry *known = NULL, *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return 1;
    int n = snprintf(path, sizeof(path), "%s/%s", allow->directory, name);
    int r = n > 0 && (size_t)n < sizeof(path)
                ? read_peer(path, &entry->peer, &err)
                : err_set(&err, -ENAMETOOLONG, "'%s': its name is too long", name);
    if (r == 0) {
        HASH_FIND(hh, *entries, entry->peer.public_key, KEY_TEXT, known);
        if (known)
            r = err_set(&err, -EEXIST, "'%s': has the same key as '%s'", path, known->peer.name);
        else if (HASH_COUNT(*entries) >= ALLOW_PEERS_MAX)
            r = err_set(&err, -E2BIG, "'%s': more than %u peers", path, ALLOW_PEERS_MAX);
    }
    if (r < 0) {
        if (r != -ENOENT) // removed while we looked
            report_bad(allow, err.text);
        free(entry);
        return is_passing(r);
    }
    HASH_ADD(hh, *entries, peer.public_key, KEY_TEXT, entry);
    return 0;
}

// The number of files that could not be read for now, or why the folder could not.
static int load(struct allow *allow)
{
    DIR *dir = opendir(allow->directory);
    struct entry *entries = NULL;
    struct dirent *file;
    int unread = 0;
    if (!dir)
        return -errno;
    while (errno = 0, (file = readdir(dir))) {
        if (!has_suffix(file->d_name) || !add_file(allow, &entries, file->d_name))
            continue;
        unread++;
        keep_entry(allow, &entries, file->d_name);
    }
    int r = -errno; // of readdir
    closedir(dir);
    if (r < 0) {
        drop_entries(&entries);
        return r;
    }
    drop_entries(&allow->entries);
    allow->entries = entries;
    return unread;
}

static void on_again(struct timer *timer)
{
    allow_reload(container_of(timer, struct allow, again));
}

static void on_expiry(struct timer *timer);

static void set_expiry(struct allow *allow)
{
    int64_t now = (int64_t)time(NULL);
    int64_t next = INT64_MAX;
    for (const struct entry *e = allow->entries; e; e = e->hh.next)
        if (e->peer.expires > now && e->peer.expires < next)
            next = e->peer.expires;
    timer_cancel(&allow->expiry);
    if (next == INT64_MAX)
        return;
    int64_t wait = next - now > LOOK_NS / NS_PER_S ? LOOK_NS : (next - now) * NS_PER_S;
    timer_set(&allow->expiry, clock_after(loop_now(), wait), on_expiry);
}

static void on_expiry(struct timer *timer)
{
    struct allow *allow = container_of(timer, struct allow, expiry);
    set_expiry(allow);
    if (allow->changed)
        allow->changed(allow->arg);
}

void allow_reload(struct allow *allow)
{
    if (!allow->directory)
        return;
    struct err err = {0};
    int r = load(allow);
    if (r < 0) {
        // Without its directory the list is empty: what was written once admits nobody.
        if (!is_passing(r))
            drop_entries(&allow->entries);
        err_sys(&err, r, "the allow-list can't be read");
        report_bad(allow, err.text);
    }
    timer_cancel(&allow->again);
    if (r > 0 || is_passing(r))
        timer_set(&allow->again, clock_after(loop_now(), AGAIN_NS), on_again);
    set_expiry(allow);
    if (allow->changed)
        allow->changed(allow->arg);
}

static void on_inotify(struct watch *watch, uint32_t events)
{
    struct allow *allow = container_of(watch, struct allow, watch);
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    (void)events;
    // Everything is read to find what changed: files come by rename, in any order.
    while (read(allow->inotify, buffer, sizeof(buffer)) > 0)
        ;
    allow_reload(allow);
}

int allow_open(const char *directory, void (*changed)(void *arg),
               void (*bad)(void *arg, const char *why), void *arg, struct allow **ret,
               struct err *err)
{
    struct allow *allow = calloc(1, sizeof(*allow));
    if (!allow)
        return err_set(err, -ENOMEM, "out of memory");
    allow->changed = changed;
    allow->bad = bad;
    allow->arg = arg;
    allow->directory = strdup(directory);
    allow->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int r = !allow->directory ? -ENOMEM : allow->inotify < 0 ? -errno : 0;
    // Watched before it is read, so that no change is missed.
    if (r == 0 &&
        inotify_add_watch(allow->inotify, directory,
                          IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                              IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0)
        r = -errno;
    if (r == 0)
        r = load(allow);
    if (r > 0) // at the start nothing is known yet: it is read again soon
        timer_set(&allow->again, clock_after(loop_now(), AGAIN_NS), on_again);
    if (r >= 0)
        r = watch_add(&allow->watch, allow->inotify, EPOLLIN, on_inotify);
    if (r < 0) {
        allow_close(allow);
        return err_sys(err, r, "'%s'", directory);
    }
    set_expiry(allow);
    *ret = allow;
    return 0;
}

int allow_fixed(const struct allowed *peers, size_t n, struct allow **ret, struct err *err)
{
    struct allow *allow = calloc(1, sizeof(*allow));
    if (!allow)
        return err_set(err, -ENOMEM, "out of memory");
    allow->inotify = -1;
    for (size_t i = 0; i < n; i++) {
        struct entry *entry = key_ok(peers[i].public_key) ? calloc(1, sizeof(*entry)) : NULL;
        if (!entry) {
            allow_close(allow);
            return err_set(err, -EINVAL, "invalid public key in the allow-list");
        }
        entry->peer = peers[i];
        HASH_ADD(hh, allow->entries, peer.public_key, KEY_TEXT, entry);
    }
    *ret = allow;
    return 0;
}

struct allow *allow_close(struct allow *allow)
{
    if (!allow)
        return NULL;
    timer_cancel(&allow->expiry);
    timer_cancel(&allow->again);
    watch_remove(&allow->watch);
    if (allow->inotify >= 0)
        close(allow->inotify);
    drop_entries(&allow->entries);
    free(allow->directory);
    free(allow);
    return NULL;
}

const struct allowed *allow_find(const struct allow *allow, const char *public_key)
{
    struct entry *entry = NULL;
    if (strlen(public_key) != KEY_TEXT - 1)
        return NULL;
    HASH_FIND(hh, allow->entries, public_key, KEY_TEXT, entry);
    if (!entry || (entry->peer.expires && entry->peer.expires <= (int64_t)time(NULL)))
        return NULL;
    return &entry->peer;
}

bool allow_has_expired(const struct allow *allow, const char *public_key)
{
    struct entry *entry = NULL;
    if (strlen(public_key) == KEY_TEXT - 1)
        HASH_FIND(hh, allow->entries, public_key, KEY_TEXT, entry);
    return entry && entry->peer.expires && entry->peer.expires <= (int64_t)time(NULL);
}

size_t allow_len(const struct allow *allow)
{
    return HASH_COUNT(allow->entries);
}

static int by_name(const struct entry *a, const struct entry *b)
{
    return strcmp(a->peer.name, b->peer.name);
}

int allow_each(const char *directory, void (*each)(void *arg, const struct allowed *peer),
               void (*bad)(void *arg, const char *why), void *arg, struct err *err)
{
    struct allow allow = {.directory = strdup(directory), .bad = bad, .arg = arg};
    int r = allow.directory ? load(&allow) : -ENOMEM;
    HASH_SORT(allow.entries, by_name);
    for (const struct entry *entry = allow.entries; entry; entry = entry->hh.next)
        each(arg, &entry->peer);
    drop_entries(&allow.entries);
    free(allow.directory);
    return r == 0 || r == -ENOENT ? 0 : err_sys(err, r, "'%s'", directory);
}

static int path_of(const char *directory, const char *name, char *ret, size_t size)
{
    int n = snprintf(ret, size, "%s/%s" SUFFIX, directory, name);
    return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

int allow_add(const char *directory, const struct allowed *peer, struct err *err)
{
    _cleanup_(buf_done)
    struct buf text;
    char path[PATH_MAX];
    if (!access_name_ok(peer->name) || !key_ok(peer->public_key))
        return err_set(err, -EINVAL, "invalid peer name '%s': use letters, digits, . _ -",
                       peer->name);
    buf_init(&text, 0);
    int r = path_of(directory, peer->name, path, sizeof(path));
    if (r == 0)
        r = buf_printf(&text, "fanmill-peer 1\nname %s\nrole %s\npublic %s\n", peer->name,
                       role_name(peer->role), peer->public_key);
    if (r == 0 && peer->expires)
        r = buf_printf(&text, "expires %lld\n", (long long)peer->expires);
    if (r == 0)
        r = secret_write(path, text.data, text.len, true, err);
    return r == -EEXIST ? err_set(err, r, "the name '%s' is taken ('%s')", peer->name, path) : r;
}

int allow_remove(const char *directory, const char *name, struct err *err)
{
    char path[PATH_MAX];
    int r = access_name_ok(name) ? path_of(directory, name, path, sizeof(path)) : -EINVAL;
    if (r == 0 && unlink(path) < 0)
        r = -errno;
    return r < 0 ? err_sys(err, r, "'%s'", name) : 0;
}
