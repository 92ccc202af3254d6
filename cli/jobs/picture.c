#include "cli/jobs/picture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/jobs/tables.h"
#include "cli/text/columns.h"
#include "cli/text/count.h"
#include "proto/ending.h"

#define LINE_MAX_BYTES 1024u

static const char *const sort_names[SORTS] = {"newest", "failed", "running",
                                              "time",   "name",   "user"};

// ---- which job is where

static enum picture_part part_of(const struct job_info *job)
{
    return job->phase != PHASE_ENDED                      ? PICTURE_LIVE
           : !fate_is_whole(job->fate) || job->failed > 0 ? PICTURE_BAD
                                                          : PICTURE_DONE;
}

static int order(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

static int compare(const void *left, const void *right, void *arg)
{
    const struct job_info *a = left, *b = right;
    const struct picture *p = arg;
    int r = (int)part_of(a) - (int)part_of(b);
    if (r == 0)
        r = p->sort == SORT_FAILED    ? order(a->failed, b->failed)
            : p->sort == SORT_RUNNING ? order(a->running, b->running)
            : p->sort == SORT_TIME    ? order((uint64_t)a->age_ns, (uint64_t)b->age_ns)
            : p->sort == SORT_NAME    ? strcmp(a->name, b->name)
            : p->sort == SORT_USER    ? strcmp(a->owner, b->owner)
                                      : 0;
    return r ? r : order(a->id, b->id);
}

struct part {
    struct table table;
    size_t rows;  // it has
    size_t lines; // it gets, with its titles; 0: it is not shown
};

static void add_job(struct part *part, const struct job_info *job)
{
    job_table_add(&part->table, job);
    part->rows++;
}

static void fill_parts(const struct picture *p, struct part parts[PICTURE_PARTS])
{
    worker_table_begin(&parts[PICTURE_WORKERS].table);
    for (size_t i = PICTURE_LIVE; i < PICTURE_PARTS; i++)
        job_table_begin(&parts[i].table);
    for (size_t i = 0; i < p->n_workers; i++)
        worker_table_add(&parts[PICTURE_WORKERS].table, &p->workers[i]);
    parts[PICTURE_WORKERS].rows = p->n_workers;
    for (size_t i = 0; i < p->n_jobs; i++)
        add_job(&parts[part_of(&p->jobs[i])], &p->jobs[i]);
}

// Titles and a row for each part, as far as that goes, in the order of the screen; then row by row
// in turn, so that no part pushes out another. What went well gets what is left.
static void share(struct part parts[PICTURE_PARTS], size_t lines)
{
    for (size_t i = 0; i < PICTURE_DONE; i++) {
        bool wanted = parts[i].rows > 0 || i <= PICTURE_LIVE;
        size_t least = parts[i].rows ? 2 : 1;
        if (wanted && lines >= least) {
            parts[i].lines = least;
            lines -= least;
        }
    }
    for (bool more = true; more && lines > 0;) {
        more = false;
        for (size_t i = 0; i < PICTURE_DONE && lines > 0; i++) {
            if (!parts[i].lines || parts[i].lines >= parts[i].rows + 1)
                continue;
            parts[i].lines++;
            lines--;
            more = true;
        }
    }
    size_t all = parts[PICTURE_DONE].rows + 1;
    if (all > 1 && lines > 1)
        parts[PICTURE_DONE].lines = all < lines ? all : lines;
}

// ---- lines

struct canvas {
    struct buf *out;
    size_t columns;
    size_t left; // lines
    bool has_color;
    int error;
};

static void put_line(struct canvas *c, const char *style, const char *text)
{
    char cut[LINE_MAX_BYTES];
    if (!c->left)
        return;
    text_cut(text, c->columns, cut, sizeof(cut));
    c->left--;
    if (c->error == 0)
        c->error = buf_printf(c->out, "%s%s%s%s", c->has_color ? style : "", cut,
                              c->has_color && *style ? "\033[0m" : "", c->left ? "\n" : "");
}

static void put_head(struct canvas *c, const struct picture *p, const struct part *parts)
{
    char line[LINE_MAX_BYTES];
    uint64_t slots = 0, running = 0;
    for (size_t i = 0; i < p->n_workers; i++) {
        slots += p->workers[i].slots;
        running += p->workers[i].running;
    }
    bool is_wide = c->columns >= 70;
    snprintf(line, sizeof(line), "%s %s%sslots %" PRIu64 "/%" PRIu64 " live %zu bad %zu done %zu",
             p->is_paused ? "PAUSED" : p->time, is_wide ? count(p->n_workers, "worker").text : "",
             is_wide ? ", " : "", running, slots, parts[PICTURE_LIVE].rows, parts[PICTURE_BAD].rows,
             parts[PICTURE_DONE].rows);
    put_line(c, "\033[1m", line);
}

static void put_keys(struct canvas *c, const struct picture *p)
{
    static const char *const parts[PICTURE_PARTS] = {"workers", "live", "bad", "done"};
    char line[LINE_MAX_BYTES];
    while (c->left > 1)
        put_line(c, "", "");
    if (c->columns >= 66)
        snprintf(line, sizeof(line), "q quit  arrows move (tab: %s)  s sort (%s)  p %s",
                 parts[p->part], sort_names[p->sort], p->is_paused ? "go on" : "pause");
    else
        snprintf(line, sizeof(line), "q quit  tab:%s  s:%s  p pause", parts[p->part],
                 sort_names[p->sort]);
    put_line(c, "\033[2m", line);
}

// Titles, rows, and at the end how many more there are.
static int put_part(struct canvas *c, struct picture *p, enum picture_part which,
                    const struct part *part)
{
    static const char *const none[PICTURE_PARTS] = {"no workers: fanmill worker starts one",
                                                    "no job runs", "", ""};
    _free_ char *text = NULL;
    size_t len = 0, number = 0, more = 0;
    if (!part->lines)
        return 0;
    if (!part->rows) {
        put_line(c, "", none[which]);
        return 0;
    }
    size_t room = part->lines - 1;
    if (p->first[which] + room > part->rows)
        p->first[which] = part->rows - (room < part->rows ? room : part->rows);
    p->shown[which] = room < part->rows ? room : part->rows;
    // The last line says how many are not seen, if a row is left besides.
    if (part->rows > room && room > 1) {
        room--;
        more = part->rows - room;
    }
    FILE *memory = open_memstream(&text, &len);
    if (!memory)
        return -ENOMEM;
    int r = table_print(&part->table, p->first[which], room, c->columns, memory);
    fclose(memory);
    for (char *line = text, *end; r == 0 && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        put_line(c, number++ == 0 ? "\033[1m" : which == PICTURE_BAD ? "\033[31m" : "", line);
    }
    if (more) {
        char line[64];
        snprintf(line, sizeof(line), "... %zu of %zu not shown", more, part->rows);
        put_line(c, "\033[2m", line);
    }
    return r;
}

int picture_draw(struct picture *p, size_t rows, size_t columns, struct buf *out)
{
    struct part parts[PICTURE_PARTS] = {0};
    struct canvas c = {.out = out, .columns = columns, .left = rows, .has_color = p->has_color};
    if (p->n_jobs)
        qsort_r(p->jobs, p->n_jobs, sizeof(*p->jobs), compare, p);
    fill_parts(p, parts);
    share(parts, rows > 2 ? rows - 2 : 0);
    put_head(&c, p, parts);
    for (enum picture_part i = 0; i < PICTURE_PARTS && c.error == 0; i++)
        c.error = put_part(&c, p, i, &parts[i]);
    put_keys(&c, p);
    for (size_t i = 0; i < PICTURE_PARTS; i++)
        table_done(&parts[i].table);
    return c.error;
}

// ---- keys

static void move(struct picture *p, bool down, size_t by)
{
    size_t *first = &p->first[p->part];
    *first = down ? *first + by : *first > by ? *first - by : 0; // drawing keeps it within
}

static bool is_key(const char *key, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(key, wanted, len) == 0;
}

bool picture_key(struct picture *p, const char *key, size_t len)
{
    static const char letters[] = "nfrtau"; // by the order of enum picture_sort
    size_t page = p->shown[p->part] ? p->shown[p->part] : 1;
    if (is_key(key, len, "q") || is_key(key, len, "Q"))
        return false;
    if (is_key(key, len, "\033[A") || is_key(key, len, "\033OA") || is_key(key, len, "k"))
        move(p, false, 1);
    else if (is_key(key, len, "\033[B") || is_key(key, len, "\033OB") || is_key(key, len, "j"))
        move(p, true, 1);
    else if (is_key(key, len, "\033[5~"))
        move(p, false, page);
    else if (is_key(key, len, "\033[6~") || is_key(key, len, " "))
        move(p, true, page);
    else if (is_key(key, len, "\033[H") || is_key(key, len, "\033[1~"))
        p->first[p->part] = 0;
    else if (is_key(key, len, "\033[F") || is_key(key, len, "\033[4~"))
        move(p, true, SIZE_MAX / 2);
    else if (is_key(key, len, "\t"))
        p->part = (p->part + 1) % PICTURE_PARTS;
    else if (is_key(key, len, "s"))
        p->sort = (p->sort + 1) % SORTS;
    else if (is_key(key, len, "p"))
        p->is_paused = !p->is_paused;
    else if (len == 1 && strchr(letters, *key))
        p->sort = (enum picture_sort)(strchr(letters, *key) - letters);
    return true;
}
