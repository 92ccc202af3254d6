// The plan: a checked job file turned into what the machinery needs. The core knows its steps, a
// worker gets one packed step at a time, sources and sinks read their own part. A plan is immutable
// once built, and borrowed from its job.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/err.h"
#include "pipelines/input/range.h"
#include "pipelines/input/row.h"
#include "pipelines/input/separator.h"

#define PLAN_NAME_MAX 63  // letters of a job's or stage's name
#define PLAN_LABEL_MAX 31 // letters of a label
#define PLAN_STEPS_MAX 32
#define PLAN_PRIORITY_MAX 1000
#define PLAN_STAGES_MAX 32              // in one step
#define PLAN_ARGS_MAX 4096              // words of one argv, names of one map
#define PLAN_LABELS_MAX 16              // of a step
#define PLAN_LEFTOVERS_NS 10000000000ll // that what a program left running may go on
#define PLAN_BATCH_ITEMS 1000           // of a batch command, when no chunk rule says how many
#define PLAN_NICE_MAX 19                // what a program may yield
#define PLAN_FAN_IN_ALL 0               // step.fan_in: one chunk takes everything
#define PLAN_PACKED_MAX (3u << 20)      // a step; the values of a matrix are the most of it
#define PLAN_WHOLE_MAX (16u << 20)

enum stage_kind { STAGE_COMMAND, STAGE_PIPE, STAGE_KERNEL };
enum order { ORDER_INPUT, ORDER_COMPLETION };
enum until { UNTIL_ALL, UNTIL_OK, UNTIL_DONE, UNTIL_FAILED };
enum on_error { ON_ERROR_CONTINUE, ON_ERROR_FINISH, ON_ERROR_STOP };
// PUSH: a program supplies the items as they arise; not in job files.
enum source_kind {
    SOURCE_FILES,
    SOURCE_ITEMS,
    SOURCE_LINES,
    SOURCE_RANGE,
    SOURCE_DATA,
    SOURCE_PUSH,
    SOURCE_CSV,
    SOURCE_MATRIX,
};
// What becomes of processes that outlive the program that started them.
enum leftovers { LEFTOVERS_WAIT, LEFTOVERS_KILL, LEFTOVERS_KEEP, LEFTOVERS_KEEP_FOREVER };
enum chunk_rule { CHUNK_AUTO, CHUNK_ITEMS, CHUNK_BYTES, CHUNK_LINES, CHUNK_PARTS };
enum sink_kind { SINK_STDOUT, SINK_FILE, SINK_DIR, SINK_NONE };
enum sink_format { FORMAT_RAW, FORMAT_JSON };
enum if_exists { EXISTS_OVERWRITE, EXISTS_ERROR, EXISTS_APPEND, EXISTS_SKIP };

struct plan_pair {
    char *name;
    char *value;
};

struct stage {
    enum stage_kind kind;
    char *name;     // NULL: unnamed
    bool is_script; // command, pipe: words[0] is a shell script; else words are an argv
    char **words;   // as written, with placeholders; NULL-terminated; n_words of them
    size_t n_words;
    char **shell;          // argv prefix for a script, NULL-terminated; default /bin/sh -c
    char *workdir;         // with placeholders; NULL: the job's directory
    struct plan_pair *env; // added to the job's
    size_t n_env;
    char *library;                // kernel: absolute path of the .so; NULL: built in
    uint8_t digest[DIGEST_BYTES]; // of the library; all zero: it is not sent to machines without it
    char *library_at;       // where this machine has it, if not at `library`; of an unpacked step
    char *function;         // kernel: symbol or built-in name
    struct plan_pair *args; // kernel: name -> value, with placeholders of params already filled in
    size_t n_args;
    uint32_t nice;      // added to the niceness of its programs, 0..19
    bool stdin_is_file; // pipe: its standard input can be read from any place, and again
    bool is_batch;      // command: one run for as many items of the chunk as fit
    bool has_tag;       // command: each line of its output is prefixed with the item and a tab
    int64_t timeout_ns; // per run of the stage for one item (command) or chunk; 0: none
    enum leftovers leftovers;  // command, pipe
    int64_t leftovers_wait_ns; // of WAIT
};

struct retry_policy {
    uint32_t limit;   // after the first run
    int64_t delay_ns; // before the first retry
    double backoff;   // factor per further retry
    int64_t max_delay_ns;
};

// When a worker begins chunks of a step, beside having room. 0 each: no matter.
struct throttle {
    int64_t delay_ns;       // between two beginnings on one worker
    uint32_t load;          // none while so many processes of the machine run, or more
    uint32_t load_percent;  // the same, of its CPUs
    uint64_t memfree_bytes; // none while less memory is available
};

static inline bool throttle_is_set(const struct throttle *t)
{
    return t->delay_ns || t->load || t->load_percent || t->memfree_bytes;
}

struct chunking {
    enum chunk_rule rule;
    uint64_t n; // items, bytes, lines or parts; 0 for CHUNK_AUTO
};

// Stages that run one after another on one executor, with a chunk numbering of their own.
struct step {
    struct stage *stages;
    size_t n_stages;
    struct chunking chunking; // how this step's input is cut; of step 0 the source does it
    bool is_reduce;           // feeds itself until one result is left
    uint32_t fan_in;          // reduce: inputs of one run, >= 2, or PLAN_FAN_IN_ALL
    struct retry_policy retry;
    struct throttle throttle;
    uint32_t timeout_percent; // of the median time of its chunks, for one that runs; 0: none
    int64_t time_ns;       // what a chunk needs at most, for workers whose time ends; 0: not known
    double cpus;           // of one running chunk; 1
    uint64_t memory_bytes; // 0: not limited
    double gpus;
    struct plan_label {
        char *name;
        double amount;
    } * labels; // that a worker must have; n_labels of them
    size_t n_labels;
};

struct matrix;

struct source {
    enum source_kind kind;
    // files, data: patterns or paths; items: the items; lines, csv: paths, "-" is stdin
    char **texts;
    size_t n_texts;
    struct range range;
    struct separator_rule separator; // data: where its records end
    uint8_t delimiter;               // lines, and csv with ROW_SPLIT: '\n' or '\0'
    bool keeps_cr;                   // a CR before the newline belongs to the line
    struct row_rule rows;            // items, lines, csv: how an item is split
    struct matrix *matrix;           // matrix: sealed (pipelines/input/matrix.h)
    // csv: texts[0], a pipe whose header was read, so that it is opened once; owned by the plan. 0:
    // none. Not packed.
    int opened;
};

struct sink {
    enum sink_kind kind;
    enum sink_format format;
    enum if_exists if_exists;
    char *path; // file, dir
    char *name; // dir: name template of a chunk's file
    // Raw: what failed commands wrote is written, too, for one-liners; not in job files.
    bool failed_too;
    bool folders; // dir: a result is a folder with stdout, stderr and seq
    bool lists;   // dir: names of files are printed, for one-liners; not in job files
};

struct plan {
    char *name;      // [a-z0-9_-]{1,63}
    char *directory; // absolute; relative paths of the job mean this, and commands start here
    struct plan_pair *params; // name -> value, after -p
    size_t n_params;
    struct plan_pair *env;
    size_t n_env;
    struct source source;
    struct step *steps; // in order; the reduce step, if any, is the last
    size_t n_steps;
    struct sink sink;
    enum order order;
    enum on_error on_error;
    uint64_t max_failures;    // the job ends when more chunks have failed; UINT64_MAX: no limit
    uint32_t max_failures_bp; // hundredths of a percent of all chunks; 0: not given as a share
    // The job ends once so many chunks are ok, done or failed: n, or hundredths of a percent of all
    // chunks if n is 0.
    struct {
        enum until what;
        uint64_t n;
        uint32_t bp;
        bool stops; // what runs then is ended
    } until;
    uint32_t crash_limit; // executor or worker losses blamed on one chunk before it fails
    int32_t priority;     // within +-PLAN_PRIORITY_MAX; higher ones first
    uint32_t parallelism; // chunks of this job that may run at once; 0: all slots
    bool is_oneliner;     // its mistakes are told in flags' words; not packed
    const char *const
        *fences; // pipelines/fence.h; real paths, NULL at the end. Borrowed, not packed
    bool
        partial; // what kernels of the last stage emit is sent at once; of the job, not of its file
};

// Frees the plan and all it owns. Accepts NULL and half-built plans. Returns NULL.
struct plan *plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free)
// Frees what a source owns that no plan has taken over.
void plan_source_done(struct source *source);

// The stages of all steps, one after another, from 0; NULL after the last.
const struct stage *plan_stage(const struct plan *plan, uint64_t number);
// Whether a stage of the plan has a library of this digest: then its path, else NULL.
const char *plan_library(const struct plan *plan, const uint8_t digest[DIGEST_BYTES]);

// What a worker needs of one step: its stages, the job's name, directory, params and env, and the
// range when the source is one. `library_at`: where this machine has the library of each stage,
// NULL for one that is where its stage says; NULL: none elsewhere. msgpack, at most PLAN_PACKED_MAX
// bytes. -ENOBUFS when it is more.
int plan_pack_step(const struct plan *plan, size_t step, char *const *library_at, struct buf *out);

// The whole plan, as a client submits it. msgpack, at most PLAN_WHOLE_MAX bytes; -ENOBUFS.
int plan_pack(const struct plan *plan, struct buf *out);
// The coordinator's side: bounded and checked as plan_unpack_step. `partial` comes with the
// job, not with its plan. -EPROTO with text.
int plan_unpack(const void *data, size_t len, bool partial, struct plan **ret, struct err *err);

// The worker's side: a plan that holds name, directory, params, env, source.range and exactly
// one step. Everything is bounded and checked, because the bytes come from a peer. -EPROTO with
// text.
int plan_unpack_step(const void *data, size_t len, struct plan **ret, struct err *err);

// Rules that both the loader and the reader of packed plans apply. True for [a-z0-9_-]{1,63}.
bool plan_name_ok(const char *name);
// True for [a-z0-9_-]{1,31}.
bool plan_label_ok(const char *name);

// Whether {} and its forms mean something in the stage's words and workdir. The loader and the
// worker compile templates by it.
static inline bool stage_has_item(const struct stage *stage)
{
    return stage->kind == STAGE_COMMAND;
}
