#include "cli/run/deploy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/grow.h"
#include "base/parse.h"
#include "cli/run/ssh.h"
#include "proto/limits.h"

#define AGAIN_NS NS_PER_S
#define AGAIN_MAX_NS (60 * NS_PER_S)
#define STEADY_NS (60 * NS_PER_S) // a worker that lasted this long gets short waits again
#define SHORT_NS (10 * NS_PER_S)  // one that lasted less has failed

struct deployed {
    struct deployment *d;
    struct deploy_host host;
};

struct deployment {
    const struct deploy *deploy;
    struct ssh_program program;
    struct semaphore connecting;
    struct deployed *hosts;
    size_t n;
    size_t n_given_up;
};

static void report(const struct deployed *h, enum deploy_news news, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void report(const struct deployed *h, enum deploy_news news, const char *fmt, ...)
{
    const struct deploy *deploy = h->d->deploy;
    char text[256];
    va_list ap;
    if (!deploy->report)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    deploy->report(deploy->arg, h->host.name, news, text);
}

int deploy_parse(const char *word, struct deploy_host *ret, struct err *err)
{
    struct deploy_host host = {0};
    const char *slash = strrchr(word, '/');
    size_t len = slash ? (size_t)(slash - word) : strlen(word);
    const char *colon = memrchr(word, ':', len);
    uint64_t n;
    if (slash) {
        if (parse_u64(slash + 1, &n) < 0 || n < 1 || n > PROTO_SLOTS_MAX)
            return err_set(err, -EINVAL, "'%s': expected a slot count after '/'", word);
        host.slots = (uint32_t)n;
    }
    if (colon) {
        int digits = snprintf(host.port, sizeof(host.port), "%.*s", (int)(word + len - colon - 1),
                              colon + 1);
        if (digits < 1 || (size_t)digits >= sizeof(host.port) || parse_u64(host.port, &n) < 0 ||
            n > UINT16_MAX)
            return err_set(err, -EINVAL, "'%s': expected a port after ':'", word);
        len = (size_t)(colon - word);
    }
    // A leading dash would make it an option of ssh.
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

static void give_up(const struct deployed *h, const char *why)
{
    h->d->n_given_up++;
    report(h, DEPLOY_GIVEN_UP, "given up: %s", why);
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
        snprintf(text, size,
                 "the program does not run on the host (status %d): are its libraries installed?",
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
        int r = ssh_run_worker(deploy, &h->host, &h->d->program, &h->d->connecting, &status);
        if (r == -ECANCELED || task_check() < 0)
            return 0;
        if (loop_now() - began > STEADY_NS)
            wait = AGAIN_NS;
        if (r == -ENOENT) {
            give_up(h, "program 'ssh' not found");
            return deploy->tries ? 0 : r;
        }
        describe_end(status, why, sizeof(why));
        failed = loop_now() - began < SHORT_NS ? failed + 1 : 0;
        if (deploy->tries && failed >= deploy->tries) {
            give_up(h, why);
            return 0;
        }
        report(h, DEPLOY_ENDED, "%s; trying again in %lld s", why, (long long)(wait / NS_PER_S));
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
    for (size_t i = 0; i < deploy->n_hosts && r == 0; i++)
        r = deploy->hosts[i][0] == '@' ? add_file(d, deploy->hosts[i] + 1, err)
                                       : add_host(d, deploy->hosts[i], err);
    if (r == 0 && d->n == 0)
        r = err_set(err, -EINVAL, "no hosts");
    if (r == 0)
        r = ssh_program_read(&d->program, err);
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
    buf_done(&d->program.bytes);
    free(d->hosts);
    free(d);
}

size_t deploy_hosts(const struct deployment *d)
{
    return d->n - d->n_given_up;
}
