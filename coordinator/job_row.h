// A job as a row: of INFO, and of END; and its running chunks.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct core_running;
struct job_info;
struct running_info;
struct server_job;

void server_job_row(const struct server_job *job, struct job_info *ret);
void server_running_row(const struct server_job *job, const struct core_running *chunk,
                        struct running_info *ret);
// Bytes of records that may be kept of the job before it stalls.
uint64_t server_job_records_max(const struct server_job *job);
// Why it does not go on although there is work, or "".
void server_job_stall_words(const struct server_job *job, char *ret, size_t size);
