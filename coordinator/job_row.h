// A job as a row: of INFO, and of END; and its running chunks.
#pragma once

struct core_running;
struct job_info;
struct running_info;
struct server_job;

void server_job_row(const struct server_job *job, struct job_info *ret);
void server_running_row(const struct server_job *job, const struct core_running *chunk,
                        struct running_info *ret);
