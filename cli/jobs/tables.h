// Jobs, workers and running chunks in tables for people, of any width.
#pragma once
#include "cli/text/table.h"
#include "proto/info.h"

// Each begins a table; a row is added by its function. table_print(), table_done().
void job_table_begin(struct table *table);
void job_table_add(struct table *table, const struct job_info *job);
void worker_table_begin(struct table *table);
void worker_table_add(struct table *table, const struct worker_info *worker);
// Of one job; else with a column that names each one's.
void running_table_begin(struct table *table, bool of_one_job);
void running_table_add(struct table *table, const struct running_info *running);

// How a worker is: "ready", "draining", "silent 4s", "stuck 10m00s".
#define WORKER_STATE_MAX 48u
void worker_state(const struct worker_info *worker, char ret[WORKER_STATE_MAX]);
// Nanoseconds since the job was submitted, by this machine's clock.
int64_t job_age(const struct job_info *job);
