#include "cli/run/semaphore.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"

#define LIMIT_MAX 32767u // SEMVMX

// Of a set. All are 0 when it is new, so that no process has to be the first.
enum {
    FREE,  // places
    USED,  // places
    LIMIT, // FREE + USED, once what is too many has been given back
    LOCK,  // 1: someone changes the others
    COUNT,
};

// The user's own name for it. Two names with one key would share it: 1 in 4 thousand million.
static int key_of(const char *name)
{
    uid_t uid = getuid();
    uint64_t hash = hash_add(hash_add(HASH_BEGIN, &uid, sizeof(uid)), name, strlen(name));
    int key = (int)((uint32_t)(hash ^ hash >> 32) & 0x7fffffffu);
    return key == IPC_PRIVATE ? 1 : key;
}

static int change(int id, struct sembuf *ops, size_t n)
{
    return semop(id, ops, n) < 0 ? -errno : 0;
}

static int lock(int id)
{
    struct sembuf ops[] = {{LOCK, 0, 0}, {LOCK, 1, SEM_UNDO}};
    return change(id, ops, 2);
}

static void unlock(int id)
{
    struct sembuf op = {LOCK, -1, SEM_UNDO};
    change(id, &op, 1);
}

// Places that are taken can't be taken away: then fewer are.
static int settle_limit(int id, uint32_t limit)
{
    int now = semctl(id, LIMIT, GETVAL), free_places = semctl(id, FREE, GETVAL);
    if (now < 0 || free_places < 0)
        return -errno;
    int more = (int)limit - now;
    if (more < -free_places)
        more = -free_places;
    struct sembuf ops[] = {{FREE, (short)more, IPC_NOWAIT}, {LIMIT, (short)more, IPC_NOWAIT}};
    return more ? change(id, ops, 2) : 0;
}

// Somebody removed the set when nobody used it: there will be a new one.
static bool is_gone(int code)
{
    return code == -EIDRM || code == -EINVAL;
}

int semaphore_open(const char *name, uint32_t limit, struct semaphore *ret, struct err *err)
{
    if (limit < 1 || limit > LIMIT_MAX)
        return err_set(err, -EINVAL, "a semaphore has 1 to %u places", LIMIT_MAX);
    *ret = (struct semaphore){.key = key_of(name), .id = -1, .limit = limit};
    return 0;
}

static int prepare(struct semaphore *s)
{
    s->id = semget(s->key, COUNT, IPC_CREAT | 0600);
    if (s->id < 0)
        return -errno;
    int r = lock(s->id);
    if (r < 0)
        return r;
    r = settle_limit(s->id, s->limit);
    unlock(s->id);
    return r;
}

int semaphore_take(struct semaphore *s, int64_t timeout_ns, struct err *err)
{
    struct sembuf ops[] = {{FREE, -1, SEM_UNDO}, {USED, 1, SEM_UNDO}};
    int64_t deadline = clock_after(clock_now(), timeout_ns);
    int r;
    do {
        int64_t left = deadline - clock_now();
        const struct timespec limit = {.tv_sec = left > 0 ? left / NS_PER_S : 0,
                                       .tv_nsec = left > 0 ? left % NS_PER_S : 0};
        r = prepare(s);
        if (r == 0 && semtimedop(s->id, ops, 2, deadline == CLOCK_FOREVER ? NULL : &limit) < 0)
            r = errno == EAGAIN ? -ETIMEDOUT : -errno;
    } while (is_gone(r));
    return r == -ETIMEDOUT || r == -EINTR ? r : r < 0 ? err_sys(err, r, "semaphore") : 0;
}

void semaphore_leave(struct semaphore *s)
{
    struct sembuf ops[] = {{FREE, 1, SEM_UNDO | IPC_NOWAIT}, {USED, -1, SEM_UNDO | IPC_NOWAIT}};
    if (lock(s->id) < 0)
        return; // it is gone, or the kernel gives the place back at our end
    change(s->id, ops, 2);
    bool is_idle = semctl(s->id, USED, GETVAL) == 0 && semctl(s->id, FREE, GETNCNT) == 0 &&
                   semctl(s->id, USED, GETZCNT) == 0;
    if (is_idle)
        semctl(s->id, 0, IPC_RMID);
    else
        unlock(s->id);
}

int semaphore_wait(const char *name, struct err *err)
{
    struct sembuf op = {USED, 0, 0};
    int id = semget(key_of(name), COUNT, 0);
    int r = id < 0 ? -errno : change(id, &op, 1);
    if (r == -ENOENT || is_gone(r))
        return 0;
    return r == -EINTR ? r : r < 0 ? err_sys(err, r, "semaphore '%s'", name) : 0;
}
