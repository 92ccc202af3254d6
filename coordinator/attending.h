// Attendants: a job's source and sink, as far as they are files, are the business of a process of
// its own, so that no file can hold the loop. The process comes as a client with the session that
// it was given, feeds the job, takes its records to the sink, and says how far it is (ATTEND). A
// job whose source is described (range, items, matrix) and whose results are kept or dropped has
// none.
//
//     QUEUED --begun--> BEGUN --HELLO--> (client) --its end--> GONE
//
// Nothing of the job runs before all that it needs is open; the job has ended when its sink is
// settled: whole, put away, or given up with a reason.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "async/loop.h"
#include "base/clock.h"
#include "coordinator/server.h"
#include "proto/limits.h"

struct client;
struct peer;
struct server_job;

#define ATTEND_ANSWER_NS NS_PER_S      // that SUBMIT's answer waits for the source
#define ATTEND_GRACE_NS (5 * NS_PER_S) // to put a sink away after the job's end, then it is killed

enum attend_state { ATTEND_NONE, ATTEND_QUEUED, ATTEND_BEGUN, ATTEND_GONE };

struct attending {
    unsigned needs; // enum attend_need
    enum attend_state state;
    uint8_t session[PROTO_SESSION_BYTES];
    bool over_network;     // the job came from another machine
    struct client *client; // NULL: not here yet, or gone
    bool source_is_open;
    bool sink_is_open;
    bool settled;   // nothing to wait for at the sink
    bool is_listed; // in the server's list of settled ones
    uint64_t total;
    // The SUBMIT that waits for the source.
    bool asks;
    uint64_t request;
    uint8_t asker[PROTO_SESSION_BYTES];
    struct timer patience;             // with the answer, later with the attendant
    TAILQ_ENTRY(attending) in_queue;   // QUEUED
    TAILQ_ENTRY(attending) in_settled; // until the job has ended
    UT_hash_handle hh;                 // by session
};
TAILQ_HEAD(attending_queue, attending);

// Finds out what a new job needs. -ENOTSUP with text: nobody here can do it.
int attending_init(struct server_job *job, bool over_network, struct err *err);
// Has the attendant begun, or puts it into the queue, if the job needs one and has none. Its
// failure ends the job.
void attending_begin(struct server_job *job);
// One try. 0; -EAGAIN: too many are at work; others with text.
int attending_start(struct server_job *job, struct err *err);
// The answer to this SUBMIT waits for the source.
void attending_defer(struct server_job *job, const struct client *client, uint64_t request);
// The source is open: what waits is answered.
void attending_answer(struct server_job *job);
// Whether all that the job needs is open, so that it may be fed.
bool attending_is_ready(const struct server_job *job);
// Why it is not; "" when it is.
void attending_explain(const struct server_job *job, char *ret, size_t size);

// Nothing of the sink is waited for any more: a job whose chunks are over ends with this turn.
void attending_settle(struct server_job *job);
// Takes it out of that list.
void attending_unlist(struct server_job *job);
// The source can't be read: the job fails, or, while its SUBMIT waits, is refused.
void attending_fail_source(struct server_job *job, int code, const char *text);
// The sink can't be written: the job is ended and fails.
void attending_fail_sink(struct server_job *job, const char *text);
// The attendant is gone, or there will be none.
void attending_lose(struct server_job *job, const char *text);

// The job's chunks are over. True: so is the job, there is no sink to wait for.
bool attending_over(struct server_job *job);
// Gives up the sink of a job whose chunks are over.
void attending_cancel(struct server_job *job);
// The job is about to be freed.
void attending_done(struct server_job *job);

// The job whose attendant has this session, or NULL.
struct server_job *attending_of(const struct server *server, const uint8_t *session);
// It has said its first word, or is gone for good.
void attending_came(struct client *client);
void attending_left(const struct client *client);
