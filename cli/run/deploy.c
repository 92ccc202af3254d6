#include "cli/run/deploy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/io.h"
#include "async/scope.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/parse.h"
#include "proto/limits.h"

#define AGAIN_NS NS_PER_S
#define AGAIN_MAX_NS (60 * NS_PER_S)
#define STEADY_NS (60 * NS_PER_S) // who held so long begins anew with short waits
#define SHORT_NS (10 * NS_PER_S)  // who did not hold so long has failed
#define PROGRAM_MAX (256u << 20)
#define ARGS_MAX 32

struct deployed {
    struct deployment *d;
    struct deploy_host host;
};

struct deployment {
    const struct deploy *deploy;
    struct buf program; // our own
    uint64_t hash;
    struct semaphore connecting;
    struct deployed *hosts;
    size_t n;
    size_t n_given_up;
};

static void tell(const struct deployed *h, enum deploy_news news, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void tell(const struct deployed *h, enum deploy_news news, const char *fmt, ...)
{
    const struct deploy *deploy = h->d->deploy;
    char text[256];
    va_list ap;
    if (!deploy->tell)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    deploy->tell(deploy->arg, h->host.name, news, text);
}

// ---- what is asked for

int deploy_parse(const char *word, struct deploy_host *ret, struct err *err)
{
    struct deploy_host host = {0};
    const char *slash = strrchr(word, '/');
    size_t len = slash ? (size_t)(slash - word) : strlen(word);
    const char *colon = memrchr(word, ':', len);
    uint64_t n;
    if (slash) {
        if (parse_u64(slash + 1, &n) < 0 || n < 1 || n > PROTO_SLOTS_MAX)
            return err_set(err, -EINVAL, "'%s': a number of slots stands behind the /", word);
        host.slots = (uint32_t)n;
    }
    if (colon) {
        int digits = snprintf(host.port, sizeof(host.port), "%.*s", (int)(word + len - colon - 1),
                              colon + 1);
        if (digits < 1 || (size_t)digits >= sizeof(host.port) || parse_u64(host.port, &n) < 0 ||
            n > UINT16_MAX)
            return err_set(err, -EINVAL, "'%s': a port stands behind the :", word);
        len = (size_t)(colon - word);
    }
    // What begins with a dash would be an option of ssh.
    if (len == 0 || len >= sizeof(host.name) || word[0] == '-')
        return err_set(err, -EINVAL, "'%s' is not a host: [user@]host[:port][/slots]", word);
    memcpy(host.name, word, len);
    *ret = host;
    return 0;
}

static int add_host(struct deployment *d, const char *word, struct err *err)
{
    if (d->n == DEPLOY_HOSTS_MAX)
        return err_set(err, -E2BIG, "more than %d hosts", DEPLOY_HOSTS_MAX);
    if (grow(d->hosts, d->n, 1) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    d->hosts[d->n] = (struct deployed){.d = d};
    int r = deploy_parse(word, &d->hosts[d->n].host, err);
    d->n += r == 0;
    return r;
}

static int add_file(struct deployment *d, const char *path, struct err *err)
{
    char line[512];
    _fclose_ FILE *f = fopen(path, "re");
    if (!f)
        return err_sys(err, -errno, "'%s'", path);
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, " \t\r\n#")] = '\0';
        int r = line[0] ? add_host(d, line, err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_program(struct deployment *d, struct err *err)
{
    struct stat st;
    _close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(err, -errno, "our own program");
    if (st.st_size > (off_t)PROGRAM_MAX)
        return err_set(err, -EFBIG, "our own program is too large to be copied");
    int r = buf_reserve(&d->program, (size_t)st.st_size);
    if (r < 0)
        return err_sys(err, r, "our own program");
    ssize_t n = fd_read_full(fd, d->program.data, (size_t)st.st_size);
    if (n < 0)
        return err_sys(err, (int)n, "our own program");
    d->program.len = (size_t)n;
    d->hash = hash_add(HASH_BEGIN, d->program.data, d->program.len);
    return 0;
}

// ---- one connection

struct connection {
    pid_t pid;
    int in;  // its standard input
    int out; // its standard output
};

// What runs there. It says whether it has the program, takes it if not, and becomes the worker; of
// a tunnel it removes the socket that sshd leaves.
static void write_script(const struct deployed *h, const char *socket, char *ret, size_t size)
{
    const struct deployment *d = h->d;
    char slots[24] = "";
    uint32_t n = h->host.slots ? h->host.slots : d->deploy->slots;
    if (n)
        snprintf(slots, sizeof(slots), " -j %u", n);
    snprintf(
        ret, size,
        "u=$(umask); umask 077; d=${XDG_CACHE_HOME:-$HOME/.cache}/fanmill; f=$d/%016" PRIx64
        "-%zu; "
        "if test -x \"$f\"; then echo have; else echo need; mkdir -p \"$d\" && "
        "head -c %zu >\"$f.$$\" && chmod 700 \"$f.$$\" && mv \"$f.$$\" \"$f\" || exit 125; fi; "
        "umask \"$u\"; %s\"$f\" worker --access-stdin --give-up %" PRId64 "s%s%s%s%s%s",
        d->hash, d->program.len, d->program.len, socket ? "" : "exec ",
        d->deploy->give_up_ns / NS_PER_S, d->deploy->quiet ? " -q" : "", slots,
        socket ? "; r=$?; rm -f " : "", socket ? socket : "", socket ? "; exit $r" : "");
}

static void tunnel_names(char *socket, size_t size, char *forward, size_t forward_size,
                         const struct deploy *deploy)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        random = (uint64_t)clock_now();
    snprintf(socket, size, "/tmp/fanmill-%016" PRIx64, random);
    snprintf(forward, forward_size, "%s:%s", socket,
             deploy->access->endpoints[0] + strlen("tcp://"));
}

static int spawn(const struct deployed *h, const char *forward, const char *script,
                 struct connection *ret)
{
    char words[1024];
    char *argv[ARGS_MAX];
    size_t n = 0;
    const char *ssh = h->d->deploy->ssh ? h->d->deploy->ssh : getenv("FANMILL_SSH");
    snprintf(words, sizeof(words), "%s", ssh && ssh[0] ? ssh : "ssh");
    char *save = NULL;
    for (char *word = strtok_r(words, " ", &save); word && n < ARGS_MAX - 16;
         word = strtok_r(NULL, " ", &save))
        argv[n++] = word;
    const char *const fixed[] = {"-oBatchMode=yes", "-oConnectTimeout=10",
                                 "-oServerAliveInterval=15", "-oExitOnForwardFailure=yes", "-T"};
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        argv[n++] = (char *)(uintptr_t)fixed[i];
    if (h->host.port[0]) {
        argv[n++] = (char *)(uintptr_t) "-p";
        argv[n++] = (char *)(uintptr_t)h->host.port;
    }
    if (forward) {
        argv[n++] = (char *)(uintptr_t) "-R";
        argv[n++] = (char *)(uintptr_t)forward;
    }
    argv[n++] = (char *)(uintptr_t)h->host.name;
    argv[n++] = (char *)(uintptr_t)script;
    argv[n] = NULL;

    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(out, O_CLOEXEC) < 0) {
        int code = -errno;
        close(in[0]);
        close(in[1]);
        return code;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    // Not of our terminal's group: Ctrl-C is for us, and we tell it.
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    int r = -posix_spawnp(&ret->pid, argv[0], &actions, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    close(in[0]);
    close(out[1]);
    if (r < 0) {
        close(in[1]);
        close(out[0]);
        return r;
    }
    fd_set_nonblock(in[1], true);
    fd_set_nonblock(out[0], true);
    ret->in = in[1];
    ret->out = out[0];
    return 0;
}

static int send_access(const struct deployed *h, const struct connection *c, const char *socket)
{
    _cleanup_(buf_done)
    struct buf text;
    struct access access = *h->d->deploy->access;
    buf_init(&text, 0);
    if (socket) {
        access.n_endpoints = 1;
        snprintf(access.endpoints[0], sizeof(access.endpoints[0]), "ipc://%s", socket);
    }
    snprintf(access.name, sizeof(access.name), "%.*s", (int)sizeof(access.name) - 1,
             strchr(h->host.name, '@') ? strchr(h->host.name, '@') + 1 : h->host.name);
    for (char *at = access.name; *at; at++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *at))
            *at = '-';
    int r = access_format(&access, &text);
    if (r == 0)
        r = buf_add_str(&text, "end\n");
    if (r == 0)
        r = io_write(c->in, text.data, text.len);
    if (text.data)
        explicit_bzero(text.data, text.cap);
    access_done(&access);
    return r;
}

// The first line says whether the program is there.
static int greet(const struct deployed *h, const struct connection *c)
{
    char line[64] = "";
    size_t n = 0;
    while (n < sizeof(line) - 1 && !strchr(line, '\n')) {
        ssize_t got = io_read(c->out, line + n, 1);
        if (got <= 0)
            return got < 0 ? (int)got : -EPIPE;
        n += (size_t)got;
    }
    if (strcmp(line, "have\n") == 0)
        return 0;
    if (strcmp(line, "need\n") != 0)
        return -EPROTO;
    tell(h, DEPLOY_NOTE, "copying the program, %zu bytes", h->d->program.len);
    return io_write(c->in, h->d->program.data, h->d->program.len);
}

static void end_connection(struct connection *c, int *ret_status)
{
    struct scope shield;
    close(c->in); // the worker's lifeline
    close(c->out);
    scope_enter_shield(&shield, 8 * NS_PER_S);
    int r = child_wait(c->pid, ret_status);
    scope_leave(&shield);
    if (r >= 0 || r == -ECHILD)
        return;
    kill(c->pid, SIGKILL);
    waitpid(c->pid, ret_status, 0);
}

static int run_once(const struct deployed *h, int *ret_status)
{
    struct deployment *d = h->d;
    char script[1024], socket[64], forward[400];
    struct connection c;
    bool tunnel = d->deploy->tunnel;
    if (tunnel)
        tunnel_names(socket, sizeof(socket), forward, sizeof(forward), d->deploy);
    write_script(h, tunnel ? socket : NULL, script, sizeof(script));
    int r = semaphore_get(&d->connecting);
    if (r < 0)
        return r;
    r = spawn(h, tunnel ? forward : NULL, script, &c);
    if (r < 0) {
        semaphore_put(&d->connecting);
        return r;
    }
    r = greet(h, &c);
    semaphore_put(&d->connecting);
    if (r == 0)
        r = send_access(h, &c, tunnel ? socket : NULL);
    if (r == 0) {
        char byte;
        while ((r = (int)io_read(c.out, &byte, 1)) > 0) // its end is the worker's
            ;
    }
    end_connection(&c, ret_status);
    return r;
}

static void give_up(const struct deployed *h, const char *why)
{
    h->d->n_given_up++;
    tell(h, DEPLOY_GIVEN_UP, "given up: %s", why);
}

// In words: 255 is ssh's own.
static void describe_end(int status, char *text, size_t size)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (WIFSIGNALED(status))
        snprintf(text, size, "ssh was ended by signal %d", WTERMSIG(status));
    else if (code == 255)
        snprintf(text, size, "ssh could not connect, or its connection broke");
    else if (code == 126 || code == 127)
        snprintf(text, size, "the program does not run there (status %d): are its libraries there?",
                 code);
    else
        snprintf(text, size, "its worker ended with status %d", code);
}

static int serve_host(void *arg)
{
    const struct deployed *h = arg;
    const struct deploy *deploy = h->d->deploy;
    int64_t wait = AGAIN_NS;
    unsigned failed = 0;
    char why[128];
    for (;;) {
        int status = 0;
        int64_t began = loop_now();
        int r = run_once(h, &status);
        if (r == -ECANCELED || task_check() < 0)
            return 0;
        if (loop_now() - began > STEADY_NS)
            wait = AGAIN_NS;
        if (r == -ENOENT) {
            give_up(h, "there is no program 'ssh' here");
            return deploy->tries ? 0 : r;
        }
        describe_end(status, why, sizeof(why));
        failed = loop_now() - began < SHORT_NS ? failed + 1 : 0;
        if (deploy->tries && failed >= deploy->tries) {
            give_up(h, why);
            return 0;
        }
        tell(h, DEPLOY_ENDED, "%s; again in %lld s", why, (long long)(wait / NS_PER_S));
        if (task_sleep(wait) < 0)
            return 0;
        wait = wait * 2 < AGAIN_MAX_NS ? wait * 2 : AGAIN_MAX_NS;
    }
}

int deploy_begin(const struct deploy *deploy, struct group *group, struct deployment **ret,
                 struct err *err)
{
    struct deployment *d = calloc(1, sizeof(*d));
    int r = 0;
    if (!d)
        return err_set(err, -ENOMEM, "out of memory");
    d->deploy = deploy;
    d->connecting.n = DEPLOY_AT_ONCE;
    buf_init(&d->program, PROGRAM_MAX);
    for (size_t i = 0; i < deploy->n_hosts && r == 0; i++)
        r = deploy->hosts[i][0] == '@' ? add_file(d, deploy->hosts[i] + 1, err)
                                       : add_host(d, deploy->hosts[i], err);
    if (r == 0 && d->n == 0)
        r = err_set(err, -EINVAL, "no hosts");
    if (r == 0)
        r = read_program(d, err);
    for (size_t i = 0; i < d->n && r == 0; i++)
        if (group_spawn(group, "host", serve_host, &d->hosts[i]) < 0)
            r = err_set(err, -ENOMEM, "out of memory");
    if (r < 0) {
        deploy_end(d);
        return r;
    }
    *ret = d;
    return 0;
}

void deploy_end(struct deployment *d)
{
    if (!d)
        return;
    buf_done(&d->program);
    free(d->hosts);
    free(d);
}

size_t deploy_hosts(const struct deployment *d)
{
    return d->n - d->n_given_up;
}
