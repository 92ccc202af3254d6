// Which chunks may begin: all, or as many as the tokens of make's jobserver allow.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/loop.h"

struct jobserver; // worker/jobserver.h

struct permits {
    struct jobserver *js; // NULL: none. Borrowed
    struct watch watch;
    bool watching;
    bool waits; // a chunk was refused since the last permits_settle
    void (*ready)(void *arg);
    void *arg;
};
// Whether one more may begin beside `running` ones. Takes a token when it needs one. Never blocks.
bool permits_take(struct permits *p, uint32_t running);
// After a round of taking, in the loop: gives back what `running` chunks don't need, and calls
// `ready` when a token may be had for one that was refused.
void permits_settle(struct permits *p, uint32_t running);
// Gives all tokens back.
void permits_done(struct permits *p);
