// The line of requests that wait for their turn.
//
// In: QUERY and CONTROL (rows.c, requests.c), TAKE of pages. Out: calls of the question's
// functions, a slice at a time.
//
// What a question is about is listed when it comes first in its client's line: jobs and workers
// that come later are not meant, those that go meanwhile are left out. A piece may forget jobs;
// nothing here holds one.
#include "coordinator/questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "coordinator/client.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

#define LISTED_PER_ROW 16u // numbers that cost as much to list as a row costs to make

void questions_mark(struct client *client)
{
    struct server *server = client->server;
    if (client->is_asking || TAILQ_EMPTY(&client->questions))
        return;
    client->is_asking = true;
    server->must_flush = true;
    TAILQ_INSERT_TAIL(&server->asking, client, of_asking);
}

int question_ask(struct client *client, const struct question *q, struct err *err)
{
    if (client->n_questions >= QUESTIONS_MAX)
        return err_set(err, -EBUSY, "%u requests of this client wait for their answers already",
                       QUESTIONS_MAX);
    struct question *own = malloc(sizeof(*own));
    if (!own)
        return err_set(err, -ENOMEM, "the coordinator is out of memory");
    *own = *q;
    own->client = client;
    TAILQ_INSERT_TAIL(&client->questions, own, entry);
    client->n_questions++;
    questions_mark(client);
    return 0;
}

static void question_free(struct question *q)
{
    TAILQ_REMOVE(&q->client->questions, q, entry);
    q->client->n_questions--;
    free(q->ids);
    free(q);
}

void questions_drop(struct client *client)
{
    while (!TAILQ_EMPTY(&client->questions))
        question_free(TAILQ_FIRST(&client->questions));
    if (client->is_asking)
        TAILQ_REMOVE(&client->server->asking, client, of_asking);
    client->is_asking = false;
    client->n_pages = 0;
}

int question_add(struct question *q, uint64_t id)
{
    int r = grow(q->ids, q->n, 1);
    if (r == 0)
        q->ids[q->n++] = id;
    return r;
}

int question_add_jobs(struct question *q, uint64_t first, uint64_t last)
{
    struct server *server = q->client->server;
    int r = 0;
    if (first == 0 && last == 0) {
        const struct server_job *newest = server_job_newest(server, q->client);
        return newest ? question_add(q, newest->id) : 0;
    }
    if (first == last)
        return server_job_find(server, first) ? question_add(q, first) : 0;
    for (const struct server_job *job = server->jobs; job && r == 0; job = job->hh.next)
        if (job->id >= first && job->id <= last)
            r = question_add(q, job->id);
    return r;
}

void question_page_sent(struct client *client, uint64_t request)
{
    if (client->n_pages < QUESTION_PAGES)
        client->pages[client->n_pages++] = request;
}

void question_page_taken(struct client *client, uint64_t request)
{
    for (unsigned i = 0; i < client->n_pages; i++)
        if (client->pages[i] == request) {
            client->pages[i] = client->pages[--client->n_pages];
            questions_mark(client);
            return;
        }
}

// Works on the client's first question. Returns the cost; *ret_more: there is more that can be
// done.
static unsigned answer_some(struct client *client, bool *ret_more)
{
    struct question *q = TAILQ_FIRST(&client->questions);
    unsigned cost = 1;
    *ret_more = false;
    if (!q || !client->peer || (q->ops->gives_pages && client->n_pages == QUESTION_PAGES))
        return cost;
    if (!q->is_listed) {
        q->code = q->ops->list(q);
        q->is_listed = true;
        cost += (unsigned)(q->n / LISTED_PER_ROW);
    }
    size_t before = q->at;
    q->is_held_up = false;
    if (q->ops->begin)
        q->ops->begin(q);
    for (unsigned used = 0; q->at < q->n && used < QUESTION_SLICE; q->at++) {
        unsigned n = q->ops->piece(q, q->ids[q->at]);
        used += n;
        cost += n;
    }
    bool last = q->at == q->n;
    if (q->ops->end(q, last) == -EAGAIN) {
        q->at = before; // the next heartbeat tries again
        return cost;
    }
    if (last)
        question_free(q);
    *ret_more = !TAILQ_EMPTY(&client->questions);
    return cost;
}

bool questions_answer(struct server *server)
{
    unsigned left = QUESTION_TURN;
    struct client *client;
    bool any = false;
    while (left > 0 && (client = TAILQ_FIRST(&server->asking))) {
        bool more;
        TAILQ_REMOVE(&server->asking, client, of_asking);
        client->is_asking = false;
        unsigned cost = answer_some(client, &more);
        left -= cost < left ? cost : left;
        any = true;
        if (more)
            questions_mark(client);
    }
    if (!TAILQ_EMPTY(&server->asking))
        server->must_flush = true;
    return any;
}
