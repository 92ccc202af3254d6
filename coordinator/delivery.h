// A job's records and its end, as the core gives them.
#pragma once

struct delivery;
struct job_summary;
struct server;
struct server_job;

// ACT_DELIVER: one more record for the job's readers. Borrows the delivery. The job may be
// cancelled if memory runs out.
void deliver_record(struct server_job *job, const struct delivery *d);
// ACT_JOB_END: its attendant gets END, the feeder stops; without a sink to wait for the job has
// ended. It may be forgotten.
void deliver_end(struct server_job *job, const struct job_summary *summary);
// Ends the jobs that are over and whose sink is settled. They may be forgotten.
void deliver_settled(struct server *server);
