#include "cli/text/show.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

const char *job_state_name(const struct job_info *job)
{
    static const char *const fates[FATE_COUNT] = {
        [FATE_COMPLETE] = "done",        [FATE_CANCELLED] = "cancelled",
        [FATE_FAILURES] = "ended early", [FATE_NOT_RUNNABLE] = "not runnable",
        [FATE_SOURCE] = "source broke",  [FATE_INTERNAL] = "broke",
        [FATE_TIMEOUT] = "timed out",    [FATE_SINK] = "sink failed",
        [FATE_NEEDS] = "not run",        [FATE_ENOUGH] = "done",
    };
    if (job->phase == PHASE_RUNNING)
        return job->waits == WAIT_WORKER    ? "waiting for a worker"
               : job->waits == WAIT_RELEASE ? "held"
               : job->waits == WAIT_NEEDS   ? "waiting for jobs"
                                            : "running";
    if (job->phase == PHASE_ENDING)
        return "ending";
    return fate_is_whole(job->fate) && job->failed ? "failed" : fates[job->fate];
}

const char *job_trouble(const struct job_info *job)
{
    bool is_its_own =
        job->phase == PHASE_ENDED &&
        (job->fate == FATE_SINK || job->fate == FATE_SOURCE || job->fate == FATE_INTERNAL);
    return is_its_own ? job->text : "";
}

const char *job_wait_name(const struct job_info *job)
{
    static const char *const names[WAIT_COUNT] = {
        [WAIT_WORKER] = "a worker",   [WAIT_SLOT] = "a slot",
        [WAIT_RELEASE] = "release",   [WAIT_NEEDS] = "jobs it needs",
        [WAIT_SOURCE] = "its source", [WAIT_CONSUMER] = "its consumer",
        [WAIT_RETRY] = "a retry"};
    return names[job->waits];
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

void show_elapsed(int64_t ns, char ret[SHOW_DURATION_MAX])
{
    double s = (double)ns / (double)NS_PER_S;
    if (s < 59.95)
        snprintf(ret, SHOW_DURATION_MAX, s < 0.995 ? "%.2f s" : "%.1f s", s < 0.01 ? 0.01 : s);
    else
        show_duration(ns, ret, SHOW_DURATION_MAX);
}

void show_bytes(uint64_t bytes, char *ret, size_t size)
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

void show_put_job(struct json_writer *w, const struct job_info *job)
{
    json_put_number(w, "v", 1);
    json_put_number(w, "id", job->id);
    json_put_text(w, "name", job->name);
    json_put_text(w, "state", job_state_name(job));
    json_put_text(w, "owner", job->owner);
    json_put_raw(w, "priority", "%d", job->priority);
    json_put_flag(w, "held", job->held);
    json_put_text(w, "needs", job->needs[0] ? job->needs : NULL);
    json_put_text(w, "waits_for", job_wait_name(job));
    json_put_flag(w, "ended", job->phase == PHASE_ENDED);
    json_put_flag(w, "detached", job->detached);
    json_put_number(w, "created_ms", job->created_ms);
    json_put_seconds(w, "seconds", job->age_ns, 3);
    if (job->total != UINT64_MAX)
        json_put_number(w, "total", job->total);
    json_put_number(w, "chunks", job->chunks);
    json_put_number(w, "waiting", job->waiting);
    json_put_number(w, "leased", job->leased);
    json_put_number(w, "running", job->running);
    json_put_number(w, "ok", job->ok);
    json_put_number(w, "failed", job->failed);
    json_put_number(w, "cancelled", job->cancelled);
    json_put_number(w, "unrun", job->unrun);
    json_put_number(w, "retries", job->retries);
    json_put_number(w, "records", job->records);
    json_put_text(w, "text", job->text[0] ? job->text : NULL);
    json_put_text(w, "sink", job->sink[0] ? job->sink : NULL);
}

void show_put_worker(struct json_writer *w, const struct worker_info *worker)
{
    json_put_number(w, "v", 1);
    json_put_number(w, "id", worker->id);
    json_put_text(w, "name", worker->name);
    json_put_text(w, "host", worker->host);
    json_put_text(w, "key", worker->user);
    json_put_text(w, "software", worker->software);
    json_put_text(w, "resources", worker->resources);
    json_put_number(w, "pid", worker->pid);
    json_put_number(w, "slots", worker->slots);
    json_put_number(w, "memory", worker->memory_bytes);
    json_put_number(w, "running", worker->running);
    json_put_number(w, "leased", worker->leased);
    json_put_number(w, "done", worker->done);
    json_put_flag(w, "draining", worker->draining);
    json_put_seconds(w, "up", worker->up_ns, 3);
    json_put_seconds(w, "silent", worker->silent_ns, 3);
}

void show_put_running(struct json_writer *w, const struct running_info *running)
{
    json_put_number(w, "v", 1);
    json_put_number(w, "job", running->job);
    json_put_number(w, "seq", running->chunk + 1);
    json_put_number(w, "step", running->step);
    json_put_number(w, "chunk", running->chunk);
    if (running->items && running->item_first != running->chunk)
        json_put_number(w, "first_item", running->item_first + 1);
    json_put_number(w, "attempts", running->attempt);
    json_put_text(w, "worker", running->name);
    json_put_seconds(w, "seconds", running->age_ns, 3);
    json_put_bytes(w, "text", running->text, strlen(running->text));
}

void show_put_line(struct json_writer *w, const struct line_info *line)
{
    json_put_number(w, "v", 1);
    json_put_number(w, "job", line->job);
    json_put_number(w, "step", line->value);
    json_put_text(w, "text", line->text);
}

struct json_writer *show_begin(struct show_object *object)
{
    *object = (struct show_object){.json = {.out = &object->line}};
    json_open(&object->json);
    return &object->json;
}

void show_end(struct show_object *object, FILE *out)
{
    if (json_done(&object->json) == 0)
        fwrite(object->line.data, 1, object->line.len, out);
    buf_done(&object->line);
}

void show_number(FILE *out, const char *name, uint64_t value)
{
    struct show_object object;
    struct json_writer *w = show_begin(&object);
    json_put_number(w, "v", 1);
    json_put_number(w, name, value);
    show_end(&object, out);
}
