// The picture of `fanmill top`, at every size.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/jobs/picture.h"
#include "cli/text/columns.h"
#include "proto/ending.h"

#define WORKERS 5
#define JOBS 60

static struct worker_info workers[WORKERS];
static struct job_info jobs[JOBS];
static char lines[200][512];
static size_t n_lines;

// A third of the jobs live, a third bad, a third done; `n_jobs` of them.
static struct picture picture_of(size_t n_workers, size_t n_jobs)
{
    for (size_t i = 0; i < n_workers; i++) {
        workers[i] = (struct worker_info){.id = i + 1, .slots = 4, .running = 1, .done = i};
        snprintf(workers[i].name, sizeof(workers[i].name), "worker-%zu", i + 1);
    }
    for (size_t i = 0; i < n_jobs; i++) {
        jobs[i] = (struct job_info){.id = i + 1, .chunks = 10, .total = 10, .ok = 5};
        jobs[i].phase = i % 3 ? PHASE_ENDED : PHASE_RUNNING;
        jobs[i].failed = i % 3 == 1 ? i : 0;
        snprintf(jobs[i].name, sizeof(jobs[i].name), "job-%zu", i + 1);
    }
    return (struct picture){.workers = workers,
                            .n_workers = n_workers,
                            .jobs = jobs,
                            .n_jobs = n_jobs,
                            .part = PICTURE_LIVE,
                            .time = "12:00:00"};
}

static void draw(struct picture *p, size_t rows, size_t columns)
{
    struct buf out = {0};
    setenv("LC_ALL", "C", 1);
    cr_assert_eq(picture_draw(p, rows, columns, &out), 0);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    n_lines = 0;
    for (char *line = (char *)out.data; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        snprintf(lines[n_lines++], sizeof(lines[0]), "%s", line);
        line = end ? end + 1 : NULL;
    }
    buf_done(&out);
}

static size_t with(const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < n_lines; i++)
        n += strstr(lines[i], text) != NULL;
    return n;
}

Test(picture, has_its_height_and_width_at_every_size)
{
    for (size_t rows = 1; rows < 60; rows += rows < 12 ? 1 : 7)
        for (size_t columns = 1; columns < 130; columns += 3) {
            struct picture p = picture_of(WORKERS, JOBS);
            draw(&p, rows, columns);
            cr_assert_eq(n_lines, rows, "%zu lines at %zu x %zu", n_lines, columns, rows);
            for (size_t i = 0; i < n_lines; i++)
                cr_assert_leq(text_columns(lines[i]), columns, "'%s'", lines[i]);
        }
}

Test(picture, ended_jobs_push_nobody_out)
{
    struct picture p = picture_of(2, JOBS);
    draw(&p, 10, 40);
    cr_expect_eq(with("worker-"), 2);
    cr_expect_eq(with("running"), 1);
    cr_expect_eq(with("failed"), 1);
    cr_expect_eq(with("done  "), 0);
    draw(&p, 200, 80);
    cr_expect_eq(with("running"), JOBS / 3);
    cr_expect_eq(with("failed "), JOBS / 3);
}

Test(picture, says_what_is_not_there_and_not_shown)
{
    struct picture p = picture_of(0, 0);
    draw(&p, 10, 80);
    cr_expect_eq(with("no workers: fanmill worker starts one"), 1);
    cr_expect_eq(with("no job runs"), 1);
    p = picture_of(1, JOBS);
    draw(&p, 12, 80);
    cr_expect_eq(with("... 18 of 20 not shown"), 2);
}

static const char *first_live(struct picture *p)
{
    draw(p, 24, 80);
    for (size_t i = 0; i < n_lines; i++)
        if (strstr(lines[i], "running"))
            return strstr(lines[i], "job-");
    return "";
}

Test(picture, keys_move_sort_and_end)
{
    struct picture p = picture_of(1, JOBS);
    cr_expect(strncmp(first_live(&p), "job-58 ", 7) == 0, "the newest first");
    cr_expect(picture_key(&p, "\033[B", 3));
    cr_expect(strncmp(first_live(&p), "job-55 ", 7) == 0);
    cr_expect(picture_key(&p, "\033[A", 3));
    cr_expect(picture_key(&p, "\033[A", 3));
    cr_expect(strncmp(first_live(&p), "job-58 ", 7) == 0);
    cr_expect(picture_key(&p, "\033[F", 3));
    cr_expect(strncmp(first_live(&p), "job-", 4) == 0, "the end has rows, too");
    cr_expect(picture_key(&p, "\033[H", 3));
    cr_expect(picture_key(&p, "a", 1));
    cr_expect(strncmp(first_live(&p), "job-1 ", 6) == 0, "by name");
    cr_expect(picture_key(&p, "s", 1));
    cr_expect_eq(p.sort, SORT_USER);
    cr_expect(picture_key(&p, "\t", 1));
    cr_expect_eq(p.part, PICTURE_BAD);
    cr_expect(picture_key(&p, "p", 1));
    cr_expect(p.is_paused);
    cr_expect(picture_key(&p, "\033[99~", 5));
    cr_expect(picture_key(&p, "\0", 1));
    cr_expect_not(picture_key(&p, "q", 1));
}

Test(picture, words_and_not_colors_alone)
{
    struct picture p = picture_of(1, 3);
    draw(&p, 24, 80);
    cr_expect_eq(with("\033"), 0);
    p.has_color = true;
    draw(&p, 24, 80);
    cr_expect_eq(with("\033[31m"), 1);
    cr_expect_eq(with("failed "), 1);
}
