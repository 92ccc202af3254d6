// What `fanmill top` shows, as lines of a screen: workers first, then jobs that have not ended,
// then those that ended badly, then the others. Pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "proto/info.h"

enum picture_part { PICTURE_WORKERS, PICTURE_LIVE, PICTURE_BAD, PICTURE_DONE, PICTURE_PARTS };
enum picture_sort {
    SORT_NEWEST,
    SORT_FAILED,
    SORT_RUNNING,
    SORT_TIME,
    SORT_NAME,
    SORT_USER,
    SORTS
};

struct picture {
    const struct worker_info *workers;
    size_t n_workers;
    struct job_info *jobs; // sorted in place
    size_t n_jobs;
    enum picture_sort sort;      // of jobs
    enum picture_part part;      // that arrows move
    size_t first[PICTURE_PARTS]; // row that each part begins with; kept within it
    size_t shown[PICTURE_PARTS]; // rows of each that were drawn
    bool is_paused;
    bool has_color;
    char time[16]; // of the day
};

// Appends exactly `rows` lines of at most `columns`, each ended by "\n" but the last one, with
// escape sequences for colors alone. -ENOMEM.
int picture_draw(struct picture *p, size_t rows, size_t columns, struct buf *out);
// What a key does: "q", "\033[A", ... Returns false when it is to end.
bool picture_key(struct picture *p, const char *key, size_t len);
