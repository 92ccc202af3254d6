#include "pipelines/json.h"

#include "pipelines/json_writer.h"

int json_text(struct buf *out, const char *name, const void *text, size_t len)
{
    struct json_writer w = {.out = out};
    json_put_bytes(&w, name, text, len);
    return w.error;
}
