// Requests about jobs and workers, worked off a piece at a time: so many pieces a turn, the clients
// in rotation, each client's requests one after another. So neither many rows nor many requests
// hold up the loop, and nobody's requests wait for those of another client.
//
// A client that does not read is sent QUESTION_PAGES pages and then nothing more until it says with
// TAKE that it has taken one.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "proto/client.h"

#define QUESTIONS_MAX 1024u // that wait, of one client
#define QUESTION_PAGES 4u   // sent to one client and not taken
#define QUESTION_SLICE 256u // pieces of one client, then the others have their turn
#define QUESTION_TURN 2048u // pieces of all clients in one turn

struct client;
struct question;
struct server;

struct question_ops {
    // Lists what it is about, with question_add(). -ENOMEM.
    int (*list)(struct question *q);
    // A slice of its pieces begins. NULL: nothing is to be done.
    void (*begin)(struct question *q);
    // Deals with the job, worker or page of that number, which may be gone. Returns what it cost,
    // in rows.
    unsigned (*piece)(struct question *q, uint64_t id);
    // The slice has ended, with the `last` piece of all or before it. -EAGAIN: the client does not
    // read, the slice is to be done again.
    int (*end)(struct question *q, bool last);
    bool gives_pages;
};

struct question {
    TAILQ_ENTRY(question) entry; // of its client's, oldest first
    const struct question_ops *ops;
    struct client *client;
    bool is_listed;
    bool is_held_up; // a page of this slice could not be sent
    uint64_t *ids;
    size_t n, at;
    uint64_t value; // CONTROL: what the answer will say; QUERY_RUNNING: what a job costs at least
    struct err why; // likewise; code 0: nothing failed
    int code;
    union {
        struct msg_query query;
        struct msg_control control;
    };
};
TAILQ_HEAD(question_list, question);
TAILQ_HEAD(asking_list, client);

// Takes a copy of the question into the client's line. -EBUSY: too many wait already; -ENOMEM. Both
// are said in `err`.
int question_ask(struct client *client, const struct question *q, struct err *err);
// Adds to what it is about. -ENOMEM.
int question_add(struct question *q, uint64_t id);
// Adds the jobs of a request's range, 0..0 being the newest one.
int question_add_jobs(struct question *q, uint64_t first, uint64_t last);
// A page with rows of that request was sent.
void question_page_sent(struct client *client, uint64_t request);
// The client has taken a page of that request.
void question_page_taken(struct client *client, uint64_t request);
// What a full queue held up is tried again.
void questions_mark(struct client *client);
// The client has gone or asks anew: its questions are dropped.
void questions_drop(struct client *client);
// The share of this turn. True if something was sent.
bool questions_answer(struct server *server);
