#include "cli/text/show.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "pipelines/json.h"

const char *job_state_name(const struct job_info *job)
{
    static const char *const fates[FATE_COUNT] = {
        [FATE_COMPLETE] = "done",        [FATE_CANCELLED] = "cancelled",
        [FATE_FAILURES] = "ended early", [FATE_NOT_RUNNABLE] = "not runnable",
        [FATE_SOURCE] = "source broke",  [FATE_INTERNAL] = "broke",
        [FATE_TIMEOUT] = "timed out",
    };
    if (job->phase == PHASE_RUNNING)
        return "running";
    if (job->phase == PHASE_ENDING)
        return "ending";
    return job->fate == FATE_COMPLETE && job->failed ? "failed" : fates[job->fate];
}

void show_duration(int64_t ns, char *ret, size_t size)
{
    long long s = ns / NS_PER_S;
    if (s < 60)
        snprintf(ret, size, "%llds", s);
    else if (s < 3600)
        snprintf(ret, size, "%lldm%02llds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(ret, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else
        snprintf(ret, size, "%lldd%02lldh", s / 86400, s / 3600 % 24);
}

static void show_bytes(uint64_t bytes, char *ret, size_t size)
{
    const char *units = " KMGTPE";
    double value = (double)bytes;
    while (value >= 1024 && units[1]) {
        value /= 1024;
        units++;
    }
    if (*units == ' ')
        snprintf(ret, size, "%" PRIu64, bytes);
    else
        snprintf(ret, size, "%.1f%ciB", value, *units);
}

void show_jobs_head(FILE *out)
{
    fprintf(out, "%6s  %-20s %-12s %12s %10s %8s %8s %8s\n", "JOB", "NAME", "STATE", "CHUNKS", "OK",
            "FAILED", "RUNNING", "TIME");
}

void show_job(FILE *out, const struct job_info *job)
{
    char time[24], chunks[48];
    show_duration(job->age_ns, time, sizeof(time));
    if (job->total == UINT64_MAX)
        snprintf(chunks, sizeof(chunks), "%" PRIu64 "+", job->chunks);
    else
        snprintf(chunks, sizeof(chunks), "%" PRIu64, job->total);
    fprintf(out, "%6" PRIu64 "  %-20s %-12s %12s %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8s\n",
            job->id, job->name, job_state_name(job), chunks, job->ok, job->failed, job->running,
            time);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    json_text(out, name, text, strlen(text));
}

static void put_seconds(struct buf *out, const char *name, int64_t ns)
{
    buf_printf(out, ",\"%s\":%" PRId64 ".%03" PRId64, name, ns / NS_PER_S,
               ns % NS_PER_S / NS_PER_MS);
}

static void put_number(struct buf *out, const char *name, uint64_t value)
{
    buf_printf(out, ",\"%s\":%" PRIu64, name, value);
}

static void end_line(FILE *out, const struct buf *b)
{
    fprintf(out, "%.*s}\n", (int)b->len, (const char *)b->data);
}

void show_job_json(FILE *out, const struct job_info *job)
{
    _cleanup_(buf_done)
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "{\"v\":1,\"id\":%" PRIu64, job->id);
    put_text(&b, "name", job->name);
    put_text(&b, "state", job_state_name(job));
    put_text(&b, "owner", job->owner);
    buf_printf(&b, ",\"ended\":%s,\"detached\":%s", job->phase == PHASE_ENDED ? "true" : "false",
               job->detached ? "true" : "false");
    put_number(&b, "created_ms", job->created_ms);
    put_seconds(&b, "seconds", job->age_ns);
    if (job->total != UINT64_MAX)
        put_number(&b, "total", job->total);
    put_number(&b, "chunks", job->chunks);
    put_number(&b, "ok", job->ok);
    put_number(&b, "failed", job->failed);
    put_number(&b, "cancelled", job->cancelled);
    put_number(&b, "unrun", job->unrun);
    put_number(&b, "retries", job->retries);
    put_number(&b, "running", job->running);
    put_number(&b, "records", job->records);
    if (job->text[0])
        put_text(&b, "text", job->text);
    end_line(out, &b);
}

void show_workers_head(FILE *out)
{
    fprintf(out, "%6s  %-20s %-20s %6s %8s %8s %10s %10s %8s  %s\n", "WORKER", "NAME", "HOST",
            "SLOTS", "RUNNING", "LEASED", "DONE", "MEMORY", "UP", "STATE");
}

void show_worker(FILE *out, const struct worker_info *w)
{
    char up[24], memory[24];
    show_duration(w->up_ns, up, sizeof(up));
    show_bytes(w->memory_bytes, memory, sizeof(memory));
    fprintf(out, "%6" PRIu64 "  %-20s %-20s %6u %8u %8" PRIu64 " %10" PRIu64 " %10s %8s  %s\n",
            w->id, w->name, w->host, w->slots, w->running, w->leased, w->done, memory, up,
            w->draining ? "draining" : "ready");
}

void show_worker_json(FILE *out, const struct worker_info *w)
{
    _cleanup_(buf_done)
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "{\"v\":1,\"id\":%" PRIu64, w->id);
    put_text(&b, "name", w->name);
    put_text(&b, "host", w->host);
    put_text(&b, "key", w->user);
    put_text(&b, "software", w->software);
    put_text(&b, "resources", w->resources);
    put_number(&b, "pid", w->pid);
    put_number(&b, "slots", w->slots);
    put_number(&b, "memory", w->memory_bytes);
    put_number(&b, "running", w->running);
    put_number(&b, "leased", w->leased);
    put_number(&b, "done", w->done);
    buf_printf(&b, ",\"draining\":%s", w->draining ? "true" : "false");
    put_seconds(&b, "up", w->up_ns);
    put_seconds(&b, "silent", w->silent_ns);
    end_line(out, &b);
}

void show_line_json(FILE *out, const struct line_info *line)
{
    _cleanup_(buf_done)
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "{\"v\":1,\"job\":%" PRIu64 ",\"step\":%" PRIu64, line->job, line->value);
    put_text(&b, "text", line->text);
    end_line(out, &b);
}

void show_words_json(FILE *out, const struct show_word *words, size_t n)
{
    _cleanup_(buf_done)
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "{\"v\":1");
    for (size_t i = 0; i < n; i++)
        if (words[i].text)
            put_text(&b, words[i].name, words[i].text);
    end_line(out, &b);
}
