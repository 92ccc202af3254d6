// A core in hand: events by short calls, what came out as lists, invariants checked after each.
#pragma once
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "coordinator/core/core.h"

#define RIG_EPOCH 7
#define RIG_JOB 1

struct rig_lease {
    uint64_t job;
    uint64_t worker;
    uint32_t step;
    uint32_t attempt;
    uint64_t chunk;
    bool over; // answered, returned or lost
};

#define RIG_RECALLS 64
struct rig_recall {
    uint64_t worker, job, chunk;
};

struct rig {
    struct core *core;
    struct actions actions;
    int64_t now;
    struct plan plan;
    struct step steps[3];
    struct stage stages[3];
    // The source: numbers, one a chunk, fed as far as the core wants.
    uint64_t total;
    uint64_t fed;
    bool fed_end;
    bool holds_back; // nothing is fed by itself
    // What came out.
    struct rig_lease *leases;
    size_t n_leases;
    struct delivery *records;
    size_t n_records;
    uint64_t acked[8]; // by worker
    size_t n_lease_actions;
    size_t n_cancels;
    enum cancel_mode cancel_mode;
    size_t n_steps_sent;
    size_t n_forgets;
    unsigned n_discarded; // chunks
    size_t n_drops;
    size_t n_asides;
    uint64_t aside_worker; // of the last
    int64_t aside_ns;
    size_t n_recalls;
    struct rig_recall recalls[RIG_RECALLS]; // the last ones
    size_t n_fetches;
    uint64_t fetch_chunk; // of the last
    bool ended;
    struct job_summary summary;
    uint64_t seq[8];
    uint64_t most_in_memory; // chunks wanted beyond what was delivered, at most
};

// A job of one kernel step over `total` numbers, in input order, not submitted yet.
void rig_open(struct rig *rig, uint64_t total, const struct core_options *options);
void rig_close(struct rig *rig);
// Hands one event in, then EV_FLUSH until nothing more comes. Expects `code`.
void rig_event(struct rig *rig, struct event event, int code);
void rig_submit(struct rig *rig);
void rig_worker(struct rig *rig, uint64_t id, uint32_t slots, uint32_t window);
void rig_credit(struct rig *rig, uint64_t id, uint32_t window);
void rig_stream(struct rig *rig, uint64_t items);
// Worker 1, the job, and a consumer ready for `items`: what most tests begin with.
void rig_begin(struct rig *rig, uint32_t slots, uint32_t window, uint64_t items);
// One chunk that is a part of a file. With `holds_back`.
void rig_feed_extent(struct rig *rig, const char *extent);
void rig_tick(struct rig *rig, int64_t now);
void rig_down(struct rig *rig, uint64_t id);
void rig_cancel(struct rig *rig, enum cancel_mode mode);
// Answers a lease; the bytes are the chunk's number.
void rig_answer(struct rig *rig, size_t lease, enum outcome outcome, int code);
void rig_answer_text(struct rig *rig, size_t lease, enum outcome outcome, int code,
                     const char *text);
// A part of its result; the chunk runs on.
void rig_part(struct rig *rig, size_t lease, const char *text);
void rig_return(struct rig *rig, size_t lease);
// The first open lease of a chunk, or of any; SIZE_MAX: none.
size_t rig_find(const struct rig *rig, uint32_t step, uint64_t chunk);
size_t rig_any(const struct rig *rig);
size_t rig_open_leases(const struct rig *rig, uint64_t worker);
// Answers everything well until nothing is leased any more.
void rig_run(struct rig *rig);
// All reasons of core_explain(), one a line.
void rig_explain(const struct rig *rig, char *ret, size_t size);
// The bytes of a record as text. Valid until the next call.
const char *rig_text(const struct rig *rig, size_t record);
