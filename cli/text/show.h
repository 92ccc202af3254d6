// Rows about jobs and workers: words for people, lines of JSON for programs.
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "pipelines/json_writer.h"
#include "proto/client.h"

const char *job_state_name(const struct job_info *job);
// Why a job ended that its chunks are not to blame for: its source, its sink, the coordinator; or
// "".
const char *job_trouble(const struct job_info *job);
#define SHOW_DURATION_MAX 24u
// "0.04 s", "3.2 s", "4m12s": how long something took.
void show_elapsed(int64_t ns, char ret[SHOW_DURATION_MAX]);
// What the job as a whole waits for: "a worker", ...; NULL: nothing.
const char *job_wait_name(const struct job_info *job);
// "3s", "4m12s", "2h03m", "5d07h"
void show_duration(int64_t ns, char *ret, size_t size);
// "512", "15.6GiB"
void show_bytes(uint64_t bytes, char *ret, size_t size);

// The fields of an object that is open, "v" first.
void show_put_job(struct json_writer *w, const struct job_info *job);
void show_put_worker(struct json_writer *w, const struct worker_info *worker);
void show_put_running(struct json_writer *w, const struct running_info *running);
void show_put_line(struct json_writer *w, const struct line_info *line); // of `explain`

// A line of JSON on `out`: show_begin(), fields, show_end().
struct show_object {
    struct buf line;
    struct json_writer json;
};
// Begins it.
struct json_writer *show_begin(struct show_object *object);
// Ends it, writes it and frees it. A failed write sets the error indicator of `out`.
void show_end(struct show_object *object, FILE *out);
// {"v":1,"id":5}
void show_number(FILE *out, const char *name, uint64_t value);
