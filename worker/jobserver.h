// GNU make's jobserver: a pipe of tokens, one byte each, that all jobs of a build share. Who was
// started by it may run one job for nothing, and takes a token for each more; the same byte goes
// back when the job is over. We take part in one that is offered, or offer one: a client of the
// pipe either way, so that N slots and what they begin run N jobs together.
//
// Tokens are the agent's. They come back when chunks, executors or the coordinator die; a KILL of
// the agent itself loses them, as with any client of make.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "async/loop.h"

struct jobserver;

#define JOBSERVER_PASS_READ 4 // descriptors of the pipe in executors and all they begin
#define JOBSERVER_PASS_WRITE 5

// The one that `makeflags` (MAKEFLAGS; NULL: none) tells of: --jobserver-auth=R,W or
// --jobserver-fds=R,W or --jobserver-auth=fifo:PATH, the last one counts. Must come before this
// process opens anything, since the numbers R and W mean what make left open. *ret is NULL when
// none is offered. -ENXIO: it is out of reach, as make closes it for commands whose line has no
// '+'; -EACCES, -ENOMEM, ...
int jobserver_join(const char *makeflags, struct jobserver **ret);
// A new one for `slots` jobs.
int jobserver_offer(uint32_t slots, struct jobserver **ret);
// Gives back what is held. Accepts NULL. Returns NULL.
struct jobserver *jobserver_free(struct jobserver *js);

// For a child just forked: puts the pipe to where its MAKEFLAGS then say it is, for all who come.
// `high` and what follows must be free, and not be used afterwards. False: nothing is passed on, or
// the jobserver has a name, by which everybody finds it.
bool jobserver_pass_on(const struct jobserver *js, int high);
// In the child and its children: was a pipe passed on? All other descriptors of ours close on exec.
bool jobserver_passed(void);
// MAKEFLAGS as they are to be for those who come. Caller frees. NULL: no memory.
char *jobserver_makeflags(const struct jobserver *js);

// Which chunks may begin. Without a jobserver: all.
struct permits {
    struct jobserver *js; // NULL: none. Borrowed
    struct watch watch;
    bool watching;
    bool waits; // a chunk was refused since the last permits_settle
    void (*ready)(void *arg);
    void *arg;
};
// May one more begin beside `running` ones? Takes a token when it needs one. Never blocks.
bool permits_take(struct permits *p, uint32_t running);
// After a round of taking, in the loop: gives back what `running` chunks don't need, and calls
// `ready` when a token may be there for one that was refused.
void permits_settle(struct permits *p, uint32_t running);
void permits_done(struct permits *p);
// Tokens held now.
uint32_t jobserver_held(const struct jobserver *js);
