// GNU make's jobserver: a pipe of tokens, one byte each, that all jobs of a build share. A program
// started by it may run one job for free and takes a token for each further one; the same byte goes
// back when the job has ended. We take part in one that is offered, or offer one: a client of the
// pipe either way, so that N slots and what they start run N jobs together.
//
// Tokens belong to the agent. They come back when chunks, executors or the coordinator die; a KILL
// of the agent itself loses them, as with any client of make.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jobserver;

#define JOBSERVER_PASS_READ 4 // descriptors of the pipe in executors and all they start
#define JOBSERVER_PASS_WRITE 5

// Joins the one that `makeflags` (MAKEFLAGS; NULL: none) names: --jobserver-auth=R,W or
// --jobserver-fds=R,W or --jobserver-auth=fifo:PATH; the last one counts. Must come before this
// process opens anything, since the numbers R and W mean what make left open. *ret is NULL when
// none is offered. -ENXIO: it can't be reached, since make closes it for recipe lines without a
// '+'; -EACCES, -ENOMEM, ...
int jobserver_join(const char *makeflags, struct jobserver **ret);
// A new one for `slots` jobs.
int jobserver_offer(uint32_t slots, struct jobserver **ret);
// Gives back what is held. Accepts NULL. Returns NULL.
struct jobserver *jobserver_free(struct jobserver *js);

// For a child just forked: puts the pipe where its MAKEFLAGS then say it is, for all processes
// that it starts. `high` and the numbers after it must be free, and not be used afterwards. False:
// nothing is passed on, or the jobserver has a name, by which every process finds it.
bool jobserver_pass_on(const struct jobserver *js, int high);
// In the child and its children: whether a pipe was passed on. All other descriptors of ours close
// on exec.
bool jobserver_passed(void);
// MAKEFLAGS for the processes that come after. The caller frees. NULL: no memory.
char *jobserver_makeflags(const struct jobserver *js);

// Takes a token. Never blocks. False: none is left, or memory is out.
bool jobserver_take(struct jobserver *js);
// Gives the last one taken back. False: the pipe is full or gone.
bool jobserver_give(struct jobserver *js);
// When nothing of ours runs: puts back what commands that were killed had taken from a jobserver
// that we offer.
void jobserver_restore(struct jobserver *js);
// Tokens held now.
uint32_t jobserver_tokens(const struct jobserver *js);
// Readable when a token may be had. Borrowed.
int jobserver_fd(const struct jobserver *js);
