#include "pipelines/docs/limits.h"

#include <inttypes.h>

#include "base/roff.h"
#include "pipelines/build/load.h"
#include "pipelines/file/yaml.h"
#include "pipelines/frame.h"
#include "pipelines/input/matrix.h"
#include "pipelines/library.h"
#include "pipelines/plan.h"
#include "pipelines/source/cutter.h"
#include "pipelines/source/data_file.h"
#include "pipelines/source/extent.h"
#include "pipelines/template/template.h"

const struct limit job_limits[] = {
    {"size of a job file", YAML_TEXT_MAX, LIMIT_BYTES, NULL},
    {"levels of nesting", YAML_DEPTH_MAX, LIMIT_COUNT, NULL},
    {"values in a job file", YAML_NODES_MAX, LIMIT_COUNT, NULL},
    {"keys in one mapping", YAML_KEYS_MAX, LIMIT_COUNT, NULL},
    {"mistakes reported at once", LOAD_MISTAKES_MAX, LIMIT_COUNT, "the others are counted"},
    {"letters in the name of a job or stage", PLAN_NAME_MAX, LIMIT_COUNT, NULL},
    {"letters in a label", PLAN_LABEL_MAX, LIMIT_COUNT, NULL},
    {"labels of a stage", PLAN_LABELS_MAX, LIMIT_COUNT, NULL},
    {"stages", PLAN_STAGES_MAX - 1, LIMIT_COUNT, NULL},
    {"words in one command", PLAN_ARGS_MAX, LIMIT_COUNT, NULL},
    {"levels of quotes and substitutions in a script with placeholders", TEMPLATE_NEST_MAX,
     LIMIT_COUNT, NULL},
    {"here-documents on one line of such a script", TEMPLATE_HERE_MAX, LIMIT_COUNT, NULL},
    {"a step, as workers get it", PLAN_PACKED_MAX, LIMIT_BYTES, NULL},
    {"a job, as a coordinator gets it", PLAN_WHOLE_MAX, LIMIT_BYTES, NULL},
    {"one item", FRAME_ITEM_MAX, LIMIT_BYTES, "the source fails"},
    {"data of a chunk that the worker reads from a file", EXTENT_BYTES_MAX, LIMIT_BYTES,
     "the source fails"},
    {"data of a chunk from standard input, a pipe or a compressed file", CUTTER_CHUNK_MAX,
     LIMIT_BYTES, "the source fails"},
    {"`record.end` and `record.start`", SEPARATOR_MARK_MAX, LIMIT_BYTES, NULL},
    {"the lines of `record.header`", SEPARATOR_HEADER_BYTES_MAX, LIMIT_BYTES, NULL},
    {"fields in a row", ROW_FIELDS_MAX, LIMIT_COUNT, "the source fails"},
    {"the header row of a `csv`", ROW_HEADER_MAX, LIMIT_BYTES, "the source fails"},
    {"axes of a `matrix`", MATRIX_AXES_MAX, LIMIT_COUNT, NULL},
    {"rules of `exclude`, and of `include`", MATRIX_RULES_MAX, LIMIT_COUNT, NULL},
    {"values written in a `matrix`", MATRIX_VALUES_MAX, LIMIT_COUNT, "ranges are not counted"},
    {"the same, in bytes", MATRIX_BYTES_MAX, LIMIT_BYTES, NULL},
    {"a kernel's library that is sent to workers", LIBRARY_BYTES_MAX, LIMIT_BYTES,
     "a larger one must be on the worker"},
};
const size_t n_job_limits = sizeof(job_limits) / sizeof(job_limits[0]);

static int put_count(uint64_t number, struct buf *out)
{
    if (number < 1000)
        return buf_printf(out, "%" PRIu64, number);
    int r = put_count(number / 1000, out);
    return r < 0 ? r : buf_printf(out, ",%03" PRIu64, number % 1000);
}

// The largest unit of which the number is a whole multiple.
static int put_multiple(uint64_t number, const uint64_t *sizes, const char *const *names, size_t n,
                        struct buf *out)
{
    size_t i = 0;
    while (i + 1 < n && (number < sizes[i] || number % sizes[i]))
        i++;
    int r = put_count(number / sizes[i], out);
    return r < 0 ? r : buf_printf(out, " %s", names[i]);
}

int limit_number(enum limit_unit unit, uint64_t number, struct buf *out)
{
    static const uint64_t bytes[] = {1ull << 50, 1ull << 40, 1u << 30, 1u << 20, 1u << 10, 1};
    static const char *const byte_names[] = {"PiB", "TiB", "GiB", "MiB", "KiB", "bytes"};
    static const uint64_t seconds[] = {86400, 3600, 60, 1};
    static const char *const second_names[] = {"days", "h", "min", "s"};
    switch (unit) {
    case LIMIT_BYTES:
        return put_multiple(number, bytes, byte_names, sizeof(bytes) / sizeof(bytes[0]), out);
    case LIMIT_SECONDS:
        return put_multiple(number, seconds, second_names, sizeof(seconds) / sizeof(seconds[0]),
                            out);
    case LIMIT_COUNT:
        break;
    }
    return put_count(number, out);
}

int limits_man(const struct limit *limits, size_t n, struct buf *out)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct limit *limit = &limits[i];
        r = buf_add_str(out, ".TP\n.B ");
        if (r == 0)
            r = limit_number(limit->unit, limit->number, out);
        if (r == 0)
            r = buf_add(out, "\n", 1);
        if (r == 0)
            r = roff_text(out, limit->what);
        if (r == 0 && limit->then)
            r = buf_add_str(out, ": ");
        if (r == 0 && limit->then)
            r = roff_text(out, limit->then);
        if (r == 0)
            r = buf_add(out, "\n", 1);
    }
    return r;
}
