// What the files of the server share. Nobody outside coordinator/ includes this.
#pragma once
#include <stdbool.h>
#include <uthash.h>

#include "async/group.h"
#include "async/loop.h"
#include "coordinator/gate.h"
#include "coordinator/records.h"
#include "coordinator/server.h"
#include "coordinator/spool.h"
#include "proto/client.h"
#include "transport/zsock.h"

#define SERVER_MESSAGES_PER_TURN 256 // then other work of the loop has its turn
#define SERVER_LEASE_BODY (4u << 20) // a LEASE is sent when its payloads are so large
#define SERVER_STREAMS_MAX 1024u     // of one client
#define SERVER_JOBS_MAX 10000u       // that run or are kept; then ended ones go, oldest first
#define SERVER_REDO_MAX 65536u       // failed chunks of a job that are kept to run again
#define SERVER_REDO_BYTES (64u << 20)
#define SERVER_ENDPOINTS_MAX 8
#define SERVER_LIBRARIES_BYTES (256u << 20) // of kernels; those of no job go first

struct server;

// A socket and who may come through it.
struct port {
    struct server *server;
    struct zsock *socket;
    uint32_t number;
    bool is_private; // in a folder of ours, or of this process: its peers may everything
};

enum peer_state { PEER_NEW, PEER_WELCOMED, PEER_WORKING };

// A connection.
struct peer {
    struct port *port;
    uint32_t address; // of the ROUTER
    uint64_t place;   // port and address: what it is found by
    uint64_t worker;  // id in the core; new for each HELLO
    enum peer_state state;
    unsigned rights;           // enum right
    char user[PROTO_NAME_MAX]; // name of its key; "" private
    char key[KEY_TEXT];        // its own; "" private
    struct zconnection connection;
    uint8_t session[PROTO_SESSION_BYTES];
    char software[PROTO_NAME_MAX];
    struct msg_register reg;
    struct msg_heartbeat beat; // its last
    struct client *client;     // NULL: not one
    uint64_t results;
    int64_t came;
    int64_t last_sent;
    int64_t last_heard;
    bool draining;
    bool gone;         // dropped: freed when nobody iterates any more
    struct buf header; // of the LEASE being written
    struct buf body;
    struct batch_writer leases;
    bool leases_open;
    UT_hash_handle by_place;
    UT_hash_handle by_worker;
};

struct cut {
    struct zconnection connection;
    int64_t after;
};

// A program that submits and reads; it outlives a broken connection for a while.
struct client {
    struct server *server;
    uint8_t session[PROTO_SESSION_BYTES];
    struct peer *peer; // NULL: away
    int64_t away_until;
    unsigned rights;
    char user[PROTO_NAME_MAX];
    struct out_stream *streams;
    uint32_t n_streams;
    UT_hash_handle hh;
};

// A subscription to a job's records.
struct out_stream {
    struct out_stream *next;        // of the client's
    struct out_stream *next_reader; // of the job's
    struct out_stream *next_dirty;
    bool is_dirty;
    uint64_t id; // the client's number
    struct client *client;
    uint64_t job;
    uint64_t from;
    bool is_placed; // the record that it begins with is there
    struct record_cursor cursor;
    uint64_t taken;
    uint64_t offset_end;
    uint64_t bytes; // result bytes it may be sent since OPEN
    uint64_t sent_bytes;
    bool told_end; // CLOSE is awaited
    bool closing;  // CLOSE came: END comes when the job is over
};

// A failed chunk of the first step, as the source gave it.
struct redo {
    uint8_t kind; // enum run_kind
    uint64_t item_first;
    uint64_t items;
    uint64_t items_per_chunk;
    struct slice payload;
};

struct redo_list {
    struct redo *list;
    size_t n;
    size_t cap;
    uint64_t bytes;
    bool is_short; // more failed than are kept
};

struct server_job {
    struct server *server;
    uint64_t id;
    uint8_t key[PROTO_SESSION_BYTES];
    struct plan *plan; // owned
    uint32_t flags;    // enum submit_flag
    char owner[PROTO_NAME_MAX];
    struct client *client;        // that it belongs to; NULL: detached
    struct source_reader *source; // NULL: fed by the client, or by `again`
    struct job_records records;
    struct out_stream *readers; // at most one, unless the job is detached
    struct redo_list failed;
    struct redo_list again; // what this job runs once more
    size_t again_at;
    bool runs_again;
    struct waitq feeder;
    bool wanted;
    struct source_want want;
    bool want_open; // a WANT waits for its FEED
    uint64_t want_seq;
    uint64_t granted; // records of credit given to the core
    uint64_t granted_bytes;
    uint64_t delivered_bytes;
    bool discard; // nobody reads: records are dropped
    bool ended;
    bool timed_out;
    bool warned;      // that its records can't be written
    uint64_t full_at; // bytes of its spool when that happened; 0: never
    bool hopeless;    // told that a step of it can't run
    bool feeding;     // the feeder's task lives
    bool forgotten;   // freed when that task has ended
    bool broken;      // a record had no room
    struct task *feeder_task;
    struct timer timeout;
    uint64_t created_ms; // wall time
    int64_t began;
    int64_t took; // once ended
    struct job_summary summary;
    UT_hash_handle hh; // by id, in order of submission
    UT_hash_handle by_key;
};

struct server {
    struct core *core;
    struct spool *spool; // NULL: results wait in memory only
    bool spool_is_full;  // told
    struct port ports[2];
    uint32_t n_ports;
    struct gate *gate; // NULL: private
    struct server_options options;
    uint64_t epoch;
    uint64_t next_worker;
    uint64_t next_job;
    struct peer *by_place;
    struct peer *by_worker;
    struct buf cuts; // struct cut: connections that end when their last message is out
    struct client *clients;
    struct server_job *jobs;
    struct server_job *by_key;
    struct library *libraries;
    size_t library_bytes;
    struct out_stream *dirty;
    struct out_stream *dirty_next; // for the turn after this one
    struct actions actions;
    struct batch_reader reader;
    struct buf scratch;
    struct buf header; // of RECORDS
    struct buf body;
    struct prepare flush;
    struct timer tick;
    int64_t tick_at; // deadline the timer is set to
    struct timer heartbeat;
    int64_t wall_ns; // the wall's clock less the loop's, in this turn
    bool must_flush; // events since the last EV_FLUSH
    struct group feeders;
    struct server_counts counts;
};

// server.c
// Hands one event to the core and marks the turn as one with something to flush.
int server_event(struct server *server, const struct event *event);

// peers.c
void port_pump(void *arg);
void server_drop_peer(struct server *server, struct peer *peer, const char *reason);
struct peer *peer_of_worker(const struct server *server, uint64_t worker);
// Sends `server->scratch` as a header; forgets the peer when it is gone.
void peer_send(struct server *server, struct peer *peer);
// 0, or -EAGAIN: its queue is full and nothing was sent. Else the peer was dropped.
int peer_send_frames(struct server *server, struct peer *peer, const struct buf *header,
                     const struct buf *body);
void peer_free(struct server *server, struct peer *peer);
// The allow-list changed: who is not on it any more, or has another role, is cut off.
void peers_check_keys(struct server *server);
void peers_cut(struct server *server, int64_t now);
void peer_refuse(struct server *server, struct peer *peer, int code, const char *text);

// inbox.c: messages of workers
int worker_message(struct server *server, struct peer *peer, int type, const struct zmessage *m,
                   struct err *err);

// clients.c
int client_message(struct server *server, struct peer *peer, int type, const struct zmessage *m,
                   struct err *err);
// The session came back on a new connection.
struct client *client_find(struct server *server, const struct peer *peer);
void client_back(struct client *client, struct peer *peer);
void client_away(struct client *client);
// Ends its streams and the jobs that are its own.
void client_end(struct client *client);
void clients_check(struct server *server, int64_t now);

// streams.c
void stream_mark(struct out_stream *stream);
// Sends what the dirty streams may have. True when something was sent.
bool streams_send(struct server *server);
struct out_stream *stream_of(const struct client *client, uint64_t id);
int stream_on_open(struct client *client, const struct msg_open *m);
int stream_on_take(struct client *client, const struct msg_take *m);
int stream_on_close(struct client *client, const struct msg_close *m);
// Says END and forgets the stream.
void stream_end(struct out_stream *stream, int code);
void stream_forget(struct out_stream *stream);
// All of a client that is gone.
void streams_drop(struct client *client);

// rows.c
int rows_answer(struct client *client, const struct msg_query *m);
void job_row(const struct server_job *job, struct job_info *ret);
// Whether the range of ids of a request means the job: 0..0 is the last one.
bool job_is_meant(const struct server *server, const struct server_job *job, uint64_t first,
                  uint64_t last);

// libraries.c
// Keeps a library that a client sent; takes a count of its own.
int library_store(struct server *server, const uint8_t digest[DIGEST_BYTES],
                  const struct slice *bytes, struct err *err);
// Whether a library of the plan was not sent yet; the stage that it belongs to.
bool library_missing(struct server *server, const struct plan *plan, uint64_t *ret_stage);
// Answers a worker's NEED.
void library_send(struct server *server, struct peer *peer, const uint8_t digest[DIGEST_BYTES]);
void library_drop_all(struct server *server);

// outbox.c
// Carries out all actions and sends what was made. True when something was sent.
bool server_perform(struct server *server);

// feeder.c
int feeder_start(struct server_job *job);

// job.c
struct submission {
    struct plan *plan;            // taken over
    struct source_reader *source; // taken over; NULL: the client feeds, or `again`
    const struct msg_submit *message;
    struct client *client;
    struct redo_list *again; // taken over; NULL
};
// On failure all is freed.
int job_submitted(struct server *server, struct submission *s, struct server_job **ret,
                  struct err *err);
struct server_job *job_by_key(const struct server *server, const uint8_t *key);
struct server_job *server_job_find(const struct server *server, uint64_t id);
void job_record(struct server_job *job, struct delivery *delivery);
void job_ended(struct server_job *job, const struct job_summary *summary);
void job_wanted(struct server_job *job, const struct source_want *want);
// Gives the core the credit that the readers and the limits leave.
void job_grant(struct server_job *job);
// Nobody reads it any more: ends it, and it is forgotten when it is over.
void job_abandon(struct server_job *job, uint32_t mode);
void job_cancel(struct server_job *job, uint32_t mode);
void job_send_want(struct server_job *job);
void job_fetch(struct server_job *job, uint64_t chunk, const struct slice *extent);
int job_on_data(struct client *client, const struct zmessage *m, struct err *err);
int job_on_feed(struct client *client, const struct zmessage *m, struct err *err);
int job_on_feed_end(struct client *client, const struct zmessage *m, struct err *err);
// Logs when what it needs is on no worker.
void job_check_hope(struct server_job *job);
// The core must be through with it.
void job_forget(struct server_job *job);
void job_release(struct server_job *job);
int job_retry(struct client *client, struct server_job *job, bool failed_only, uint64_t *ret_id,
              struct err *err);
void redo_done(struct redo_list *list);
