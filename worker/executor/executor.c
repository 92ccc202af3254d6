#include "worker/executor/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "worker/executor/chunk_run.h"
#include "worker/executor/recipe.h"
#include "worker/executor/stages.h"
#include "worker/jobserver.h"
#include "worker/page.h"
#include "worker/wire.h"

#define FLUSH_BYTES (64u << 10)      // results are written when they have this many bytes
#define FLUSH_AGE_NS (1 * NS_PER_MS) // or when the oldest has waited for this long
#define TRIM_BYTES (1u << 20)

struct executor {
    int fd;
    struct page *page;
    LIST_HEAD(, recipe) recipes;
    struct wire_reader reader;
    struct buf out;
    int64_t out_since; // when the first result in `out` was written
    struct chunk_run chunk;
    bool parted;                     // the running chunk has sent parts
    volatile sig_atomic_t may_flush; // a kernel runs, and nothing else is using `out`
};

static struct executor executor; // the process has exactly one; its signal handler finds it here

static _Noreturn void leave(int status)
{
    _exit(status);
}

static void flush(struct executor *e)
{
    if (!e->out.len)
        return;
    // The agent is gone, and with it the reader.
    if (fd_write_all(e->fd, e->out.data, e->out.len) < 0)
        leave(0);
    buf_clear(&e->out);
    if (e->out.cap > TRIM_BYTES)
        buf_done(&e->out);
}

// A finished result must not wait for the next chunk, which may be waiting for the result's
// reader. The agent asks for it when a kernel takes long; before a program it is written anyway.
static void on_flush_asked(int number)
{
    int saved = errno;
    (void)number;
    if (executor.may_flush)
        flush(&executor);
    errno = saved;
}

static void let_flush(struct executor *e, bool may)
{
    atomic_signal_fence(memory_order_seq_cst);
    e->may_flush = may;
    atomic_signal_fence(memory_order_seq_cst);
}

static void must(int r)
{
    if (r < 0)
        leave(1); // the chunk that was running is blamed; a new executor starts afresh
}

static struct recipe *find_recipe(struct executor *e, uint64_t job, uint32_t step)
{
    struct recipe *r;
    LIST_FOREACH (r, &e->recipes, entry)
        if (r->job == job && r->step == step)
            return r;
    return NULL;
}

static void forget(struct executor *e, uint64_t job)
{
    struct recipe *next;
    for (struct recipe *r = LIST_FIRST(&e->recipes); r; r = next) {
        next = LIST_NEXT(r, entry);
        if (r->job != job)
            continue;
        LIST_REMOVE(r, entry);
        recipe_free(r);
    }
}

static void define(struct executor *e, const uint8_t *frame, size_t len)
{
    struct wire_step step;
    const uint8_t *packed;
    struct recipe *recipe = NULL;
    struct err err;
    must(wire_get_step(frame, len, &step, &packed));
    // The agent has checked the same bytes.
    must(recipe_new(step.job, step.step, packed, step.packed_len, &recipe, &err));
    LIST_INSERT_HEAD(&e->recipes, recipe, entry);
}

static void put(struct executor *e, struct wire_result *head, const uint32_t *lens,
                const uint8_t *body)
{
    const struct chunk_run *c = &e->chunk;
    if (!e->out.len)
        e->out_since = page_time(e->page);
    must(wire_put_result(&e->out, head, c->error, c->errors.data, lens, body));
}

// How many whole single results fit into a part; 0 when the first alone is too large.
static uint32_t fit_items(const uint32_t *lens, uint32_t n, size_t *ret_bytes)
{
    size_t bytes = 0;
    uint32_t i = 0;
    while (i < n && bytes + lens[i] <= PROTO_RESULT_PART_MAX)
        bytes += lens[i++];
    *ret_bytes = bytes;
    return i;
}

static bool items_fit_parts(const uint32_t *lens, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (lens[i] > PROTO_RESULT_PART_MAX)
            return false;
    return true;
}

static void answer(struct executor *e, uint64_t serial, int64_t run_ns)
{
    const struct chunk_run *c = &e->chunk;
    const struct output *result = c->result;
    const uint32_t *lens = (const uint32_t *)(const void *)result->lens.data;
    uint32_t n = result->n;
    size_t at = 0, left = result->body.len;
    // One result needs no list, and a list that doesn't fit its parts would say nothing.
    bool listed = n > 1 && result->lens.len == n * sizeof(*lens) && items_fit_parts(lens, n);
    struct wire_result head = {.serial = serial};
    while (left > PROTO_RESULT_PART_MAX) {
        size_t bytes = PROTO_RESULT_PART_MAX;
        uint32_t items = listed ? fit_items(lens, n, &bytes) : 0;
        head.more = WIRE_MORE;
        head.n_lens = items;
        head.body_len = (uint32_t)bytes;
        put(e, &head, lens, result->body.data + at);
        flush(e);
        at += bytes;
        left -= bytes;
        lens += items;
        n -= items;
    }
    head.more = WIRE_LAST;
    head.ending = c->ending;
    head.ending.run_ns = run_ns;
    head.error_len = (uint16_t)strlen(c->error);
    head.stderr_len = (uint32_t)c->errors.len;
    head.n_lens = listed ? n : 0;
    head.has_nothing = c->first.has_no_record && c->ending.outcome == OUTCOME_OK;
    head.body_len = (uint32_t)left;
    put(e, &head, lens, result->body.data + at);
    // Parts must never be followed by a second run of the same chunk.
    if (at || e->parted)
        flush(e);
    e->parted = false;
}

// What a running kernel has emitted so far leaves as a part of the result.
static void send_part(void *arg, struct output *out)
{
    struct executor *e = arg;
    struct chunk_run *c = &e->chunk;
    const uint8_t *body = out->body.data;
    struct wire_result head = {.serial = c->serial, .more = WIRE_MORE};
    let_flush(e, false);
    for (size_t left = out->body.len; left > 0;) {
        size_t bytes = left < PROTO_RESULT_PART_MAX ? left : PROTO_RESULT_PART_MAX;
        head.body_len = (uint32_t)bytes;
        put(e, &head, NULL, body);
        body += bytes;
        left -= bytes;
    }
    flush(e);
    buf_clear(&out->body);
    buf_clear(&out->lens);
    out->n = 0;
    e->parted = true;
    let_flush(e, true);
}

static void send_stderr(void *arg, const void *data, size_t len)
{
    struct executor *e = arg;
    const struct chunk_run *c = &e->chunk;
    struct wire_result head = {
        .serial = c->serial, .more = WIRE_MORE_STDERR, .body_len = (uint32_t)len};
    put(e, &head, NULL, data);
    flush(e);
    e->parted = true;
}

static uint64_t items_of(const struct wire_run *run, uint32_t i)
{
    uint64_t first = run->item_first + i * run->items_per_chunk;
    uint64_t end = first + run->items_per_chunk;
    return (end < run->item_end ? end : run->item_end) - first;
}

static void run_chunks(struct executor *e, uint8_t *frame, size_t len)
{
    struct wire_run_view view;
    must(wire_get_run(frame, len, &view));
    const struct wire_run *run = &view.run;
    struct chunk_run *c = &e->chunk;
    c->recipe = find_recipe(e, run->job, run->step);
    must(c->recipe ? 0 : -EPROTO);
    bool is_data =
        !run->items_per_chunk || (run->step == 0 && c->recipe->plan->source.kind == SOURCE_DATA);
    uint8_t *at = view.body;
    int64_t now = page_time(e->page);
    for (uint32_t i = 0; i < run->count; i++) {
        uint64_t serial = run->serial + i;
        uint32_t bytes = 0;
        if (run->kind != RUN_RANGE)
            memcpy(&bytes, view.lens + i * sizeof(bytes), sizeof(bytes));
        if (!page_begin(e->page, serial)) {
            must(wire_put_skipped(&e->out, serial, 0));
            atomic_store(&e->page->running, 0);
            at += bytes;
            continue;
        }
        c->serial = serial;
        c->number = run->first + i;
        c->attempt = run->attempt;
        c->began = now;
        uint8_t next = at[bytes];
        if (c->recipe->only_kernels)
            let_flush(e, true);
        else
            flush(e);
        stages_run(c,
                   &(struct input_chunk){.kind = (enum run_kind)run->kind,
                                         .item_first = run->item_first + i * run->items_per_chunk,
                                         .n_items = items_of(run, i),
                                         .is_data = is_data,
                                         .data = at,
                                         .len = bytes});
        let_flush(e, false);
        at[bytes] = next;
        at += bytes;
        int64_t end = page_time(e->page);
        if (c->full)
            must(wire_put_skipped(&e->out, serial, c->full));
        else
            answer(e, serial, end - now);
        atomic_store(&e->page->running, 0);
        now = end;
        if (!c->recipe->only_kernels || e->out.len >= FLUSH_BYTES ||
            now - e->out_since >= FLUSH_AGE_NS)
            flush(e);
        chunk_run_trim(c);
    }
}

static void serve(struct executor *e)
{
    for (;;) {
        uint32_t type;
        uint8_t *frame;
        size_t len;
        int r = wire_next(&e->reader, &type, &frame, &len);
        must(r);
        if (r == 0) {
            flush(e);
            ssize_t n = wire_fill(&e->reader, e->fd);
            if (n == 0 || (n < 0 && n != -EINTR && n != -EAGAIN))
                leave(0);
            continue;
        }
        if (type == WIRE_RUN) {
            run_chunks(e, frame, len);
        } else if (type == WIRE_STEP) {
            define(e, frame, len);
        } else if (type == WIRE_FORGET) {
            struct wire_forget gone;
            memcpy(&gone, frame, sizeof(gone));
            forget(e, gone.job);
        } else {
            leave(1);
        }
    }
}

// An executor keeps its socket, its signals and stderr. What a kernel prints goes to stderr: the
// job's standard output carries results only.
static int arrange_files(int fd)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    int kept = STDERR_FILENO + 1;
    if (fd != kept && dup3(fd, kept, O_CLOEXEC) < 0)
        leave(1);
    int last = jobserver_passed() ? JOBSERVER_PASS_WRITE : kept;
    close_range((unsigned)last + 1, ~0u, 0);
    return kept;
}

_Noreturn void executor_main(int fd, uint32_t slot, struct page *page, struct kept *kept)
{
    struct executor *e = &executor;
    const struct sigaction flush_asked = {.sa_handler = on_flush_asked, .sa_flags = SA_RESTART};
    sigset_t set;
    e->fd = arrange_files(fd);
    e->page = page;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    // SIGPIPE is blocked, not ignored: a program that is started would inherit that.
    sigaction(SIGURG, &flush_asked, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGPIPE);
    sigset_t before;
    sigprocmask(SIG_SETMASK, &set, &before);
    sigdelset(&set, SIGPIPE);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        leave(1);
    wire_reader_init(&e->reader);
    buf_init(&e->out, 0);
    chunk_run_init(&e->chunk, page, kept, signals, slot + 1);
    e->chunk.blocked = before;
    e->chunk.send_part = send_part;
    e->chunk.send_stderr = send_stderr;
    e->chunk.send_arg = e;
    serve(e);
    leave(0);
}
