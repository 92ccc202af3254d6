// Workers on other machines for one run (--host): the run's own coordinator listens on the loopback
// with keys made for it, and each worker reaches it through the ssh that started it. No port is
// open to others, no file is written here, and everything ends with the run.
#pragma once
#include "cli/run/deploy.h"
#include "coordinator/server.h"
#include "transport/allow.h"

#define HOSTS_TRIES 3                        // of a host whose worker ends at once, in a row
#define HOSTS_MAX 256                        // words
#define HOSTS_GIVE_UP_NS (10 * 1000000000ll) // then workers leave whose run is gone

struct hosts {
    const char *words[HOSTS_MAX]; // as deploy.h has them; ":" is taken out
    size_t n_words;
    char *text;     // that they point into
    bool local;     // ":" or ":/N": this machine too
    uint32_t slots; // of this machine by ":/N"; 0: not given
    struct keypair server;
    struct access access; // of the workers
    struct allowed allowed;
    struct deploy deploy;
    struct deployment *deployment;
    void (*say)(void *arg, const char *text); // news for the user
    void (*lost)(void *arg, const char *why); // no host is left
    void *arg;
};

// Reads "a,user@b:22/8,:/2", each word a list of its own; `words` n of them. -EINVAL with text.
int hosts_parse(struct hosts *hosts, const char *const *words, size_t n, struct err *err);
// Makes the keys; fills in where the coordinator listens and which peers it accepts.
int hosts_prepare(struct hosts *hosts, struct server_options *options, struct err *err);
// Starts the workers, as tasks of the group, once the coordinator listens. In a task. `slots`: of
// hosts that name none; 0: their CPUs.
int hosts_begin(struct hosts *hosts, const struct server *server, uint32_t slots,
                struct group *group, struct err *err);
// After the group has ended. Wipes the keys. Safe for one that never began.
void hosts_done(struct hosts *hosts);
