// What the core wants more of goes to where the job's chunks come from.
#pragma once

struct server_job;
struct source_want;

// The core's wish, ACT_WANT. Chunks that run again are handed in at once.
void feeder_want(struct server_job *job, const struct source_want *want);
// Says WANT to the job's client, if it is there. After a reconnect the same once more.
void feeder_ask(struct server_job *job);
// Begins the task that reads the job's source. -ENOMEM.
int feeder_start(struct server_job *job);
// The job has ended: whoever feeds it stops.
void feeder_stop(struct server_job *job);
