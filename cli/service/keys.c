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
#include "cli/args/exit_code.h"
#include "cli/service/commands.h"
#include "cli/service/state.h"
#include "cli/text/show.h"
#include "transport/allow.h"

struct keys_command {
    const char *state; // --state
    bool json;
};
#define STATE_FLAG(s, member)                                                                      \
    {                                                                                              \
        0, "state", SETS_TEXT(s, member), "DIR", "the coordinator's state folder",                 \
            "$XDG_STATE_HOME/fanmill/default", .offer = OFFER_FOLDER                               \
    }

static int failed(const char *command, const struct err *err)
{
    fprintf(stderr, "fanmill %s: %s\n", command, err->text);
    return EXIT_USAGE;
}

static int done(void)
{
    return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

static struct json_writer *begin_object(struct show_object *object)
{
    struct json_writer *w = show_begin(object);
    json_put_number(w, "v", 1);
    return w;
}

// ---- keygen

static const struct arg keygen_flags[] = {
    STATE_FLAG(struct keys_command, state),
    {0, "json", SETS_FLAG(struct keys_command, json), NULL, "print a JSON object with the key"},
    {0},
};
const struct args keygen_args = {
    .usage = "[--state DIR] [--json]",
    .about = "Makes a coordinator's key and prints its public half. A coordinator with --listen "
             "makes its own key if it has none; an existing key is never replaced.\n",
    .tables = {{.list = keygen_flags}}};

int cli_keygen(int argc, char **argv)
{
    struct keys_command c = {0};
    char path[PATH_MAX];
    struct state state = STATE_INIT;
    struct keypair keys;
    struct word_list words;
    struct err err = {0};
    int status;
    if (args_parse("keygen", &keygen_args, &c, argc, argv, &words, &status) != 0)
        return status;
    int r = state_open(c.state, &state, &err);
    if (r == 0)
        r = state_path(&state, "coordinator.key", path, &err);
    if (r == 0)
        r = keypair_new(&keys, &err);
    if (r == 0)
        r = keyfile_write(path, &keys, &err);
    if (r < 0)
        return failed("keygen", &err);
    if (c.json) {
        struct show_object object;
        json_put_text(begin_object(&object), "public_key", keys.public_key);
        show_end(&object, stdout);
    } else {
        printf("%s\n", keys.public_key);
    }
    keypair_done(&keys);
    return done();
}

// ---- invite

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
                       "unknown address of the coordinator: start it first, or give "
                       "--endpoint tcp://HOST:PORT");
    reachable(text, ret, size);
    return 0;
}

struct invitation {
    const char *state;
    const char *endpoint;
    const char *output;
    int64_t valid_ns;
    bool json;
    char given[ACCESS_ENDPOINT_MAX]; // the address that is in it
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
                       "no coordinator's key in '%s': start a coordinator with --listen "
                       "there, or run fanmill keygen",
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
    memcpy(in->given, access.endpoints[0], sizeof(in->given));
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

static const char *const roles[] = {"worker", "client", "observer", "admin", NULL};

static const struct arg invite_flags[] = {
    {'o', "output", SETS_TEXT(struct invitation, output), "FILE",
     "write the access file to FILE; - is standard output", "NAME.access", .offer = OFFER_FILE},
    {0, "endpoint", SETS_TEXT(struct invitation, endpoint), "ADDRESS",
     "where the peer reaches the coordinator: tcp://HOST:PORT", "as it listens"},
    {0, "valid", SETS_DURATION(struct invitation, valid_ns), "TIME",
     "let the key expire after TIME, e.g. 30d"},
    STATE_FLAG(struct invitation, state),
    {0, "json", SETS_FLAG(struct invitation, json), NULL,
     "print a JSON object: name, role, file, endpoint"},
    {0},
};
const struct args invite_args = {
    .usage = "worker|client|observer|admin NAME [-o FILE]",
    .about = "Lets another peer connect: makes a key for it, adds the key to the allow-list and "
             "writes NAME.access, the one file that the peer needs (--connect NAME.access). Keep "
             "the file secret; copy it with scp. A running coordinator accepts the new key at "
             "once.\n"
             "\n"
             "  worker    runs chunks\n"
             "  client    submits jobs, controls its own\n"
             "  observer  sees jobs and results\n"
             "  admin     controls all jobs and workers\n",
    .tables = {{.list = invite_flags}},
    .operands = {{.words = roles}, {.offer = OFFER_NOTHING}},
    .n_operands = 2,
    .n_required = 2,
    .missing = "missing role (worker, client, observer, admin) or name"};

static void show_invitation(const struct invitation *in, const char *role, const char *name)
{
    struct show_object object;
    struct json_writer *w = begin_object(&object);
    json_put_text(w, "name", name);
    json_put_text(w, "role", role);
    json_put_text(w, "file", in->output);
    json_put_text(w, "endpoint", in->given);
    show_end(&object, stdout);
}

int cli_invite(int argc, char **argv)
{
    struct invitation in = {0};
    char output[PATH_MAX];
    struct word_list words;
    struct err err = {0};
    int status;
    if (args_parse("invite", &invite_args, &in, argc, argv, &words, &status) != 0)
        return status;
    enum role role = role_parse(words.list[0]);
    const char *name = words.list[1];
    if (role == ROLE_NONE)
        return args_mistake("invite", "'%s' is not a role: worker, client, observer or admin",
                            words.list[0]);
    if (!access_name_ok(name))
        return args_mistake("invite", "'%s' is not a name: up to 63 letters, digits, . _ -", name);
    if (in.endpoint && strncmp(in.endpoint, "tcp://", 6) != 0)
        return args_mistake("invite", "--endpoint takes tcp://HOST:PORT, not '%s'", in.endpoint);
    snprintf(output, sizeof(output), "%s.access", name);
    if (!in.output)
        in.output = output;
    if (in.json && strcmp(in.output, "-") == 0)
        return args_mistake("invite", "--json and -o - would both write to standard output");
    if (invite(&in, role, name, &err) < 0)
        return failed("invite", &err);
    if (in.json)
        show_invitation(&in, words.list[0], name);
    else if (strcmp(in.output, "-") != 0)
        printf("%s\n", in.output);
    return done();
}

// ---- revoke

static const struct arg revoke_flags[] = {
    STATE_FLAG(struct keys_command, state),
    {0, "json", SETS_FLAG(struct keys_command, json), NULL, "print a JSON object with the name"},
    {0},
};
const struct args revoke_args = {
    .usage = "NAME [--state DIR] [--json]",
    .about = "Removes a peer from the allow-list. A running coordinator disconnects it at once.\n",
    .tables = {{.list = revoke_flags}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing name: the one that the peer was invited by"};

int cli_revoke(int argc, char **argv)
{
    struct keys_command c = {0};
    char list[PATH_MAX];
    struct state state = STATE_INIT;
    struct word_list words;
    struct err err = {0};
    int status;
    if (args_parse("revoke", &revoke_args, &c, argc, argv, &words, &status) != 0)
        return status;
    int r = state_open(c.state, &state, &err);
    if (r == 0)
        r = state_path(&state, "peers", list, &err);
    if (r == 0)
        r = allow_remove(list, words.list[0], &err);
    if (r == -ENOENT)
        err_set(&err, r, "nobody was invited as '%s': fanmill keys lists who was", words.list[0]);
    if (r < 0)
        return failed("revoke", &err);
    if (c.json) {
        struct show_object object;
        json_put_text(begin_object(&object), "name", words.list[0]);
        show_end(&object, stdout);
    }
    return done();
}
