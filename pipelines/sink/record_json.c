#include "pipelines/sink/record_json.h"

#include <string.h>

#include "base/cleanup.h"
#include "pipelines/json_writer.h"

// In one piece it is encoded where it lies; pieces are joined first.
static void put_bytes(struct json_writer *w, const char *name, const struct slice *parts, size_t n)
{
    _cleanup_(buf_done)
    struct buf joined = {0};
    if (n == 1) {
        json_put_bytes(w, name, parts[0].data, parts[0].len);
        return;
    }
    for (size_t i = 0; i < n && w->error == 0; i++)
        w->error = buf_add(&joined, parts[i].data, parts[i].len);
    json_put_bytes(w, name, joined.data, joined.len);
}

static void put_number_or_null(struct json_writer *w, const char *name, bool known, int value)
{
    if (known)
        json_put_raw(w, name, "%d", value);
    else
        json_put_raw(w, name, "null");
}

int record_json(struct buf *out, const struct record *record)
{
    struct json_writer w = {.out = out};
    size_t before = out->len;
    json_open(&w);
    json_put_number(&w, "v", 1);
    json_put_number(&w, "seq", record->chunk + 1);
    json_put_number(&w, "offset", record->offset);
    json_put_number(&w, "step", record->step);
    json_put_number(&w, "chunk", record->chunk);
    if (record->item_first != record->chunk)
        json_put_number(&w, "first_item", record->item_first + 1);
    if (record->item)
        json_put_bytes(&w, "item", record->item, record->item_len);
    json_put_text(&w, "outcome", record->outcome);
    put_number_or_null(&w, "exit", record->exit >= 0, record->exit);
    put_number_or_null(&w, "signal", record->signal > 0, record->signal);
    if (record->code)
        json_put_raw(&w, "code", "%d", record->code);
    json_put_text(&w, "error", record->error);
    json_put_number(&w, "attempts", record->attempt);
    if (record->start_ns)
        json_put_seconds(&w, "start", record->start_ns, 6);
    json_put_seconds(&w, "seconds", record->run_ns, 9);
    if (record->maxrss_bytes)
        json_put_number(&w, "maxrss", record->maxrss_bytes);
    if (record->leftovers)
        json_put_number(&w, "leftovers", record->leftovers);
    json_put_text(&w, "note", record->note);
    json_put_text(&w, "worker", record->worker);
    put_bytes(&w, "stdout", record->parts, record->n_parts);
    put_bytes(&w, "stderr", record->errors, record->n_errors);
    int r = json_done(&w);
    if (r < 0)
        out->len = before;
    return r;
}
