// Where a job's chunks come from: its client, its attendant, a described source, or the failed
// chunks of another job.
#pragma once

struct client;
struct server_job;
struct source_want;

// ACT_WANT: the core is ready for more chunks. What is here is handed in at once.
void feeder_want(struct server_job *job, const struct source_want *want);
// The same again, once all that the job needs is open.
void feeder_go_on(struct server_job *job);
// Sends WANT to whoever feeds the job, if connected; repeated unchanged after a reconnect.
void feeder_ask(struct server_job *job);
// The job has ended: whoever feeds it stops.
void feeder_stop(struct server_job *job);
// Who answers WANT and FETCH; NULL: nobody, or not here now.
struct client *feeder_of(const struct server_job *job);
