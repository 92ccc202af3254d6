#include "cli/run/dryrun.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/exit_code.h"
#include "cli/text/quote.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/source.h"
#include "worker/executor/input.h"
#include "worker/executor/recipe.h"
#include "worker/executor/words.h"

#define RUN_CHUNKS 1024u
#define RUN_BYTES_MAX (16u << 20)
#define FLUSH_BYTES (64u << 10)
#define KERNEL_ITEMS_SHOWN 8u

struct dry {
    const struct plan *plan;
    struct recipe *recipe; // of the step being shown
    struct input input;
    struct words words;
    struct row row;
    struct buf payload; // of a chunk, with room after it
    struct buf out;
    uint64_t item_first; // of the chunk
    size_t at;           // item of the chunk whose run is shown
    bool has_items;
};

static void dry_done(struct dry *d)
{
    recipe_free(d->recipe);
    input_done(&d->input);
    words_done(&d->words);
    row_done(&d->row);
    buf_done(&d->payload);
    buf_done(&d->out);
}

static int open_recipe(struct dry *d, size_t step, struct err *err)
{
    _cleanup_(buf_done)
    struct buf packed = {0};
    d->recipe = recipe_free(d->recipe);
    int r = plan_pack_step(d->plan, step, NULL, &packed);
    return r < 0 ? err_sys(err, r, "step %zu", step + 1)
                 : recipe_new(1, (uint32_t)step, packed.data, packed.len, &d->recipe, err);
}

static int give_item(void *arg, size_t index, struct template_values *ret)
{
    struct dry *d = arg;
    const struct input_item *item = d->has_items ? input_item(&d->input, d->at + index) : NULL;
    int r = item ? input_row(&d->input, d->at + index, &d->row) : 0;
    *ret = (struct template_values){.item = item ? (const char *)item->at : "",
                                    .item_len = item ? item->len : 0,
                                    .seq = d->item_first + d->at + index + 1,
                                    .slot = 1,
                                    .row = &d->row,
                                    .params = d->recipe->params};
    return r < 0 ? r : item || index == 0;
}

static int put_program(struct dry *d, struct recipe_stage *s, size_t *ret_taken)
{
    recipe_settle(s, d->recipe->directory);
    int r = words_build(&d->words, s, give_item, d, ret_taken);
    size_t n = words_count(&d->words);
    char **argv = r == 0 ? words_argv(&d->words) : NULL;
    if (!argv)
        return r ? r : -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++) {
        if (i)
            r = buf_add_str(&d->out, " ");
        if (r == 0)
            r = quote_word(&d->out, argv[i], strlen(argv[i]));
    }
    return r;
}

static int put_kernel(struct dry *d, const struct stage *stage)
{
    int r = stage->library ? quote_word(&d->out, stage->library, strlen(stage->library))
                           : buf_add_str(&d->out, "builtin");
    if (r == 0)
        r = buf_printf(&d->out, ":%s", stage->function);
    for (size_t i = 0; d->has_items && i < d->input.n_items && r == 0; i++) {
        if (i == KERNEL_ITEMS_SHOWN)
            return buf_add_str(&d->out, " ...");
        const struct input_item *item = input_item(&d->input, i);
        r = buf_add_str(&d->out, " ");
        if (r == 0)
            r = item ? quote_word(&d->out, item->at, item->len) : -ENOMEM;
    }
    return r;
}

// One line: the stages for the item at d->at.
static int put_stages(struct dry *d, size_t *ret_taken)
{
    *ret_taken = 1;
    for (size_t i = 0; i < d->recipe->n_stages; i++) {
        struct recipe_stage *s = &d->recipe->stages[i];
        size_t taken = 1;
        int r = i ? buf_add_str(&d->out, " | ") : 0;
        if (r == 0)
            r = s->stage->kind == STAGE_KERNEL ? put_kernel(d, s->stage)
                                               : put_program(d, s, &taken);
        if (r < 0)
            return r;
        if (i == 0)
            *ret_taken = taken;
    }
    return 0;
}

static int put_piece(struct dry *d, const struct run *run, const uint8_t *payload, uint32_t len)
{
    struct extent extent;
    if (run->kind != RUN_EXTENT)
        return buf_printf(&d->out, " # %" PRIu32 " bytes\n", len);
    int r = extent_get(payload, len, &extent);
    if (r == 0)
        r = buf_add_str(&d->out, " # ");
    if (r == 0)
        r = quote_word(&d->out, extent.path, extent.path_len);
    return r < 0 ? r
                 : buf_printf(&d->out, ": %" PRIu64 " bytes from %" PRIu64 " on\n", extent.length,
                              extent.offset);
}

static int put_chunk(struct dry *d, const struct run *run, uint64_t index, const uint8_t *payload,
                     struct err *err)
{
    bool is_data = d->plan->source.kind == SOURCE_DATA;
    uint32_t len = run->lens ? run->lens[index] : 0;
    size_t taken;
    d->at = 0;
    d->has_items = !is_data;
    d->item_first = run->item_first + index * run->items_per_chunk;
    buf_clear(&d->payload);
    int r = buf_reserve(&d->payload, (size_t)len + 1);
    if (r < 0)
        return err_sys(err, r, "a chunk");
    if (is_data) {
        r = put_stages(d, &taken);
        return r == 0 ? put_piece(d, run, payload, len) : err_sys(err, r, "a chunk");
    }
    buf_add(&d->payload, payload, len);
    uint64_t left = run->item_end - d->item_first;
    const struct input_chunk chunk = {.kind = run->kind,
                                      .item_first = d->item_first,
                                      .n_items =
                                          left < run->items_per_chunk ? left : run->items_per_chunk,
                                      .data = d->payload.data,
                                      .len = len};
    r = input_open(&d->input, d->recipe->plan, &chunk, err);
    if (r < 0)
        return r;
    bool each = d->recipe->stages[0].stage->kind == STAGE_COMMAND;
    do {
        r = put_stages(d, &taken);
        if (r == 0)
            r = buf_add_str(&d->out, "\n");
        d->at += r == 0 ? taken : 0;
    } while (r == 0 && each && d->at < d->input.n_items);
    return r == -E2BIG ? err_set(err, r, "item %" PRIu64 " is too long for an argument",
                                 d->item_first + d->at + 1)
           : r == -EILSEQ
               ? err_set(err, r, "item %" PRIu64 " contains a NUL byte", d->item_first + d->at + 1)
           : r < 0 ? err_sys(err, r, "a chunk")
                   : 0;
}

static int flush(struct dry *d)
{
    int r = fd_write_all(STDOUT_FILENO, d->out.data, d->out.len);
    buf_clear(&d->out);
    return r;
}

static int put_run(struct dry *d, const struct run *run, int *ret_output, struct err *err)
{
    const uint8_t *payload = run->body.data;
    for (uint64_t i = 0; i < run->count; i++) {
        int r = put_chunk(d, run, i, payload, err);
        if (r < 0)
            return r;
        payload += run->lens ? run->lens[i] : 0;
        if (d->out.len >= FLUSH_BYTES && (*ret_output = flush(d)) < 0)
            return *ret_output;
    }
    return 0;
}

static int put_source(struct dry *d, struct source_reader *source, uint32_t slots, int *ret_output,
                      struct err *err)
{
    const struct source_want want = {.chunks = RUN_CHUNKS, .bytes = RUN_BYTES_MAX, .slots = slots};
    for (;;) {
        struct run run = {0};
        int r = source_next(source, &want, &run, err);
        if (r == -EAGAIN) {
            struct pollfd p = {.fd = source_fd(source), .events = POLLIN};
            if (flush(d) == 0)
                poll(&p, 1, -1);
            continue;
        }
        if (r == 1)
            r = put_run(d, &run, ret_output, err);
        else
            return r;
        run_done(&run);
        if (r < 0)
            return r;
    }
}

static int put_later_steps(struct dry *d, struct err *err)
{
    d->has_items = false;
    for (size_t i = 1; i < d->plan->n_steps; i++) {
        size_t taken;
        int r = open_recipe(d, i, err);
        if (r < 0)
            return r;
        r = buf_add_str(&d->out, "# and on the results: ");
        if (r == 0)
            r = put_stages(d, &taken);
        if (r == 0)
            r = buf_add_str(&d->out, "\n");
        if (r < 0)
            return err_sys(err, r, "step %zu", i + 1);
    }
    return 0;
}

int dry_run(const struct plan *plan, uint32_t slots)
{
    _cleanup_(dry_done)
    struct dry d = {.plan = plan};
    struct source_reader *source = NULL;
    struct err err = {0};
    int output = 0;
    input_init(&d.input);
    words_init(&d.words);
    row_init(&d.row);
    int r = open_recipe(&d, 0, &err);
    if (r == 0)
        r = source_open(plan, &source, &err);
    if (r == 0)
        r = put_source(&d, source, slots, &output, &err);
    source_close(source);
    if (r == 0)
        r = put_later_steps(&d, &err);
    if (output == 0)
        output = flush(&d);
    if (output == -EPIPE)
        return EXIT_SIGNAL + SIGPIPE;
    if (output < 0)
        err_sys(&err, output, "standard output");
    if (r < 0 || output < 0)
        fprintf(stderr, "fanmill: %s\n", err.text);
    return output < 0 ? EXIT_OUTPUT : r < 0 ? EXIT_USAGE : EXIT_ALL_WELL;
}
