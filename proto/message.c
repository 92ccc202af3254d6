#include "proto/message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/pack.h"
#include "proto/table.h"

#define STRUCT_MAX 2048 // bytes of the largest message's struct

int msg_put(struct buf *header, enum msg_type type, const void *m)
{
    const struct layout *layout = msg_layout(type);
    size_t before = header->len;
    struct pack_writer w;
    assert(layout);
    pack_writer_init(&w, header);
    pack_array(&w, layout->n + 1);
    pack_u64(&w, type);
    fields_put(&w, layout, m);
    if (w.error < 0)
        header->len = before;
    return w.error;
}

void msg_get_head(struct pack_reader *r, const void *header, size_t len, enum msg_type type,
                  void *ret)
{
    const struct layout *layout = msg_layout(type);
    assert(layout);
    pack_reader_init(r, header, len);
    if (len > PROTO_HEADER_MAX || pack_read_array(r, layout->n + 1) != layout->n + 1 ||
        pack_read_u64(r, UINT8_MAX) != type)
        pack_fail(r);
    memset(ret, 0, layout->size);
    fields_get(r, layout, ret);
}

int msg_get(const void *header, size_t len, enum msg_type type, void *ret, struct err *err)
{
    _Alignas(max_align_t) uint8_t m[STRUCT_MAX];
    size_t size = msg_layout(type)->size;
    struct pack_reader r;
    assert(size <= sizeof(m));
    msg_get_head(&r, header, len, type, m);
    if (!pack_at_end(&r))
        return err_set(err, -EPROTO, "bad %s message: %s", msg_name(type),
                       pack_ok(&r) ? "bytes after its end"
                                   : "a field is missing, too large or of a wrong type");
    memcpy(ret, m, size);
    return 0;
}
