#include "worker/jobserver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/grow.h"

#define OWN_TOKEN '+'
#define TOKENS_MAX 65536u

struct jobserver {
    int in; // both opened again, so that whether they block concerns no other process
    int out;
    int pass_in; // to be passed on; -1: it has a name, which is enough
    int pass_out;
    uint32_t slots;  // of one that we offer; 0: we joined it
    char *makeflags; // as found; "": none
    size_t auth_at;  // where the jobserver's value is in them
    size_t auth_len;
    uint8_t *tokens; // bytes to give back
    uint32_t n_tokens;
};

static struct jobserver *js_new(const char *makeflags)
{
    struct jobserver *js = calloc(1, sizeof(*js));
    if (!js)
        return NULL;
    js->in = js->out = js->pass_in = js->pass_out = -1;
    js->makeflags = strdup(makeflags ? makeflags : "");
    return js->makeflags ? js : jobserver_free(js);
}

bool jobserver_give(struct jobserver *js)
{
    ssize_t n;
    do {
        n = write(js->out, &js->tokens[js->n_tokens - 1], 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1)
        js->n_tokens--;
    return n == 1;
}

struct jobserver *jobserver_free(struct jobserver *js)
{
    if (!js)
        return NULL;
    while (js->n_tokens && jobserver_give(js))
        ;
    if (js->in >= 0)
        close(js->in);
    if (js->out >= 0)
        close(js->out);
    if (js->slots && js->pass_in >= 0)
        close(js->pass_in);
    if (js->slots && js->pass_out >= 0)
        close(js->pass_out);
    free(js->makeflags);
    free(js->tokens);
    free(js);
    return NULL;
}

// ---- MAKEFLAGS

// Only words before a " -- ": variables of the makefile's user follow it.
static size_t flags_len(const char *flags)
{
    const char *end = strstr(flags, " -- ");
    return end ? (size_t)(end - flags) : strlen(flags);
}

// Finds the value of the last --jobserver-auth= or --jobserver-fds=. False: none is given.
static bool find_auth(const char *flags, size_t *ret_at, size_t *ret_len)
{
    static const char *const names[] = {"--jobserver-auth=", "--jobserver-fds="};
    size_t len = flags_len(flags);
    bool found = false;
    for (size_t at = 0; at < len;) {
        size_t word = strcspn(flags + at, " ");
        if (word > len - at)
            word = len - at;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            size_t n = strlen(names[i]);
            if (word < n || memcmp(flags + at, names[i], n) != 0)
                continue;
            *ret_at = at + n;
            *ret_len = word - n;
            found = true;
        }
        at += word + 1;
    }
    return found;
}

char *jobserver_makeflags(const struct jobserver *js)
{
    char *flags = NULL;
    int r;
    const char *old = js->makeflags;
    if (js->pass_in < 0)
        return strdup(old);
    if (js->slots) {
        size_t len = flags_len(old);
        r = asprintf(&flags, "%.*s -j%u --jobserver-auth=%d,%d%s", (int)len, old, js->slots,
                     JOBSERVER_PASS_READ, JOBSERVER_PASS_WRITE, old + len);
    } else {
        r = asprintf(&flags, "%.*s%d,%d%s", (int)js->auth_at, old, JOBSERVER_PASS_READ,
                     JOBSERVER_PASS_WRITE, old + js->auth_at + js->auth_len);
    }
    return r < 0 ? NULL : flags;
}

// ---- joining and offering

static bool is_pipe(int fd, int forbidden_mode)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != forbidden_mode && fstat(fd, &st) == 0 &&
           S_ISFIFO(st.st_mode);
}

static int reopen(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int mine = open(path, flags | O_NONBLOCK | O_CLOEXEC);
    return mine < 0 ? -errno : mine;
}

static int join_pipe(struct jobserver *js, int in, int out)
{
    if (in < 0 || out < 0 || !is_pipe(in, O_WRONLY) || !is_pipe(out, O_RDONLY))
        return -ENXIO;
    js->in = reopen(in, O_RDONLY);
    js->out = reopen(out, O_WRONLY);
    js->pass_in = in;
    js->pass_out = out;
    return js->in < 0 ? js->in : js->out < 0 ? js->out : 0;
}

static int join_fifo(struct jobserver *js, const char *path)
{
    // For reading and writing, so that opening never waits for the other side or fails without it.
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENXIO : -errno;
    js->in = fd;
    if (!is_pipe(fd, -1))
        return -ENXIO;
    js->out = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return js->out < 0 ? -errno : 0;
}

static int join(struct jobserver *js)
{
    int in, out, used = -1;
    _free_ char *value = strndup(js->makeflags + js->auth_at, js->auth_len);
    if (!value)
        return -ENOMEM;
    if (strncmp(value, "fifo:", 5) == 0)
        return join_fifo(js, value + 5);
    if (sscanf(value, "%9d,%9d%n", &in, &out, &used) != 2 || value[used])
        return -ENXIO;
    return join_pipe(js, in, out);
}

int jobserver_join(const char *makeflags, struct jobserver **ret)
{
    size_t at, len;
    *ret = NULL;
    if (!makeflags || !find_auth(makeflags, &at, &len))
        return 0;
    struct jobserver *js = js_new(makeflags);
    if (!js)
        return -ENOMEM;
    js->auth_at = at;
    js->auth_len = len;
    int r = join(js);
    if (r < 0) {
        jobserver_free(js);
        return r;
    }
    *ret = js;
    return 0;
}

static int put_tokens(const struct jobserver *js, uint32_t n)
{
    const char token = OWN_TOKEN;
    while (n--)
        if (write(js->out, &token, 1) != 1)
            return -errno;
    return 0;
}

int jobserver_offer(uint32_t slots, struct jobserver **ret)
{
    const char *flags = getenv("MAKEFLAGS");
    int ends[2];
    struct jobserver *js = js_new(flags);
    if (!js)
        return -ENOMEM;
    int r = pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
    if (r == 0) {
        js->slots = slots;
        js->pass_in = ends[0];
        js->pass_out = ends[1];
        js->in = reopen(ends[0], O_RDONLY);
        js->out = reopen(ends[1], O_WRONLY);
        r = js->in < 0 ? js->in : js->out < 0 ? js->out : put_tokens(js, slots - 1);
    }
    if (r < 0) {
        jobserver_free(js);
        return r;
    }
    *ret = js;
    return 0;
}

bool jobserver_pass_on(const struct jobserver *js, int high)
{
    _free_ char *flags = js->pass_in < 0 ? NULL : jobserver_makeflags(js);
    if (!flags || setenv("MAKEFLAGS", flags, 1) < 0)
        return false;
    // Either may occupy the number that the other is to get.
    int in = fcntl(js->pass_in, F_DUPFD, high);
    int out = fcntl(js->pass_out, F_DUPFD, high);
    return in >= 0 && out >= 0 && dup2(in, JOBSERVER_PASS_READ) >= 0 &&
           dup2(out, JOBSERVER_PASS_WRITE) >= 0;
}

bool jobserver_passed(void)
{
    int flags = fcntl(JOBSERVER_PASS_READ, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC) && is_pipe(JOBSERVER_PASS_READ, O_WRONLY);
}

uint32_t jobserver_tokens(const struct jobserver *js)
{
    return js->n_tokens;
}

int jobserver_fd(const struct jobserver *js)
{
    return js->in;
}

// ---- tokens

bool jobserver_take(struct jobserver *js)
{
    uint8_t token;
    if (js->n_tokens == TOKENS_MAX || grow(js->tokens, js->n_tokens, 1) < 0)
        return false;
    ssize_t n;
    do {
        n = read(js->in, &token, 1);
    } while (n < 0 && errno == EINTR);
    if (n != 1)
        return false;
    js->tokens[js->n_tokens++] = token;
    return true;
}

void jobserver_restore(struct jobserver *js)
{
    int present;
    if (js->slots && js->n_tokens == 0 && ioctl(js->in, FIONREAD, &present) == 0 &&
        (uint32_t)present < js->slots - 1)
        put_tokens(js, js->slots - 1 - (uint32_t)present);
}
