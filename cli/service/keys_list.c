// `fanmill keys`: who may connect.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/service/commands.h"
#include "cli/service/state.h"
#include "cli/text/columns.h"
#include "cli/text/show.h"
#include "cli/text/table.h"
#include "transport/allow.h"

#define FINGERPRINT_BYTES 8u
#define FINGERPRINT_MAX (3 * FINGERPRINT_BYTES)

struct keys_list {
    const char *state; // --state
    bool json;
    struct table table;
    bool has_bad;
};

static const struct table_column columns[] = {{"NAME", false, 0, 8},
                                              {"ROLE", false, 0, 0},
                                              {"EXPIRES", false, 1, 0},
                                              {"FINGERPRINT", false, 2, 0}};

// "4f:0a:..." of a public key: short enough to compare by eye.
static void fingerprint(const char *public_key, char ret[FINGERPRINT_MAX])
{
    uint8_t digest[DIGEST_BYTES];
    digest_bytes(public_key, strlen(public_key), digest);
    for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
        snprintf(ret + 3 * i, FINGERPRINT_MAX - 3 * i, "%02x%s", digest[i],
                 i + 1 < FINGERPRINT_BYTES ? ":" : "");
}

static void put_expiry(struct table *table, int64_t expires)
{
    char text[SHOW_DURATION_MAX];
    int64_t left = expires - (int64_t)time(NULL);
    if (!expires) {
        table_cell(table, "never");
    } else if (left <= 0) {
        table_cell(table, "expired");
    } else {
        show_duration(left * NS_PER_S, text, sizeof(text));
        table_cell(table, "in %s", text);
    }
}

static void on_peer(void *arg, const struct allowed *peer)
{
    struct keys_list *c = arg;
    char print[FINGERPRINT_MAX];
    fingerprint(peer->public_key, print);
    if (!c->json) {
        table_cell(&c->table, "%s", peer->name);
        table_cell(&c->table, "%s", role_name(peer->role));
        put_expiry(&c->table, peer->expires);
        table_cell(&c->table, "%s", print);
        return;
    }
    struct show_object object;
    struct json_writer *w = show_begin(&object);
    json_put_number(w, "v", 1);
    json_put_text(w, "name", peer->name);
    json_put_text(w, "role", role_name(peer->role));
    json_put_text(w, "public_key", peer->public_key);
    json_put_text(w, "fingerprint", print);
    if (peer->expires)
        json_put_number(w, "expires", (uint64_t)peer->expires);
    json_put_flag(w, "expired", peer->expires && peer->expires <= (int64_t)time(NULL));
    show_end(&object, stdout);
}

static void on_bad(void *arg, const char *why)
{
    struct keys_list *c = arg;
    c->has_bad = true;
    fprintf(stderr, "fanmill keys: left out: %s\n", why);
}

static const struct arg keys_flags[] = {
    {0, "state", SETS_TEXT(struct keys_list, state), "DIR", "the coordinator's state folder",
     "$XDG_STATE_HOME/fanmill/default", .offer = OFFER_FOLDER},
    {0, "json", SETS_FLAG(struct keys_list, json), NULL, "print a JSON object for each key"},
    {0},
};
const struct args keys_args = {
    .usage = "[--state DIR] [--json]",
    .about =
        "Lists who may connect to a coordinator over TCP: the name by which the peer was invited "
        "(fanmill invite), its role, when its key expires, and the key's fingerprint. Programs "
        "of this user on this machine need no key.\n",
    .more = "Exit status: 0, or 2 when a file of the list can't be used; it is named.\n",
    .tables = {{.list = keys_flags}}};

int cli_keys(int argc, char **argv)
{
    struct keys_list c = {0};
    char list[PATH_MAX];
    struct state state = STATE_INIT;
    struct word_list words;
    struct err err = {0};
    int status;
    if (args_parse("keys", &keys_args, &c, argc, argv, &words, &status) != 0)
        return status;
    table_begin(&c.table, columns, sizeof(columns) / sizeof(columns[0]));
    int r = state_open(c.state, &state, &err);
    if (r == 0)
        r = state_path(&state, "peers", list, &err);
    if (r == 0)
        r = allow_each(list, on_peer, on_bad, &c, &err);
    if (r < 0) {
        fprintf(stderr, "fanmill keys: %s\n", err.text);
        table_done(&c.table);
        return EXIT_USAGE;
    }
    if (table_rows(&c.table) > 0)
        table_print(&c.table, 0, SIZE_MAX, terminal_columns(STDOUT_FILENO), stdout);
    else if (!c.json && !c.has_bad)
        fprintf(stderr, "fanmill: nobody was invited: fanmill invite ROLE NAME\n");
    table_done(&c.table);
    if (fflush(stdout) != 0)
        return EXIT_OUTPUT;
    return c.has_bad ? EXIT_USAGE : EXIT_ALL_WELL;
}
