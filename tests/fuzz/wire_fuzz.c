// Input: what an executor, whose memory a kernel may have overwritten, sends to the agent.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(uint8_t *frame, size_t len, uint32_t type)
{
    struct wire_result_view result;
    struct wire_run_view run;
    struct wire_step step;
    const uint8_t *packed;
    if (type == WIRE_RESULT && wire_get_result(frame, len, &result) == 0 &&
        result.body + result.result.body_len != frame + len)
        abort();
    if (type == WIRE_RUN && wire_get_run(frame, len, &run) == 0 &&
        run.body + run.run.body_len != frame + len)
        abort();
    if (type == WIRE_STEP && wire_get_step(frame, len, &step, &packed) == 0 &&
        packed + step.packed_len != frame + len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_reader reader;
    uint32_t type;
    uint8_t *frame;
    size_t len;
    int r;
    wire_reader_init(&reader);
    if (buf_add(&reader.buf, data, size) < 0)
        abort();
    while ((r = wire_next(&reader, &type, &frame, &len)) == 1)
        look(frame, len, type);
    if (r != 0 && r != -EPROTO)
        abort();
    wire_reader_done(&reader);
    return 0;
}
