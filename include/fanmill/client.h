/*
 * fanmill/client.h: jobs and result streams of a fanmill coordinator, for programs in C and C++.
 *
 *     struct fm_client *client;
 *     struct fm_job *job;
 *     struct fm_result result;
 *     int r;
 *
 *     fm_connect(NULL, &client);
 *     fm_submit_file(client, "job.yaml", &job);
 *     struct fm_stream *results = fm_results(job, NULL);
 *     while ((r = fm_next(results, &result)) == 1)
 *         use(result.data, result.size);
 *     fm_stream_close(results);
 *     fm_job_free(job);
 *     fm_disconnect(client);
 *
 * Conventions. Functions return 0 or more, or a negative errno; fm_error() gives its words. Names
 * end in _free or _close for what the caller owns. Pointers in results are borrowed until the next
 * call for the same stream. Times are seconds. A client and all that comes from it belong to one
 * thread at a time; the library starts no threads of its own beside ZeroMQ's, and nothing of it
 * runs at exit or in signal handlers. Functions that are said to wait block the calling thread.
 *
 * The contract of streams is docs/guide/streams.md; S1 to S15 there are the tests' names.
 */
#ifndef FANMILL_CLIENT_H
#define FANMILL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FM_CLIENT_VERSION                                                                          \
    1 /* of this interface; grows with functions, never changes their meaning */

#define FM_FOREVER (-1.0)

struct fm_client;
struct fm_job;
struct fm_stream;
struct fm_spec;

/* ---- errors ------------------------------------------------------------------------------------
 * Beside errno's own meaning:
 *   -EHOSTDOWN     no coordinator answers, or it has been silent for 15 s
 *   -ECONNRESET    the coordinator was started anew, and its jobs are gone
 *   -ECONNREFUSED  it does not want this peer (its key, its version)
 *   -ETIMEDOUT     the deadline of this call; nothing is lost, call again
 *   -ECANCELED     the stream was closed
 *   -ESTALE        the results asked for are not kept any more
 *   -EBUSY         the stream has a consumer already
 *   -EINVAL        a job that is not valid; the words name line and column
 *   -EREMOTEIO     a chunk failed (fm_stream_options.stop_on_error)
 */

/* Words for the last failure in this thread; never NULL. Valid until the next call in it. */
const char *fm_error(void);
/* "0.1.0" of the library that is linked. */
const char *fm_version(void);

/* ---- client ------------------------------------------------------------------------------------
 */

/* Connects. `where`: an access file (fanmill invite), a coordinator's state folder, or NULL for
 * FANMILL_CONNECT, else the one that runs on this machine. Waits, at most 15 s for an answer.
 * *ret_client is the caller's: fm_disconnect. */
int fm_connect(const char *where, struct fm_client **ret_client);
/* Ends jobs that are not detached, and the connection. Streams that are still open are closed, and
 * told on stderr with the place they were opened at. Accepts NULL. */
void fm_disconnect(struct fm_client *client);

/* ---- jobs --------------------------------------------------------------------------------------
 */

/* A job by functions. The spec is the caller's; fm_submit copies what it needs. */
struct fm_spec *fm_spec_new(const char *name);
void fm_spec_free(struct fm_spec *spec);
/* Each returns -EINVAL or -ENOMEM with words, and then leaves the spec as it was. */
/* Numbers first, first + step, ... `count` of them, as text. */
int fm_spec_range(struct fm_spec *spec, int64_t first, int64_t step, uint64_t count);
/* Items that the program pushes as they come: fm_push, fm_push_end. The default. */
int fm_spec_push(struct fm_spec *spec);
/* So many items in a chunk; 1 if not called. */
int fm_spec_items_per_chunk(struct fm_spec *spec, uint64_t items);
/* A stage; stages run one after another, each on the output of the one before. argv ends with NULL;
 * "{}" in a word is the item. */
int fm_spec_command(struct fm_spec *spec, const char *const *argv);
/* Items on standard input, one a line. */
int fm_spec_pipe(struct fm_spec *spec, const char *const *argv);
/* A C function (fanmill/kernel.h) of a shared object, or a built-in one with library NULL. `args`:
 * name, value, name, value, ..., NULL; or NULL. */
int fm_spec_kernel(struct fm_spec *spec, const char *library, const char *function,
                   const char *const *args);
enum fm_order {
    FM_ORDER_INPUT = 0,     /* results in the order of their chunks */
    FM_ORDER_COMPLETION = 1 /* as they are ready */
};
int fm_spec_order(struct fm_spec *spec, enum fm_order order);
/* Runs after the first for a chunk that failed. */
int fm_spec_retries(struct fm_spec *spec, uint32_t retries);
/* Seconds, for one run of one stage; 0 none. */
int fm_spec_timeout(struct fm_spec *spec, double seconds);

struct fm_submit_options {
    size_t size;    /* sizeof(struct fm_submit_options): newer fields are 0 for older programs */
    int detached;   /* goes on when this client is gone; its results are kept */
    int partial;    /* parts that running chunks emit are results of their own, as they come */
    double timeout; /* seconds for the whole job; 0 none */
    const char *const *params; /* "name=value", ..., NULL: parameters of a YAML job; or NULL */
};

/* Submit a job and wait for the coordinator to take it. *ret_job is the caller's: fm_job_free. The
 * source of a YAML job is read by this program, unless it is detached: then by the coordinator. */
int fm_submit(struct fm_client *client, const struct fm_spec *spec,
              const struct fm_submit_options *options, struct fm_job **ret_job);
int fm_submit_file(struct fm_client *client, const char *path, struct fm_job **ret_job);
/* `directory`: where relative paths in the text begin; NULL: the current one. */
int fm_submit_yaml(struct fm_client *client, const char *text, const char *directory,
                   const struct fm_submit_options *options, struct fm_job **ret_job);
/* A detached job of before, by its number. Does not ask whether it is there. */
int fm_job_open(struct fm_client *client, uint64_t id, struct fm_job **ret_job);
uint64_t fm_job_id(const struct fm_job *job);
/* Ends it if it is not detached; its stream must be closed. Accepts NULL. */
void fm_job_free(struct fm_job *job);

/* Pushes an item. Waits while as many are on their way as the job can use. 0; -EPIPE after
 * fm_push_end or when the job has ended. */
int fm_push(struct fm_job *job, const void *item, size_t size);
/* -EAGAIN instead of waiting. */
int fm_try_push(struct fm_job *job, const void *item, size_t size);
/* No more items: the job ends when all have been worked on. */
int fm_push_end(struct fm_job *job);

enum fm_cancel {
    FM_CANCEL_QUEUED = 1, /* what runs comes to its end */
    FM_CANCEL_TERM = 2,   /* what runs gets TERM, 5 s later KILL */
    FM_CANCEL_KILL = 3
};
int fm_job_cancel(struct fm_job *job, enum fm_cancel how);

enum fm_job_end {
    FM_JOB_RUNNING = 0,
    FM_JOB_COMPLETE, /* every chunk came to its end, well or not */
    FM_JOB_CANCELLED,
    FM_JOB_FAILURES,     /* more failed than the job allows */
    FM_JOB_NOT_RUNNABLE, /* its command can't be run anywhere */
    FM_JOB_SOURCE,       /* its source broke */
    FM_JOB_BROKEN,       /* a fault of the coordinator */
    FM_JOB_TIMEOUT
};
struct fm_job_status {
    uint64_t chunks, ok, failed, cancelled, unrun, retries, running;
    enum fm_job_end end;
    double seconds; /* from submission to the end, or to now */
    char text[512]; /* the first failure, for people; "" none */
};
/* Asks the coordinator. Waits. */
int fm_job_status(struct fm_job *job, struct fm_job_status *ret);

/* ---- streams -----------------------------------------------------------------------------------
 */

enum fm_outcome {
    FM_OK = 0,
    FM_EXIT,         /* the command ended with a code that is not 0 */
    FM_SIGNAL,       /* it was ended by a signal */
    FM_TIMEOUT,      /* its stage's timeout passed */
    FM_CRASH,        /* its executor or worker died, too often */
    FM_KERNEL,       /* the kernel returned failure */
    FM_INPUT,        /* its input could not be read */
    FM_NOT_FOUND,    /* no such command, library or symbol */
    FM_NOT_RUNNABLE, /* it could not be started */
    FM_LIMIT,        /* a named limit was passed */
    FM_CANCELLED
};

/* What one chunk gave. Everything in it is borrowed until the next call for the stream. */
struct fm_result {
    const void *data; // of a failed command: what it wrote until then
    size_t size;
    uint64_t offset;  /* place in the stream, dense from 0, the same after any reconnect */
    uint64_t chunk;   /* number of the chunk in its step */
    uint32_t attempt; /* the run that gave it, from 1 */
    int partial;      /* a part of a chunk that still runs (fm_submit_options.partial) */
    enum fm_outcome outcome;
    int code;           /* exit status, signal, or negative errno */
    const char *error;  /* words, NULL when all is well */
    const char *errors; /* the end of its standard error; "" none */
    const void *item;   /* the chunk's item when it has exactly one; NULL */
    size_t item_size;
    const char *worker;
    double seconds;                /* run time */
    uint64_t max_rss;              /* bytes; 0: not known */
    void *user;                    /* what an operator's function put here (fm_map) */
    const struct fm_result *group; /* of fm_chunks and fm_zip: the results it is made of */
    size_t n_group;
};

struct fm_stream_options {
    size_t size;           /* sizeof(struct fm_stream_options) */
    uint64_t from;         /* offset to begin with */
    uint64_t window_items; /* results on their way or here, not taken; 0: 1024 */
    uint64_t window_bytes; /* 0: 64 MiB */
    int stop_on_error;     /* the first failure ends the stream with -EREMOTEIO, behind all results
                              before it; fm_error() says why it failed */
};

/* The job's results. Sends the subscription and nothing else. NULL: no memory; fm_error().
 * The stream is the caller's: fm_stream_close, before the job is freed. */
#define fm_results(job, options) fm_results_at(job, options, __FILE__, __LINE__)
struct fm_stream *fm_results_at(struct fm_job *job, const struct fm_stream_options *options,
                                const char *file, int line);

/* 1 with a result, 0 at the end, or a negative errno, which stays (but -ETIMEDOUT). Waits. */
int fm_next(struct fm_stream *stream, struct fm_result *ret);
/* At most so many seconds: then -ETIMEDOUT, and the result comes at a later call. 0: does not wait.
 */
int fm_next_within(struct fm_stream *stream, double seconds, struct fm_result *ret);
/* Waits for one result, then takes what is there: up to `max`. Returns how many, 0 at the end. All
 * are borrowed until the next call for the stream. */
int fm_next_batch(struct fm_stream *stream, struct fm_result *ret, size_t max);
/* A descriptor that is readable while fm_next_within(stream, 0, ...) would have something to say:
 * for poll, epoll and foreign event loops. Read until -ETIMEDOUT, then wait for it again. The
 * stream's; do not read, write or close it. */
int fm_stream_fd(struct fm_stream *stream);
/* Ends the stream and, unless the job is detached or has ended, the job: what is queued is dropped,
 * what runs gets TERM and later KILL; returns when nothing of it runs any more, or after 30 s.
 * Closes the inputs of operators too. Accepts NULL. 0 or negative errno; the stream is freed. */
int fm_stream_close(struct fm_stream *stream);
int fm_stream_close_how(struct fm_stream *stream, enum fm_cancel how, double seconds);

/* FM_STREAM_SCOPE struct fm_stream *s = fm_results(job, NULL); closes it when `s` leaves its scope,
 * however it is left (GCC, Clang). */
#if defined(__GNUC__)
#define FM_STREAM_SCOPE __attribute__((cleanup(fm_stream_close_ptr)))
#endif
void fm_stream_close_ptr(struct fm_stream **stream);

/* ---- operators: pull-driven, in the caller's thread, without threads and copies. Each owns its
 * inputs and closes them; each passes NULL through, so that a chain needs one check. -------------
 */

/* Calls fn with each result, which it may change in place; < 0 ends the stream with that error. */
typedef int fm_map_fn(struct fm_result *result, void *arg);
struct fm_stream *fm_map(struct fm_stream *in, fm_map_fn *fn, void *arg);
/* Keeps results for which keep() is not 0. */
struct fm_stream *fm_filter(struct fm_stream *in, int (*keep)(const struct fm_result *, void *),
                            void *arg);
/* The first n; the input is closed, and its job ends, as soon as they were given. */
struct fm_stream *fm_take(struct fm_stream *in, uint64_t n);
/* n results as one `group`; the last may be of fewer. */
struct fm_stream *fm_chunks(struct fm_stream *in, size_t n);
/* One result of each input as one `group`; ends with the shortest. `strict`: -EILSEQ if another
 * goes on. */
struct fm_stream *fm_zip(struct fm_stream *const *ins, size_t n, int strict);
/* All inputs' results as they come. An error of one ends it, behind all results before it. */
struct fm_stream *fm_merge(struct fm_stream *const *ins, size_t n);
/* Each next() takes at most so long: then -ETIMEDOUT, and the stream can be asked again. */
struct fm_stream *fm_within(struct fm_stream *in, double seconds);
/* Runs each result's bytes as an item through `spec`, on workers: a parallel map, ordered or not as
 * the spec's order says. At most `limit` are on their way at a time. `client` for the new job. */
struct fm_stream *fm_pmap(struct fm_stream *in, struct fm_client *client,
                          const struct fm_spec *spec, size_t limit);
/* Folds the stream into one value: fn(into, result, arg) for each; closes it. 0 or the error. */
int fm_reduce(struct fm_stream *in, int (*fn)(void *into, const struct fm_result *, void *arg),
              void *into, void *arg);

#ifdef __cplusplus
}
#endif
#endif
