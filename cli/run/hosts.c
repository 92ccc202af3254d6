#include "cli/run/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "proto/limits.h"

static int add_word(struct hosts *hosts, const char *word, struct err *err)
{
    uint64_t n;
    if (word[0] == ':') {
        hosts->local = true;
        if (!word[1])
            return 0;
        if (word[1] != '/' || parse_u64(word + 2, &n) < 0 || n < 1 || n > PROTO_SLOTS_MAX)
            return err_set(err, -EINVAL, "'%s': use ':' or ':/SLOTS' for this machine", word);
        hosts->slots = (uint32_t)n;
        return 0;
    }
    if (hosts->n_words == HOSTS_MAX)
        return err_set(err, -E2BIG, "more than %d hosts; list them in a file: @FILE", HOSTS_MAX);
    struct deploy_host parsed;
    int r = word[0] == '@' ? 0 : deploy_parse(word, &parsed, err);
    if (r == 0)
        hosts->words[hosts->n_words++] = word;
    return r;
}

int hosts_parse(struct hosts *hosts, const char *const *words, size_t n, struct err *err)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = buf_printf(&text, "%s%s", i ? "," : "", words[i]);
    if (r == 0)
        r = buf_add(&text, "", 1);
    hosts->text = (char *)text.data;
    if (r < 0)
        return err_sys(err, r, "the hosts");
    char *save = NULL;
    for (char *word = strtok_r(hosts->text, ",", &save); word && r == 0;
         word = strtok_r(NULL, ",", &save))
        r = add_word(hosts, word, err);
    if (r == 0 && !hosts->local && hosts->n_words == 0)
        r = err_set(err, -EINVAL,
                    "missing hosts: [user@]host[:port][/slots],..., or : for this machine");
    return r;
}

int hosts_prepare(struct hosts *hosts, struct server_options *options, struct err *err)
{
    int r = keypair_new(&hosts->server, err);
    if (r == 0)
        r = keypair_new(&hosts->access.keys, err);
    if (r < 0)
        return r;
    hosts->access.role = hosts->allowed.role = ROLE_WORKER;
    memcpy(hosts->access.coordinator, hosts->server.public_key, KEY_TEXT);
    snprintf(hosts->allowed.name, sizeof(hosts->allowed.name), "host");
    memcpy(hosts->allowed.public_key, hosts->access.keys.public_key, KEY_TEXT);
    options->listen = "tcp://127.0.0.1:0";
    options->keys = &hosts->server;
    options->allowed = &hosts->allowed;
    options->n_allowed = 1;
    return 0;
}

static void on_news(void *arg, const char *host, enum deploy_news news, const char *text)
{
    struct hosts *hosts = arg;
    char words[600];
    snprintf(words, sizeof(words), "host %s: %s", host, text);
    if (news != DEPLOY_NOTE)
        hosts->say(hosts->arg, words);
    if (news == DEPLOY_GIVEN_UP && deploy_hosts(hosts->deployment) == 0 && !hosts->local)
        hosts->lost(hosts->arg, "no host is left to run on");
}

int hosts_begin(struct hosts *hosts, const struct server *server, uint32_t slots,
                struct group *group, struct err *err)
{
    if (hosts->n_words == 0)
        return 0;
    hosts->access.n_endpoints = 1;
    snprintf(hosts->access.endpoints[0], ACCESS_ENDPOINT_MAX, "%s", server_endpoint(server));
    hosts->deploy = (struct deploy){.hosts = hosts->words,
                                    .n_hosts = hosts->n_words,
                                    .access = &hosts->access,
                                    .tunnel = true,
                                    .slots = slots,
                                    .quiet = true,
                                    .tries = HOSTS_TRIES,
                                    .give_up_ns = HOSTS_GIVE_UP_NS,
                                    .report = on_news,
                                    .arg = hosts};
    return deploy_begin(&hosts->deploy, group, &hosts->deployment, err);
}

void hosts_done(struct hosts *hosts)
{
    deploy_end(hosts->deployment);
    hosts->deployment = NULL;
    keypair_done(&hosts->server);
    access_done(&hosts->access);
    free(hosts->text);
    hosts->text = NULL;
}
