// Workers on other machines, started by ssh and ended with it.
//
// One ssh for each host, its standard input the worker's lifeline: when it ends, by Ctrl-C, a
// broken connection or our death, the worker ends all it runs and leaves. The program is copied to
// ~/.cache/fanmill/ of a host that lacks this very version, keys go over standard input. A
// worker that is lost is started again, later each time.
#pragma once
#include "async/group.h"
#include "transport/access.h"

#define DEPLOY_HOSTS_MAX 1024
#define DEPLOY_AT_ONCE 32 // connecting at a time

struct deploy_host {
    char name[256]; // as ssh takes it: [user@]host
    char port[8];   // "" ssh's own
    uint32_t slots; // 0: the host's CPUs
};

// ENDED: a worker, which is started again. GIVEN_UP: a host.
enum deploy_news { DEPLOY_NOTE, DEPLOY_ENDED, DEPLOY_GIVEN_UP };

struct deploy {
    const char *const *hosts; // "user@host:port/slots" each, or "@FILE" with one a line
    size_t n_hosts;
    const struct access *access; // for the workers
    // Connect the workers through ssh: a socket on the host leads to `access`'s first endpoint.
    bool tunnel;
    const char *ssh; // the program and its first options, split at blanks; NULL: FANMILL_SSH or ssh
    uint32_t slots;  // of hosts that name none; 0: their CPUs
    bool quiet;      // workers log warnings and errors only
    // Workers leave when the coordinator has not answered them for this long: they don't always
    // notice the end of ssh.
    int64_t give_up_ns;
    // A host whose worker ended this often in a row, each time within 10 s, is given up. 0: never.
    unsigned tries;
    // Called with what happens, in words for people. Optional.
    void (*report)(void *arg, const char *host, enum deploy_news news, const char *text);
    void *arg;
};

// Reads "user@host:port/slots". -EINVAL with text.
int deploy_parse(const char *word, struct deploy_host *ret, struct err *err);

struct deployment;
// Begins a task for each host in `group`. The group's cancel ends them. Borrows `deploy`.
int deploy_begin(const struct deploy *deploy, struct group *group, struct deployment **ret,
                 struct err *err);
// After the group has ended. Accepts NULL.
void deploy_end(struct deployment *d);
// Hosts that are not given up.
size_t deploy_hosts(const struct deployment *d);
