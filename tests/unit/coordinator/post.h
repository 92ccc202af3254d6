// The shell without a network: a server whose sockets are fakes, peers that are numbers, virtual
// time. The linker puts post.c in the place of the functions of transport/zsock.c that the shell
// calls (--wrap), so everything above them is the product's own.
#pragma once
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "proto/client.h"
#include "proto/record.h"

// The server of the running test.
extern struct server *server;

// Runs the body as a task, with a server in virtual time, and closes it. NULL: no options.
void with_server(const struct server_options *options, void (*body)(void));
// A test in one.
#define SHELL_TEST(suite, name)                                                                    \
    static void name(void);                                                                        \
    Test(suite, name)                                                                              \
    {                                                                                              \
        with_server(NULL, name);                                                                   \
    }                                                                                              \
    static void name(void)

// ---- towards the server. A message is handled at once; what it leads to is sent by turn().

void say(uint32_t peer, enum msg_type type, const void *m);
void say_with(uint32_t peer, enum msg_type type, const void *m, const void *body, size_t len);
// A header as it is.
void say_raw(uint32_t peer, const void *header, size_t len);
// Ends the turn, and those that follow of themselves.
void turn(void);
void pass_time(int64_t ns);

// HELLO of a session that is made of the number.
void hello(uint32_t peer, uint32_t session);
// The peer, which may be gone already; NULL.
struct peer *peer_at(uint32_t peer);
// It came with a key of that name and these rights, before it said anything but HELLO.
void named(uint32_t peer, const char *user, unsigned rights);
// Says all that a worker says first; it has as much credit as slots.
void worker_comes(uint32_t peer, uint32_t slots);
// Submits a job of the YAML text, with a key of the request's number; its ANSWER.
void submit(uint32_t peer, const char *yaml, uint32_t flags, uint32_t request,
            struct msg_answer *ret);
// The id of a job that must be taken.
uint64_t submitted(uint32_t peer, const char *yaml, uint32_t flags);
// The worker answers the oldest chunk that it was leased; false when it has none.
bool answer(uint32_t peer, enum outcome outcome, const void *bytes, size_t len);
// Puts a record of the chunk into the job as the core would, with `len` bytes.
void deliver(uint64_t job, uint64_t chunk, size_t len);

// A job that nobody runs until a worker comes.
#define NUMBERS                                                                                    \
    "version: 1\nname: numbers\nsource: {range: 1..100}\nstages: [{command: [echo, '{}']}]\n"

// ---- from the server

struct letter {
    uint32_t peer;
    int type;
    struct buf header;
    struct buf body;
    bool is_read;
};
// The oldest message of the type to the peer that was not looked at; NULL.
struct letter *letter(uint32_t peer, enum msg_type type);
// How many of them wait.
unsigned letters(uint32_t peer, enum msg_type type);
// Decodes the oldest one, which must be there.
void hear(uint32_t peer, enum msg_type type, void *ret);
// The records of a stream in all RECORDS that wait; the offset of the first in *ret_first. They
// must follow each other without a gap.
uint64_t hear_records(uint32_t peer, uint64_t stream, uint64_t *ret_first);
// END of a stream: its code, or INT_MIN when none waits.
int hear_end(uint32_t peer, uint64_t stream, struct job_info *ret);

// Sending to a peer fails with the code after `after` more messages. 0: it works again.
void deafen(uint32_t peer, int code, unsigned after);
bool deafen_of(uint32_t peer); // whether it fails, now or later
