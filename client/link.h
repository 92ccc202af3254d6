// A client's connection to a coordinator, in the running loop: connecting, greeting, sending,
// reading, coming back after a break. What is said over it is the business of its parts
// (client/part.h): requests, feeds, results.
//
// A coordinator that is silent is waited for: it may be stopped or busy, or the network is down.
//
// A break is invisible as long as the coordinator knows the session when the connection
// is back: streams go on where they were.
#pragma once
#include <stdint.h>

#include "base/err.h"

struct access;
struct link;
struct transport;

// How long the coordinator may be silent: before its first answer; until somebody is told; until it
// is lost.
#define LINK_ANSWER_NS (15 * 1000000000ll)
#define LINK_NOTICE_NS (15 * 1000000000ll)
#define LINK_SILENCE_NS (3600 * 1000000000ll)

struct link_options {
    const char *endpoint;        // ipc://, inproc:// or tcp://
    const struct access *access; // keys, for tcp; else NULL
    int64_t silence_ns;          // 0: LINK_SILENCE_NS
    const uint8_t *session;      // to be recognised by, PROTO_SESSION_BYTES; NULL: a random one
    // Told when the coordinator has been silent for a while, about once a minute from then on, and
    // when it is heard again (0). Optional.
    void (*notice)(void *arg, const char *endpoint, int64_t silent_ns);
    void *arg;
};

// Connects and suspends until the coordinator has greeted. -EHOSTDOWN: no answer;
// -ECONNREFUSED: it refused us; -EPROTONOSUPPORT. Options are borrowed for the call.
int link_open(struct transport *transport, const struct link_options *options, struct link **ret,
              struct err *err);
// Says BYE: jobs that are not detached end. All results and feeds of it must be closed. Accepts
// NULL. Returns NULL.
struct link *link_close(struct link *link);

// 0, or why the link is of no use any more: -EHOSTDOWN (the coordinator has been silent for too
// long, or has ended), -ECONNRESET (it was restarted, and its jobs are gone), -EPROTO.
int link_check(const struct link *link);
// The same for people; "" while it is of use.
const char *link_trouble(const struct link *link);
