// Where a job's chunks come from: its client, its source, or the failed chunks of another job.
#pragma once

struct server_job;
struct source_want;

// ACT_WANT: the core is ready for more chunks. Those that run again are handed in at once.
void feeder_want(struct server_job *job, const struct source_want *want);
// Sends WANT to the job's client if it is connected; repeated unchanged after a reconnect.
void feeder_ask(struct server_job *job);
// Starts the task that reads the job's source. -ENOMEM.
int feeder_start(struct server_job *job);
// The job has ended: its task or its client stops feeding.
void feeder_stop(struct server_job *job);
