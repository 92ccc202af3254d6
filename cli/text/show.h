// Rows about jobs and workers as tables for people or lines of JSON for programs.
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "proto/client.h"

const char *job_state_name(const struct job_info *job);
// "3s", "4m12s", "2h03m", "5d07h"
void show_duration(int64_t ns, char *ret, size_t size);
void show_jobs_head(FILE *out);
void show_job(FILE *out, const struct job_info *job);
// One object on a line: {"v":1,"id":5,...}
void show_job_json(FILE *out, const struct job_info *job);
void show_workers_head(FILE *out);
void show_worker(FILE *out, const struct worker_info *worker);
void show_worker_json(FILE *out, const struct worker_info *worker);
// A line of `explain`.
void show_line_json(FILE *out, const struct line_info *line);
// An object of texts; those that are NULL are left out.
struct show_word {
    const char *name;
    const char *text;
};
void show_words_json(FILE *out, const struct show_word *words, size_t n);
