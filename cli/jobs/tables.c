#include "cli/jobs/tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "cli/text/show.h"
#include "proto/limits.h"

#define SILENT_NS (3 * NS_PER_S) // a worker says something each second
#define STUCK_NS (60 * NS_PER_S) // it has chunks and none of them begins or ends

#define N(list) (sizeof(list) / sizeof(list[0]))

static const struct table_column job_columns[] = {
    {"JOB", true, 0, 0},      {"NAME", false, 0, 6},    {"STATE", false, 0, 7},
    {"CHUNKS", true, 2, 0},   {"OK", true, 3, 0},       {"FAILED", true, 1, 0},
    {"RUNNING", true, 4, 0},  {"WAITING", true, 6, 0},  {"LEASED", true, 9, 0},
    {"NOT RUN", true, 10, 0}, {"USER", false, 7, 6},    {"TIME", true, 5, 0},
    {"AGE", true, 8, 0},      {"PRIORITY", true, 11, 0}};
static const struct table_column worker_columns[] = {
    {"WORKER", true, 5, 0}, {"NAME", false, 0, 8}, {"STATE", false, 0, 6}, {"SLOTS", true, 0, 0},
    {"LEASED", true, 6, 0}, {"DONE", true, 2, 0},  {"MEMORY", true, 4, 0}, {"HOST", false, 7, 8},
    {"UP", true, 3, 0},     {"SEEN", true, 8, 0},  {"ENDS", true, 1, 0},   {"KEY", false, 10, 6},
    {"HAS", false, 9, 12}};
// CHUNK to RUNS are those of one job.
static const struct table_column running_columns[] = {
    {"JOB", true, 0, 0},   {"CHUNK", true, 0, 0},   {"STEP", true, 2, 0}, {"WORKER", false, 0, 6},
    {"SINCE", true, 0, 0}, {"ATTEMPT", true, 1, 0}, {"RUNS", false, 0, 8}};

int64_t job_age(const struct job_info *job)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
    int64_t created = (int64_t)job->created_ms * NS_PER_MS;
    return ns > created ? ns - created : 0;
}

void job_table_begin(struct table *table)
{
    table_begin(table, job_columns, N(job_columns));
}

// Empty where it says nothing.
static void unless_zero(struct table *table, uint64_t n)
{
    if (n)
        table_cell(table, "%" PRIu64, n);
    else
        table_cell(table, "%s", "");
}

static void duration(struct table *table, int64_t ns)
{
    char text[SHOW_DURATION_MAX];
    show_duration(ns, text, sizeof(text));
    table_cell(table, "%s", text);
}

void job_table_add(struct table *table, const struct job_info *job)
{
    bool more = job->total == UINT64_MAX || job->total > job->chunks;
    table_cell(table, "%" PRIu64, job->id);
    table_cell(table, "%s", job->name);
    table_cell(table, "%s", job_state_name(job));
    if (job->total == UINT64_MAX)
        table_cell(table, "%" PRIu64 "%s", job->chunks, more ? "+" : "");
    else
        table_cell(table, "%" PRIu64, job->total);
    table_cell(table, "%" PRIu64, job->ok);
    table_cell(table, "%" PRIu64, job->failed);
    table_cell(table, "%" PRIu64, job->running);
    // Those that are not cut yet wait, too.
    table_cell(table, "%" PRIu64,
               job->waiting + (job->total != UINT64_MAX && more ? job->total - job->chunks : 0));
    unless_zero(table, job->leased);
    unless_zero(table, job->cancelled + job->unrun);
    table_cell(table, "%s", job->owner);
    duration(table, job->age_ns);
    duration(table, job_age(job));
    if (job->priority)
        table_cell(table, "%d", job->priority);
    else
        table_cell(table, "%s", "");
}

void worker_table_begin(struct table *table)
{
    table_begin(table, worker_columns, N(worker_columns));
}

void worker_state(const struct worker_info *worker, char ret[WORKER_STATE_MAX])
{
    char time[SHOW_DURATION_MAX];
    const char *word = worker->draining ? "draining" : "ready";
    if (worker->silent_ns >= SILENT_NS || worker->idle_ns >= STUCK_NS) {
        bool is_silent = worker->silent_ns >= SILENT_NS;
        show_duration(is_silent ? worker->silent_ns : worker->idle_ns, time, sizeof(time));
        snprintf(ret, WORKER_STATE_MAX, "%s %s", is_silent ? "silent" : "stuck", time);
    } else {
        snprintf(ret, WORKER_STATE_MAX, "%s", word);
    }
}

void worker_table_add(struct table *table, const struct worker_info *worker)
{
    char state[WORKER_STATE_MAX], memory[SHOW_DURATION_MAX];
    worker_state(worker, state);
    show_bytes(worker->memory_bytes, memory, sizeof(memory));
    table_cell(table, "%" PRIu64, worker->id);
    table_cell(table, "%s", worker->name);
    table_cell(table, "%s", state);
    table_cell(table, "%" PRIu64 "/%u", worker->running, worker->slots);
    table_cell(table, "%" PRIu64, worker->leased);
    table_cell(table, "%" PRIu64, worker->done);
    table_cell(table, "%s", memory);
    table_cell(table, "%s", worker->host);
    duration(table, worker->up_ns);
    duration(table, worker->silent_ns);
    if (worker->ends_in_ns > 0)
        duration(table, worker->ends_in_ns);
    else
        table_cell(table, "%s", "");
    table_cell(table, "%s", worker->user);
    table_cell(table, "%s", worker->resources);
}

void running_table_begin(struct table *table, bool of_one_job)
{
    table_begin(table, running_columns + of_one_job, N(running_columns) - of_one_job);
}

void running_table_add(struct table *table, const struct running_info *running)
{
    if (table->columns == running_columns)
        table_cell(table, "%" PRIu64, running->job);
    table_cell(table, "%" PRIu64, running->chunk + 1);
    table_cell(table, "%u", running->step + 1);
    table_cell(table, "%s", running->name);
    duration(table, running->age_ns);
    table_cell(table, "%u", running->attempt);
    table_cell(table, "%s", running->text);
}
