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
 * Conventions. Functions return 0 or more, or a negative errno; fm_error() explains it. What the
 * caller owns has a function ending in _free or _close. Pointers in results are borrowed until the
 * next call for the same stream. Times are in seconds. A client and everything made from it belong
 * to one thread at a time; the library starts no threads but ZeroMQ's, and runs nothing at exit or
 * in signal handlers. Functions described as waiting block the calling thread.
 *
 * The contract of streams is in docs/guide/streams.md, whose S1 to S15 name their tests.
 */
#ifndef FANMILL_CLIENT_H
#define FANMILL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this interface: grows as functions are added, whose meaning never changes. */
#define FM_CLIENT_VERSION 1

#define FM_FOREVER (-1.0)

struct fm_client;
struct fm_job;
struct fm_stream;
struct fm_spec;

/* ---- errors ------------------------------------------------------------------------------------
 * In addition to what errno says:
 *   -EHOSTDOWN     no coordinator answers, or it has been silent for 15 s
 *   -ECONNRESET    the coordinator restarted, and its jobs are lost
 *   -ECONNREFUSED  the coordinator refuses this peer (its key, its version)
 *   -ETIMEDOUT     the deadline of this call passed; nothing is lost, call again
 *   -ECANCELED     the stream was closed
 *   -ESTALE        the results asked for are no longer kept
 *   -EBUSY         the stream already has a consumer
 *   -EINVAL        an invalid job; fm_error() names the line and column
 *   -EREMOTEIO     a chunk failed (fm_stream_options.stop_on_error)
 */

/* Explains the last failure in this thread; never NULL. Valid until the thread's next call. */
const char *fm_error(void);
/* Version of the library in use, such as "0.1.0". */
const char *fm_version(void);

/* ---- client ------------------------------------------------------------------------------------
 */

/* Connects. `where`: an access file (fanmill invite), a coordinator's state folder, or NULL for
 * FANMILL_CONNECT, or else the one running on this machine. Waits at most 15 s for an answer.
 * *ret_client is the caller's: fm_disconnect. */
int fm_connect(const char *where, struct fm_client **ret_client);
/* Ends jobs that are not detached, and the connection. Streams that are still open are closed and
 * reported on stderr with the line that opened them. Accepts NULL. */
void fm_disconnect(struct fm_client *client);

/* ---- jobs --------------------------------------------------------------------------------------
 */

/* A job built by function calls. The spec is the caller's; fm_submit copies what it needs. */
struct fm_spec *fm_spec_new(const char *name);
void fm_spec_free(struct fm_spec *spec);
/* On failure each returns -EINVAL or -ENOMEM and leaves the spec unchanged. */
/* Numbers first, first + step, ... `count` of them, as text. */
int fm_spec_range(struct fm_spec *spec, int64_t first, int64_t step, uint64_t count);
/* Items that the program pushes: fm_push, fm_push_end. The default. */
int fm_spec_push(struct fm_spec *spec);
/* Items in a chunk; 1 by default. */
int fm_spec_items_per_chunk(struct fm_spec *spec, uint64_t items);
/* Adds a stage: stages run one after another, each on the output of the one before. argv ends with
 * NULL; "{}" in a word is the item. */
int fm_spec_command(struct fm_spec *spec, const char *const *argv);
/* Adds a stage that gets the items on standard input, one a line. */
int fm_spec_pipe(struct fm_spec *spec, const char *const *argv);
/* Adds a stage: a C function (fanmill/kernel.h) in a shared object, or a built-in one if `library`
 * is NULL. `args`: name, value, name, value, ..., NULL; or NULL. */
int fm_spec_kernel(struct fm_spec *spec, const char *library, const char *function,
                   const char *const *args);
enum fm_order {
    FM_ORDER_INPUT = 0,     /* results in the order of their chunks */
    FM_ORDER_COMPLETION = 1 /* as chunks finish */
};
int fm_spec_order(struct fm_spec *spec, enum fm_order order);
/* How often to retry a failed chunk; 0 by default. */
int fm_spec_retries(struct fm_spec *spec, uint32_t retries);
/* Limit in seconds for one attempt of one stage; 0: none. */
int fm_spec_timeout(struct fm_spec *spec, double seconds);

struct fm_submit_options {
    size_t size;    /* sizeof(struct fm_submit_options): fields newer than the program are 0 */
    int detached;   /* the job outlives this client; its results are kept */
    int partial;    /* what running chunks emit comes at once, as results of its own */
    double timeout; /* seconds for the whole job; 0: no limit */
    const char *const *params; /* "name=value", ..., NULL: parameters of a YAML job; or NULL */
};

/* Submit a job and wait until the coordinator has accepted it. *ret_job is the caller's:
 * fm_job_free. The source of a YAML job is read by this program, that of a detached job by the
 * coordinator. */
int fm_submit(struct fm_client *client, const struct fm_spec *spec,
              const struct fm_submit_options *options, struct fm_job **ret_job);
int fm_submit_file(struct fm_client *client, const char *path, struct fm_job **ret_job);
/* Relative paths in the text start at `directory`; NULL: the current one. */
int fm_submit_yaml(struct fm_client *client, const char *text, const char *directory,
                   const struct fm_submit_options *options, struct fm_job **ret_job);
/* An existing detached job, by its number. Does not check that it exists. */
int fm_job_open(struct fm_client *client, uint64_t id, struct fm_job **ret_job);
uint64_t fm_job_id(const struct fm_job *job);
/* Ends it if it is not detached; its stream must be closed. Accepts NULL. */
void fm_job_free(struct fm_job *job);

/* Pushes an item. Waits while the job can take no more. 0; -EPIPE after fm_push_end or when the job
 * has ended. */
int fm_push(struct fm_job *job, const void *item, size_t size);
/* The same, but returns -EAGAIN instead of waiting. */
int fm_try_push(struct fm_job *job, const void *item, size_t size);
/* No more items: the job ends when all have been processed. */
int fm_push_end(struct fm_job *job);

enum fm_cancel {
    FM_CANCEL_QUEUED = 1, /* running chunks finish */
    FM_CANCEL_TERM = 2,   /* running chunks get TERM, 5 s later KILL */
    FM_CANCEL_KILL = 3    /* running chunks get KILL */
};
int fm_job_cancel(struct fm_job *job, enum fm_cancel how);

enum fm_job_end {
    FM_JOB_RUNNING = 0,
    FM_JOB_COMPLETE, /* every chunk finished, successfully or not */
    FM_JOB_CANCELLED,
    FM_JOB_FAILURES,     /* more chunks failed than the job allows */
    FM_JOB_NOT_RUNNABLE, /* its command can't be run anywhere */
    FM_JOB_SOURCE,       /* its source failed */
    FM_JOB_BROKEN,       /* a fault of the coordinator */
    FM_JOB_TIMEOUT,      /* fm_submit_options.timeout passed */
    FM_JOB_SINK,         /* its file or folder could not be written */
    FM_JOB_NEEDS,        /* a job that it needs did not end well; nothing of it ran */
    FM_JOB_ENOUGH        /* as many chunks have ended as `until` wants; others were not run */
};
struct fm_job_status {
    /* chunks of all steps that are known so far. running: at workers, also those not begun yet */
    uint64_t chunks, ok, failed, cancelled, unrun, retries, running;
    enum fm_job_end end;
    double seconds; /* from submission to the end, or to now */
    char text[512]; /* the first failure, for people; "": none */
};
/* Asks the coordinator. Waits. */
int fm_job_status(struct fm_job *job, struct fm_job_status *ret);

/* ---- streams -----------------------------------------------------------------------------------
 */

enum fm_outcome {
    FM_OK = 0,
    FM_EXIT,         /* the command ended with a status other than 0 */
    FM_SIGNAL,       /* a signal ended the command */
    FM_TIMEOUT,      /* its stage's timeout passed */
    FM_CRASH,        /* its executor or worker died too often */
    FM_KERNEL,       /* the kernel returned failure */
    FM_INPUT,        /* the input could not be read */
    FM_NOT_FOUND,    /* no such command, library or symbol */
    FM_NOT_RUNNABLE, /* the command could not be started */
    FM_LIMIT,        /* a limit was exceeded: docs/guide/limits.md */
    FM_CANCELLED
};

/* The result of one chunk. Everything in it is borrowed until the next call for the stream. */
struct fm_result {
    const void *data; /* of a failed command: what it wrote before it failed */
    size_t size;
    uint64_t offset;  /* place in the stream, dense from 0, the same after any reconnect */
    uint64_t chunk;   /* number of the chunk in its step */
    uint32_t attempt; /* the attempt that produced it, from 1 */
    int partial;      /* part of a chunk that is still running (fm_submit_options.partial) */
    enum fm_outcome outcome;
    int code;           /* exit status, signal, or negative errno */
    const char *error;  /* why it failed; NULL on success */
    const char *errors; /* its standard error; "": none */
    const void *item;   /* the chunk's item if it has exactly one, or NULL */
    size_t item_size;
    const char *worker;
    double seconds;                /* run time */
    uint64_t max_rss;              /* bytes; 0: unknown */
    void *user;                    /* for the program: set by a function given to fm_map */
    const struct fm_result *group; /* of fm_chunks and fm_zip: the results it consists of */
    size_t n_group;
};

struct fm_stream_options {
    size_t size;           /* sizeof(struct fm_stream_options) */
    uint64_t from;         /* offset to begin with */
    uint64_t window_items; /* results on their way or not taken yet; 0: 1024 */
    uint64_t window_bytes; /* 0: 64 MiB */
    int stop_on_error;     /* the first failure ends the stream with -EREMOTEIO, after all results
                              before it; fm_error() says why it failed */
};

/* The job's results. Sends the subscription and nothing else. NULL: out of memory; fm_error().
 * The stream is the caller's: fm_stream_close, before the job is freed. */
#define fm_results(job, options) fm_results_at(job, options, __FILE__, __LINE__)
struct fm_stream *fm_results_at(struct fm_job *job, const struct fm_stream_options *options,
                                const char *file, int line);

/* 1 with a result, 0 at the end, or a negative errno, which (except -ETIMEDOUT) stays. Waits. */
int fm_next(struct fm_stream *stream, struct fm_result *ret);
/* Waits at most `seconds`, then returns -ETIMEDOUT, and a later call gets the result. 0: does not
 * wait. */
int fm_next_within(struct fm_stream *stream, double seconds, struct fm_result *ret);
/* Waits for one result, then takes all that have arrived, up to `max`. Returns how many; 0 at the
 * end. All are borrowed until the next call for the stream. */
int fm_next_batch(struct fm_stream *stream, struct fm_result *ret, size_t max);
/* A descriptor that is readable while fm_next_within(stream, 0, ...) would return something other
 * than -ETIMEDOUT, and now and then because the connection wants its due: for poll, epoll and
 * foreign event loops. Call until -ETIMEDOUT, then wait for it again. It belongs to the stream: do
 * not read, write or close it. */
int fm_stream_fd(struct fm_stream *stream);
/* Ends the stream and, unless the job is detached or has ended, the job: queued chunks are dropped,
 * running ones get TERM and later KILL. Returns when nothing of the job runs any more, or after
 * 30 s. Closes the inputs of operators, too. Accepts NULL. 0 or negative errno; the stream is
 * freed. */
int fm_stream_close(struct fm_stream *stream);
int fm_stream_close_how(struct fm_stream *stream, enum fm_cancel how, double seconds);

/* FM_STREAM_SCOPE struct fm_stream *s = fm_results(job, NULL); closes it when `s` leaves its scope,
 * however it is left (GCC, Clang). */
#if defined(__GNUC__)
#define FM_STREAM_SCOPE __attribute__((cleanup(fm_stream_close_ptr)))
#endif
void fm_stream_close_ptr(struct fm_stream **stream);

/* ---- operators ---------------------------------------------------------------------------------
 * They pull, in the caller's thread, without threads or copies. Each owns its inputs and closes
 * them; each passes NULL through, so that a chain needs only one check. Functions of the program
 * run on the caller's stack, or on one of 1 MiB in the inputs of fm_merge and fm_pmap.
 */

/* Calls fn with each result, which it may change in place; if it returns < 0, the stream ends with
 * that error. */
typedef int fm_map_fn(struct fm_result *result, void *arg);
struct fm_stream *fm_map(struct fm_stream *in, fm_map_fn *fn, void *arg);
/* Keeps the results for which keep() returns other than 0. */
struct fm_stream *fm_filter(struct fm_stream *in, int (*keep)(const struct fm_result *, void *),
                            void *arg);
/* The first n results; then the input is closed, and its job ends. */
struct fm_stream *fm_take(struct fm_stream *in, uint64_t n);
/* n results as one `group`; the last group may be smaller. */
struct fm_stream *fm_chunks(struct fm_stream *in, size_t n);
/* One result of each input as one `group`; ends with the shortest. `strict`: -EILSEQ if another
 * input has more. */
struct fm_stream *fm_zip(struct fm_stream *const *ins, size_t n, int strict);
/* The results of all inputs as they come. An error of one ends it, after all results before it. */
struct fm_stream *fm_merge(struct fm_stream *const *ins, size_t n);
/* Each fm_next() waits at most `seconds`, then returns -ETIMEDOUT and can be called again. Has no
 * effect on an input of fm_merge or fm_pmap. */
struct fm_stream *fm_within(struct fm_stream *in, double seconds);
/* A parallel map: runs the bytes of each result as an item through `spec` on workers, in the order
 * that the spec states. At most `limit` items are on their way at once. `client` is for the new
 * job. */
struct fm_stream *fm_pmap(struct fm_stream *in, struct fm_client *client,
                          const struct fm_spec *spec, size_t limit);
/* Folds the stream into one value by fn(into, result, arg) and closes it. 0, or the error. */
int fm_reduce(struct fm_stream *in, int (*fn)(void *into, const struct fm_result *, void *arg),
              void *into, void *arg);

#ifdef __cplusplus
}
#endif
#endif
