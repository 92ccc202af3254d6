#include "cli/follow/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/text/count.h"
#include "cli/text/show.h"
#include "pipelines/json_writer.h"

#define GAP 2u           // columns between two pieces
#define NAME_COLUMNS 6u  // a name cut to less means nothing
#define RATE_NS NS_PER_S // earlier there is no rate worth showing

const char *const progress_words[] = {"auto", "always", "never", "json", NULL};

// In the order of the line.
enum piece { NAME, COUNT, SHARE, RUNNING, FAILED, RATE, ETA, PIECES };

struct progress_line {
    char text[PIECES][72];
    size_t len[PIECES];
};

static uint64_t done(const struct progress *p)
{
    return p->ok + p->failed;
}

static double seconds(const struct progress *p)
{
    return (double)p->elapsed_ns / (double)NS_PER_S;
}

// Negative: not known.
static double eta_seconds(const struct progress *p)
{
    uint64_t n = done(p);
    if (p->total == UINT64_MAX || n == 0 || n > p->total || p->elapsed_ns < RATE_NS)
        return -1;
    return seconds(p) * (double)(p->total - n) / (double)n;
}

// Three digits are enough: 1.1 GB/s, 340 MB/s.
static void put_rate(const struct progress *p, char *ret, size_t size)
{
    static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
    size_t unit = 0;
    if (p->elapsed_ns < RATE_NS || done(p) == 0)
        return;
    if (p->bytes <= 0) {
        double rate = (double)done(p) / seconds(p);
        snprintf(ret, size, rate < 10 ? "%.1f/s" : "%.0f/s", rate);
        return;
    }
    double rate = p->bytes / seconds(p);
    while (rate >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        rate /= 1000;
        unit++;
    }
    snprintf(ret, size, unit && rate < 9.95 ? "%.1f %s" : "%.0f %s", rate, units[unit]);
}

static void put_eta(const struct progress *p, char *ret, size_t size)
{
    char time[24];
    double eta = eta_seconds(p);
    if (eta < 0 || done(p) == p->total || eta > 1e8)
        return;
    show_duration((int64_t)(eta * (double)NS_PER_S), time, sizeof(time));
    snprintf(ret, size, "eta %s", time);
}

static void make_pieces(const struct progress *p, struct progress_line *line)
{
    const size_t size = sizeof(line->text[0]);
    bool known = p->total != UINT64_MAX && p->total > 0;
    *line = (struct progress_line){0};
    snprintf(line->text[NAME], size, "%s", p->name);
    if (known) {
        snprintf(line->text[COUNT], size, "%" PRIu64 "/%" PRIu64, done(p), p->total);
        double share = (double)done(p) * 100 / (double)p->total;
        snprintf(line->text[SHARE], size, "%d%%", share < 100 ? (int)share : 100);
    } else {
        snprintf(line->text[COUNT], size, "%s", count(done(p), "chunk").text);
    }
    snprintf(line->text[RUNNING], size, "%" PRIu64 " running", p->running);
    if (p->failed)
        snprintf(line->text[FAILED], size, "%" PRIu64 " failed", p->failed);
    put_rate(p, line->text[RATE], size);
    put_eta(p, line->text[ETA], size);
    for (size_t i = 0; i < PIECES; i++)
        line->len[i] = strlen(line->text[i]);
}

static size_t width(const struct progress_line *line)
{
    size_t n = 0;
    for (size_t i = 0; i < PIECES; i++)
        if (line->len[i])
            n += line->len[i] + (n ? GAP : 0);
    return n;
}

static void fit(struct progress_line *line, size_t columns)
{
    static const enum piece least[] = {RATE, RUNNING, NAME, ETA, SHARE, FAILED};
    for (size_t i = 0; i < sizeof(least) / sizeof(least[0]) && width(line) > columns; i++) {
        size_t over = width(line) - columns;
        bool cut = least[i] == NAME && line->len[NAME] >= over + NAME_COLUMNS;
        line->len[least[i]] = cut ? line->len[NAME] - over : 0;
        // Not within a character.
        while (cut && ((unsigned char)line->text[NAME][line->len[NAME]] & 0xc0) == 0x80)
            line->len[NAME]--;
    }
    if (line->len[COUNT] > columns)
        line->len[COUNT] = columns;
}

size_t progress_line(const struct progress *p, size_t columns, char ret[PROGRESS_LINE_MAX])
{
    struct progress_line line;
    size_t n = 0;
    make_pieces(p, &line);
    fit(&line, columns < PROGRESS_LINE_MAX ? columns : PROGRESS_LINE_MAX - 1);
    for (size_t i = 0; i < PIECES; i++) {
        if (!line.len[i])
            continue;
        if (n) {
            memset(ret + n, ' ', GAP);
            n += GAP;
        }
        memcpy(ret + n, line.text[i], line.len[i]);
        n += line.len[i];
    }
    ret[n] = '\0';
    return n;
}

int progress_json(const struct progress *p, struct buf *out)
{
    struct json_writer w = {.out = out};
    double rate = p->elapsed_ns > 0 ? (double)done(p) / seconds(p) : 0;
    json_open(&w);
    json_put_number(&w, "v", 1);
    json_begin(&w, "progress", "{");
    json_put_text(&w, "job", p->name);
    json_put_number(&w, "id", p->id);
    json_put_raw(&w, "seconds", "%.3f", seconds(p));
    json_put_number(&w, "done", done(p));
    if (p->total != UINT64_MAX)
        json_put_number(&w, "total", p->total);
    json_put_number(&w, "running", p->running);
    json_put_number(&w, "ok", p->ok);
    json_put_number(&w, "failed", p->failed);
    json_put_raw(&w, "chunks_per_second", "%.3f", rate);
    if (p->bytes > 0 && p->elapsed_ns > 0)
        json_put_raw(&w, "bytes_per_second", "%.0f", p->bytes / seconds(p));
    if (eta_seconds(p) >= 0)
        json_put_raw(&w, "eta_seconds", "%.3f", eta_seconds(p));
    json_put_flag(&w, "ended", p->ended);
    json_end(&w, "}");
    return json_done(&w);
}
