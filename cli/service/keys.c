// Keys and invitations: keygen, invite, revoke.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/service/commands.h"
#include "cli/service/state.h"
#include "cli/text/show.h"
#include "transport/allow.h"

static int tell(const char *command, const struct err *err)
{
    fprintf(stderr, "fanmill %s: %s\n", command, err->text);
    return EXIT_USAGE;
}

static int done(void)
{
    return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

int cli_keygen(int argc, char **argv)
{
    const char *folder = NULL;
    bool json = false;
    char path[PATH_MAX];
    struct state state = STATE_INIT;
    struct keypair keys;
    struct words words;
    struct err err = {0};
    int status;
    const struct arg table[] = {
        {0, "state", ARG_TEXT, &folder, "DIR", "the coordinator's state folder"},
        {0, "json", ARG_FLAG, &json, NULL, "one object"}};
    const struct args args = {.command = "keygen",
                              .usage = "[--state DIR] [--json]",
                              .about = "Makes a coordinator's key, and prints its public half. A "
                                       "coordinator with --listen makes its\nown when it has "
                                       "none; a key that is there is never replaced.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0])};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    int r = state_open(folder, &state, &err);
    if (r == 0)
        r = state_path(&state, "coordinator.key", path, &err);
    if (r == 0)
        r = keypair_new(&keys, &err);
    if (r == 0)
        r = keyfile_write(path, &keys, &err);
    if (r < 0)
        return tell("keygen", &err);
    if (json)
        show_words_json(stdout, &(struct show_word){"public_key", keys.public_key}, 1);
    else
        printf("%s\n", keys.public_key);
    keypair_done(&keys);
    return done();
}

// "tcp://0.0.0.0:7117" is reached by the host's name.
static void reachable(const char *endpoint, char *ret, size_t size)
{
    const char *host = endpoint + strlen("tcp://");
    const char *port = strrchr(endpoint, ':');
    char name[65] = "localhost"; // HOST_NAME_MAX is 64
    bool any = strncmp(host, "0.0.0.0:", 8) == 0 || strncmp(host, "[::]:", 5) == 0 ||
               strncmp(host, "*:", 2) == 0;
    gethostname(name, sizeof(name) - 1);
    if (any && port)
        snprintf(ret, size, "tcp://%s%s", name, port);
    else
        snprintf(ret, size, "%s", endpoint);
}

static int find_endpoint(const struct state *state, char *ret, size_t size, struct err *err)
{
    char path[PATH_MAX], text[ACCESS_ENDPOINT_MAX] = "";
    int r = state_path(state, "listen", path, err);
    if (r < 0)
        return r;
    _fclose_ FILE *f = fopen(path, "re");
    if (!f || !fgets(text, sizeof(text), f))
        return err_set(err, -ENOENT,
                       "where will it listen? start the coordinator first, or give --endpoint "
                       "tcp://HOST:PORT");
    reachable(text, ret, size);
    return 0;
}

struct invitation {
    const char *state;
    const char *endpoint;
    const char *output;
    int64_t valid_ns;
    bool json;
    char told[ACCESS_ENDPOINT_MAX]; // the address that is in it
};

static int invite(struct invitation *in, enum role role, const char *name, struct err *err)
{
    struct state state = STATE_INIT;
    struct keypair coordinator = {0};
    struct access access = {.n_endpoints = 1, .role = role};
    struct allowed peer = {.role = role};
    char path[PATH_MAX], list[PATH_MAX];
    int r = state_open(in->state, &state, err);
    if (r == 0)
        r = state_path(&state, "coordinator.key", path, err);
    if (r == 0)
        r = keyfile_read(path, &coordinator, err);
    if (r == -ENOENT)
        return err_set(err, r,
                       "there is no coordinator's key in '%s': start a coordinator with "
                       "--listen there, or run fanmill keygen",
                       state.folder);
    if (in->endpoint)
        snprintf(access.endpoints[0], ACCESS_ENDPOINT_MAX, "%s", in->endpoint);
    else if (r == 0)
        r = find_endpoint(&state, access.endpoints[0], ACCESS_ENDPOINT_MAX, err);
    if (r == 0)
        r = keypair_new(&access.keys, err);
    if (r == 0)
        r = state_path(&state, "peers", list, err);
    if (r == 0 && mkdir(list, 0700) < 0 && errno != EEXIST)
        r = err_sys(err, -errno, "'%s'", list);
    if (r < 0)
        return r;
    memcpy(access.coordinator, coordinator.public_key, KEY_TEXT);
    memcpy(in->told, access.endpoints[0], sizeof(in->told));
    keypair_done(&coordinator);
    snprintf(access.name, sizeof(access.name), "%s", name);
    snprintf(peer.name, sizeof(peer.name), "%s", name);
    memcpy(peer.public_key, access.keys.public_key, KEY_TEXT);
    peer.expires = in->valid_ns ? (int64_t)time(NULL) + in->valid_ns / NS_PER_S : 0;
    r = allow_add(list, &peer, err);
    if (r == 0 && strcmp(in->output, "-") == 0) {
        _cleanup_(buf_done)
        struct buf text;
        buf_init(&text, 0);
        r = access_format(&access, &text);
        if (r == 0)
            r = fd_write_all(STDOUT_FILENO, text.data, text.len);
        if (r < 0)
            err_sys(err, r, "standard output");
    } else if (r == 0) {
        r = access_write(in->output, &access, err);
    }
    if (r < 0 && r != -EEXIST)
        allow_remove(list, name, NULL);
    access_done(&access);
    return r;
}

int cli_invite(int argc, char **argv)
{
    struct invitation in = {0};
    char output[PATH_MAX];
    struct words words;
    struct err err = {0};
    int status;
    const struct arg table[] = {
        {0, "state", ARG_TEXT, &in.state, "DIR", "the coordinator's state folder"},
        {0, "endpoint", ARG_TEXT, &in.endpoint, "ADDRESS",
         "how the coordinator is reached: tcp://HOST:PORT"},
        {'o', "output", ARG_TEXT, &in.output, "FILE", "default: NAME.access; - is standard output"},
        {0, "valid", ARG_DURATION, &in.valid_ns, "TIME", "the key is of no use after it, as 30d"},
        {0, "json", ARG_FLAG, &in.json, NULL, "an object: name, role, file, endpoint"}};
    const struct args args = {
        .command = "invite",
        .usage = "worker|client|observer|admin NAME [-o FILE]",
        .about = "Lets one more peer connect: makes its key, puts it on the allow-list, and writes "
                 "NAME.access,\nthe one file that the peer needs (--connect NAME.access). Keep it "
                 "secret: copy it with scp.\nA running coordinator knows the new key at once.\n",
        .more = "  worker    runs chunks               client  submits jobs, rules its own\n"
                "  observer  sees jobs and results     admin   rules all jobs and workers\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .words_min = 2,
        .words_max = 2,
        .missing = "whom? give a role (worker, client, observer, admin) and a name"};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    enum role role = role_parse(words.list[0]);
    const char *name = words.list[1];
    if (role == ROLE_NONE)
        return args_mistake("invite", "'%s' is not a role: worker, client, observer or admin",
                            words.list[0]);
    if (!access_name_ok(name))
        return args_mistake("invite", "'%s' is not a name: letters, digits, . _ - (at most 63)",
                            name);
    if (in.endpoint && strncmp(in.endpoint, "tcp://", 6) != 0)
        return args_mistake("invite", "--endpoint takes tcp://HOST:PORT, not '%s'", in.endpoint);
    snprintf(output, sizeof(output), "%s.access", name);
    if (!in.output)
        in.output = output;
    if (in.json && strcmp(in.output, "-") == 0)
        return args_mistake("invite",
                            "--json and -o - would write one behind the other; give a file");
    if (invite(&in, role, name, &err) < 0)
        return tell("invite", &err);
    const struct show_word facts[] = {
        {"name", name}, {"role", words.list[0]}, {"file", in.output}, {"endpoint", in.told}};
    if (in.json)
        show_words_json(stdout, facts, 4);
    else if (strcmp(in.output, "-") != 0)
        printf("%s\n", in.output);
    return done();
}

int cli_revoke(int argc, char **argv)
{
    const char *folder = NULL;
    bool json = false;
    char list[PATH_MAX];
    struct state state = STATE_INIT;
    struct words words;
    struct err err = {0};
    int status;
    const struct arg table[] = {
        {0, "state", ARG_TEXT, &folder, "DIR", "the coordinator's state folder"},
        {0, "json", ARG_FLAG, &json, NULL, "an object with the name"}};
    const struct args args = {.command = "revoke",
                              .usage = "NAME [--json]",
                              .about =
                                  "Takes a peer off the allow-list. A running coordinator cuts "
                                  "it off at once.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0]),
                              .words_min = 1,
                              .words_max = 1,
                              .missing = "whom? give the name it was invited by"};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    int r = state_open(folder, &state, &err);
    if (r == 0)
        r = state_path(&state, "peers", list, &err);
    if (r == 0)
        r = allow_remove(list, words.list[0], &err);
    if (r < 0)
        return tell("revoke", &err);
    if (json)
        show_words_json(stdout, &(struct show_word){"name", words.list[0]}, 1);
    return done();
}
