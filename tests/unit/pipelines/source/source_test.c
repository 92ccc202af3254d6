#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "made.h"
#include "pipelines/frame.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/source.h"
#include "seen.h"
#include "tests/unit/pipelines/folder.h"

Test(source, a_range_of_any_length_costs_nothing)
{
    struct made m;
    struct plan *plan = make(&m, "/", SOURCE_RANGE, CHUNK_ITEMS, 1);
    plan->source.range = (struct range){1, 1, 1000000000};
    _cleanup_(seen_done)
    struct seen s = {0};
    struct source_want want = {.chunks = UINT64_MAX, .slots = 2};
    cr_assert_eq(see(&s, plan, &want), 0);
    cr_assert(s.chunks == 1000000000 && s.runs == 1);
    m.step.chunking.n = 7;
    want.chunks = 1000000;
    cr_assert_eq(see(&s, plan, &want), 0);
    cr_assert(s.chunks == 142857143 && s.runs == 143 && s.items == 1000000000);
    plan->source.range.count = UINT64_MAX;
    m.step.chunking.n = UINT64_MAX;
    cr_assert_eq(see(&s, plan, &want), 0);
    cr_assert_eq(s.chunks, 1);
    plan->source.range.count = 0;
    cr_assert_eq(see(&s, plan, &want), 0);
    cr_assert_eq(s.chunks, 0);
}

Test(source, parts_are_as_many_as_asked)
{
    struct made m;
    struct plan *plan = make(&m, "/", SOURCE_RANGE, CHUNK_PARTS, 6);
    _cleanup_(seen_done)
    struct seen s = {0};
    for (uint64_t count = 1; count < 40; count++)
        for (uint64_t n = 1; n < 12; n++) {
            plan->source.range.count = count;
            m.step.chunking.n = n;
            cr_assert_eq(see(&s, plan, &anything), 0);
            cr_assert_eq(s.chunks, n < count ? n : count);
            cr_assert_eq(s.items, count);
        }
    plan = make(&m, "/", SOURCE_ITEMS, CHUNK_PARTS, 2);
    add(&m, "a"), add(&m, "b"), add(&m, "c");
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[a,b][c]");
    buf_done(&s.text);
}

Test(source, auto_chunks_grow_with_what_is_seen)
{
    struct made m;
    struct plan *plan = make(&m, "/", SOURCE_RANGE, CHUNK_AUTO, 0);
    plan->source.range.count = 1000000000;
    struct source_reader *r;
    struct err err;
    struct run run;
    struct source_want want = {.chunks = 100, .slots = 2};
    cr_assert_eq(source_open(plan, &r, &err), 0);
    cr_assert_eq(source_total(r), UINT64_MAX);
    // 0.1 ms an item: the size settles near 50 ms, also when the mean lags behind.
    uint64_t sizes[6] = {0};
    for (int i = 0; i < 60; i++) {
        cr_assert_eq(source_next(r, &want, &run, &err), 1);
        cr_assert(i > 3 || run.items_per_chunk == 64, "%lu", run.items_per_chunk);
        memmove(sizes + 1, sizes, 5 * sizeof(*sizes));
        sizes[0] = run.items_per_chunk;
        want.mean_run_ns = i < 3 ? 0 : (int64_t)sizes[3] * 100000;
    }
    cr_assert(sizes[0] >= 256 && sizes[0] <= 2048, "%lu items", sizes[0]);
    source_close(r);

    // A short range leaves something for each slot.
    plan->source.range.count = 40;
    want.mean_run_ns = 0;
    cr_assert_eq(source_open(plan, &r, &err), 0);
    cr_assert_eq(source_next(r, &want, &run, &err), 1);
    cr_assert_eq(run.items_per_chunk, 5);
    source_close(r);
    // Items that take long stay alone.
    plan = make(&m, "/", SOURCE_ITEMS, CHUNK_AUTO, 0);
    add(&m, "a"), add(&m, "b");
    _cleanup_(seen_done)
    struct seen s = {0};
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[a][b]");
    buf_done(&s.text);
}

Test(source, items_raw_or_framed_within_the_want)
{
    struct made m;
    struct plan *plan = make(&m, "/", SOURCE_ITEMS, CHUNK_ITEMS, 1);
    add(&m, "a b"), add(&m, ""), add(&m, "ccccc"), add(&m, "d"), add(&m, "e");
    _cleanup_(seen_done)
    struct seen s = {0};
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[a b][][ccccc][d][e]");
    cr_assert_eq(s.runs, 1);
    buf_done(&s.text);
    cr_assert_eq(see(&s, plan, &(struct source_want){2, 4, 0, 1}), 0);
    expect_seen(&s, "[a b][][ccccc][d][e]");
    cr_assert_eq(s.runs, 3);
    buf_done(&s.text);
    m.step.chunking.n = 2;
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[a b,][ccccc,d][e]");
    buf_done(&s.text);
    m.step.chunking.rule = CHUNK_BYTES;
    cr_assert_eq(see(&s, plan, &anything), -EINVAL);
    expect_error(&s, "items, parts or auto");
}

// A program that takes longer to start than to run: only the number of chunks shows it.
Test(source, chunks_of_lines_grow_although_each_takes_the_same_time)
{
    struct folder f;
    struct made m;
    struct source_reader *r;
    struct err err;
    struct run run;
    struct buf text = {0};
    struct source_want want = {
        .chunks = 256, .bytes = UINT64_MAX, .slots = 2, .mean_run_ns = 1000000};
    uint64_t chunks = 0, items = 0;
    folder_make(&f);
    for (int i = 0; i < 200000; i++)
        cr_assert_eq(buf_printf(&text, "%d\n", i), 0);
    folder_file(&f, "lines", text.data, text.len);
    struct plan *plan = make(&m, f.path, SOURCE_LINES, CHUNK_AUTO, 0);
    add(&m, "lines");
    cr_assert_eq(source_open(plan, &r, &err), 0);
    int n;
    while ((n = source_next(r, &want, &run, &err)) == 1) {
        chunks += run.count;
        items = run.item_end;
        run_done(&run);
    }
    cr_expect_eq(n, 0);
    cr_expect_eq(items, 200000);
    cr_expect_leq(chunks, 5000, "%lu chunks", chunks);
    source_close(r);
    buf_done(&text);
    folder_remove(&f);
}
