#include "pipelines/input/range.h"

#include "base/pack.h"

#define RANGE_FIELDS 3

bool range_ok(const struct range *range)
{
    int64_t span, last;
    if (range->step == 0 || range->count > INT64_MAX)
        return false;
    if (range->count == 0)
        return true;
    return !__builtin_mul_overflow((int64_t)(range->count - 1), range->step, &span) &&
           !__builtin_add_overflow(range->start, span, &last);
}

void range_pack(struct pack_writer *w, const struct range *range)
{
    pack_array(w, RANGE_FIELDS);
    pack_i64(w, range->start);
    pack_i64(w, range->step);
    pack_u64(w, range->count);
}

struct range range_unpack(struct pack_reader *r)
{
    if (pack_read_array(r, RANGE_FIELDS) != RANGE_FIELDS)
        pack_fail(r);
    struct range range = {.start = pack_read_i64(r)};
    range.step = pack_read_i64(r);
    range.count = pack_read_u64(r, INT64_MAX);
    if (!range_ok(&range))
        pack_fail(r);
    return range;
}
