#include "cli/run/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/io.h"
#include "async/scope.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"

#define PROGRAM_MAX (256u << 20)
#define ARGS_MAX 32
#define END_NS (8 * NS_PER_S) // long enough for the worker's TERM and KILL of its commands

int ssh_program_read(struct ssh_program *ret, struct err *err)
{
    struct stat st;
    _close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(err, -errno, "this program");
    if (st.st_size > (off_t)PROGRAM_MAX)
        return err_set(err, -EFBIG, "this program is too large to copy");
    buf_init(&ret->bytes, PROGRAM_MAX);
    int r = buf_reserve(&ret->bytes, (size_t)st.st_size);
    if (r < 0)
        return err_sys(err, r, "this program");
    ssize_t n = fd_read_full(fd, ret->bytes.data, (size_t)st.st_size);
    if (n < 0)
        return err_sys(err, (int)n, "this program");
    ret->bytes.len = (size_t)n;
    ret->hash = hash_add(HASH_BEGIN, ret->bytes.data, ret->bytes.len);
    return 0;
}

struct ssh_connection {
    const struct deploy *deploy;
    const struct deploy_host *host;
    const struct ssh_program *program;
    bool tunnels;
    char socket[64];   // of the tunnel, on the host
    char forward[400]; // ssh's -R
    pid_t pid;
    int in;  // its standard input
    int out; // its standard output
};

// What runs on the host. It says whether it has the program, takes it if not, and becomes the
// worker; of a tunnel it removes the socket that sshd leaves.
static void write_script(const struct ssh_connection *c, char *ret, size_t size)
{
    const struct deploy *deploy = c->deploy;
    const size_t len = c->program->bytes.len;
    char slots[24] = "";
    uint32_t n = c->host->slots ? c->host->slots : deploy->slots;
    if (n)
        snprintf(slots, sizeof(slots), " -j %u", n);
    snprintf(
        ret, size,
        "u=$(umask); umask 077; d=${XDG_CACHE_HOME:-$HOME/.cache}/fanmill; f=$d/%016" PRIx64
        "-%zu; "
        "if test -x \"$f\"; then echo have; else echo need; mkdir -p \"$d\" && "
        "head -c %zu >\"$f.$$\" && chmod 700 \"$f.$$\" && mv \"$f.$$\" \"$f\" || exit 125; fi; "
        "umask \"$u\"; %s\"$f\" worker --access-stdin --give-up %" PRId64 "s%s%s%s%s%s",
        c->program->hash, len, len, c->tunnels ? "" : "exec ", deploy->give_up_ns / NS_PER_S,
        deploy->quiet ? " -q --log-format plain" : "", slots, c->tunnels ? "; r=$?; rm -f " : "",
        c->tunnels ? c->socket : "", c->tunnels ? "; exit $r" : "");
}

static void name_tunnel(struct ssh_connection *c)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        random = (uint64_t)clock_now();
    snprintf(c->socket, sizeof(c->socket), "/tmp/fanmill-%016" PRIx64, random);
    snprintf(c->forward, sizeof(c->forward), "%s:%s", c->socket,
             c->deploy->access->endpoints[0] + strlen("tcp://"));
}

static char *borrowed(const char *word)
{
    return (char *)(uintptr_t)word; // argv's type; it is never written to
}

// `words` is room for ssh's own words, which are split.
static void make_argv(const struct ssh_connection *c, char *words, const char *script,
                      char *ret[ARGS_MAX])
{
    static const char *const fixed[] = {"-oBatchMode=yes", "-oConnectTimeout=10",
                                        "-oServerAliveInterval=15", "-oExitOnForwardFailure=yes",
                                        "-T"};
    size_t n = 0;
    char *save = NULL;
    for (char *word = strtok_r(words, " ", &save); word && n < ARGS_MAX - 16;
         word = strtok_r(NULL, " ", &save))
        ret[n++] = word;
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        ret[n++] = borrowed(fixed[i]);
    if (c->host->port[0]) {
        ret[n++] = borrowed("-p");
        ret[n++] = borrowed(c->host->port);
    }
    if (c->tunnels) {
        ret[n++] = borrowed("-R");
        ret[n++] = borrowed(c->forward);
    }
    ret[n++] = borrowed(c->host->name);
    ret[n++] = borrowed(script);
    ret[n] = NULL;
}

static int spawn_between(char **argv, int in, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    // Not in our terminal's group: Ctrl-C is for us, and we end it.
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    int r = -posix_spawnp(ret_pid, argv[0], &actions, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return r;
}

static int spawn(struct ssh_connection *c, const char *script)
{
    char words[1024];
    char *argv[ARGS_MAX];
    int in[2], out[2];
    const char *ssh = c->deploy->ssh ? c->deploy->ssh : getenv("FANMILL_SSH");
    snprintf(words, sizeof(words), "%s", ssh && ssh[0] ? ssh : "ssh");
    make_argv(c, words, script, argv);
    if (pipe2(in, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(out, O_CLOEXEC) < 0) {
        int code = -errno;
        close(in[0]);
        close(in[1]);
        return code;
    }
    int r = spawn_between(argv, in[0], out[1], &c->pid);
    close(in[0]);
    close(out[1]);
    if (r < 0) {
        close(in[1]);
        close(out[0]);
        return r;
    }
    fd_set_nonblock(in[1], true);
    fd_set_nonblock(out[0], true);
    c->in = in[1];
    c->out = out[0];
    return 0;
}

static int send_access(const struct ssh_connection *c)
{
    _cleanup_(buf_done)
    struct buf text;
    struct access access = *c->deploy->access;
    const char *at_sign = strchr(c->host->name, '@');
    buf_init(&text, 0);
    if (c->tunnels) {
        access.n_endpoints = 1;
        snprintf(access.endpoints[0], sizeof(access.endpoints[0]), "ipc://%s", c->socket);
    }
    snprintf(access.name, sizeof(access.name), "%.*s", (int)sizeof(access.name) - 1,
             at_sign ? at_sign + 1 : c->host->name);
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

// The first line says whether the host has the program.
static int bring_program(const struct ssh_connection *c)
{
    const struct deploy *deploy = c->deploy;
    const struct buf *program = &c->program->bytes;
    char line[64] = "", text[64];
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
    snprintf(text, sizeof(text), "copying the program, %zu bytes", program->len);
    if (deploy->report)
        deploy->report(deploy->arg, c->host->name, DEPLOY_NOTE, text);
    return io_write(c->in, program->data, program->len);
}

static void end_connection(struct ssh_connection *c, int *ret_status)
{
    struct scope shield;
    close(c->in); // the worker's lifeline
    close(c->out);
    scope_enter_shield(&shield, END_NS);
    int r = child_wait(c->pid, ret_status);
    scope_leave(&shield);
    if (r >= 0 || r == -ECHILD)
        return;
    kill(c->pid, SIGKILL);
    waitpid(c->pid, ret_status, 0);
}

int ssh_run_worker(const struct deploy *deploy, const struct deploy_host *host,
                   const struct ssh_program *program, struct semaphore *connecting, int *ret_status)
{
    struct ssh_connection c = {
        .deploy = deploy, .host = host, .program = program, .tunnels = deploy->tunnel};
    char script[1024];
    if (c.tunnels)
        name_tunnel(&c);
    write_script(&c, script, sizeof(script));
    int r = semaphore_get(connecting);
    if (r < 0)
        return r;
    r = spawn(&c, script);
    if (r < 0) {
        semaphore_put(connecting);
        return r;
    }
    r = bring_program(&c);
    semaphore_put(connecting);
    if (r == 0)
        r = send_access(&c);
    if (r == 0) {
        char byte;
        while ((r = (int)io_read(c.out, &byte, 1)) > 0) // its end is the worker's
            ;
    }
    end_connection(&c, ret_status);
    return r;
}
