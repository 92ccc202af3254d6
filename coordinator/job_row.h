// A job as a row: of INFO, and of END.
#pragma once

struct job_info;
struct server_job;

void server_job_row(const struct server_job *job, struct job_info *ret);
