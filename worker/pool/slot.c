#include "worker/pool/slot.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/fd.h"
#include "base/log.h"
#include "worker/executor/zygote.h"

#define GRACE_NS (6 * NS_PER_S) // TERM to KILL is 5 s in the executor; then its time is over
#define BARREN_MAX 3
#define READS_PER_TURN 16
#define KEEP_BYTES (1u << 20)

static struct sent *entry(const struct slot *slot, uint32_t i)
{
    return &slot->ring[(slot->head + i) & (slot->cap - 1)];
}

void slot_init(struct slot *slot, struct pool *pool, uint32_t index, struct page *page)
{
    *slot = (struct slot){.pool = pool, .index = index, .page = page, .fd = -1};
    wire_reader_init(&slot->in);
    buf_init(&slot->out, 0);
}

static void hang_up(struct slot *slot)
{
    watch_remove(&slot->watch);
    slot->watch = (struct watch){0};
    if (slot->fd >= 0)
        close(slot->fd);
    slot->fd = -1;
}

void slot_done(struct slot *slot)
{
    hang_up(slot);
    timer_cancel(&slot->grace);
    for (uint32_t i = 0; i < slot->n; i++)
        if (entry(slot, i)->held)
            held_unref(entry(slot, i)->held);
    free(slot->ring);
    wire_reader_done(&slot->in);
    buf_done(&slot->out);
}

static struct sent pop(struct slot *slot)
{
    struct sent first = *entry(slot, 0);
    slot->head = (slot->head + 1) & (slot->cap - 1);
    slot->n--;
    if (!first.held)
        slot->n_ghosts--;
    slot->parted = false;
    return first;
}

static void end_with(struct slot *slot, struct held *held, uint32_t index, struct ending ending,
                     const char *text)
{
    const struct lease *lease = &held->lease;
    pool_deliver(slot->pool, held,
                 &(struct result){.job = lease->job,
                                  .step = lease->step,
                                  .attempt = lease->attempt,
                                  .chunk = lease->first + index,
                                  .ending = ending,
                                  .error = text,
                                  .error_len = strlen(text),
                                  .n_items = 1});
}

// A chunk that did not run leaves the slot: to the queue, or as cancelled.
static void give_back(struct slot *slot, struct sent *sent)
{
    if (!sent->held)
        return;
    if (sent->cancelled)
        end_with(slot, sent->held, sent->index, (struct ending){.outcome = OUTCOME_CANCELLED},
                 "cancelled");
    else
        pool_requeue(slot->pool, sent->held, sent->index, sent->index + 1);
    held_unref(sent->held);
    sent->held = NULL;
}

// From the last to the first, since each goes to the front of the queue.
static void give_back_from(struct slot *slot, uint32_t from)
{
    for (uint32_t i = slot->n; i-- > from;)
        give_back(slot, entry(slot, i));
}

static int take_result(struct slot *slot, const uint8_t *frame, size_t len)
{
    struct wire_result_view view;
    int r = wire_get_result(frame, len, &view);
    const struct wire_result *head = &view.result;
    if (r < 0 || !slot->n || head->serial != slot_first_serial(slot) || !entry(slot, 0)->held ||
        head->ending.outcome >= OUTCOME_COUNT)
        return -EPROTO;
    struct sent *sent = entry(slot, 0);
    const struct lease *lease = &sent->held->lease;
    struct result result = {
        .job = lease->job,
        .step = lease->step,
        .attempt = lease->attempt,
        .chunk = lease->first + sent->index,
        .more = head->more,
        .ending = head->ending,
        .error = head->error_len ? (const char *)view.error : NULL,
        .error_len = head->error_len,
        .stderr_text = (const char *)view.stderr_text,
        .stderr_len = head->stderr_len,
        .item_lens = head->n_lens ? pool_aligned_lens(slot->pool, view.lens, head->n_lens) : NULL,
        .n_items = head->n_lens ? head->n_lens : 1,
        .body = view.body,
        .body_len = head->body_len,
    };
    if (head->n_lens && !result.item_lens)
        return -ENOMEM;
    if (result.more) {
        slot->parted = true;
        pool_deliver(slot->pool, sent->held, &result);
        return 0;
    }
    struct sent first = pop(slot);
    slot->answered = true;
    slot->barren = 0;
    pool_deliver(slot->pool, first.held, &result);
    held_unref(first.held);
    return 0;
}

static int take_skipped(struct slot *slot, const uint8_t *frame)
{
    struct wire_skipped skipped;
    memcpy(&skipped, frame, sizeof(skipped));
    if (!slot->n || skipped.serial != slot_first_serial(slot))
        return -EPROTO;
    struct sent first = pop(slot);
    give_back(slot, &first);
    return 0;
}

// All whole frames that were read. 0, or negative errno on nonsense.
static int take_frames(struct slot *slot)
{
    uint32_t type;
    uint8_t *frame;
    size_t len;
    int r;
    while ((r = wire_next(&slot->in, &type, &frame, &len)) == 1) {
        if (type == WIRE_RESULT)
            r = take_result(slot, frame, len);
        else if (type == WIRE_SKIPPED)
            r = take_skipped(slot, frame);
        else
            r = -EPROTO;
        if (r < 0)
            return r;
    }
    return r;
}

// 1: there may be more; 0: the socket has ended or is not worth reading; -EAGAIN: nothing now.
static int read_once(struct slot *slot)
{
    ssize_t n = wire_fill(&slot->in, slot->fd);
    if (n == -EAGAIN)
        return -EAGAIN;
    int r = n > 0 ? take_frames(slot) : 0;
    if (n < 0)
        r = (int)n;
    if (r < 0 && r != -ECONNRESET)
        log_warn("an executor's answer makes no sense", "slot=%u code=%d", slot->index + 1, r);
    return n > 0 && r >= 0;
}

static void on_ready(struct watch *watch, uint32_t events)
{
    struct slot *slot = container_of(watch, struct slot, watch);
    if (events & EPOLLOUT)
        slot_flush(slot);
    if (!(events & ~(uint32_t)EPOLLOUT))
        return;
    int r = 1;
    for (int i = 0; i < READS_PER_TURN && r == 1; i++)
        r = read_once(slot);
    if (r == 0) {
        slot->state = SLOT_DYING;
        hang_up(slot);
        pool_ask(slot, ZYGOTE_KILL);
    }
    pool_wake(slot->pool);
}

void slot_forked(struct slot *slot, int fd)
{
    assert(slot->state == SLOT_FORKING);
    slot->fd = fd;
    slot->next_serial = 1;
    slot->stuck = 0;
    slot->judged = 0;
    slot->answered = false;
    slot->kill = KILL_NONE;
    slot->state = SLOT_LIVE;
    if (fd_set_nonblock(fd, true) < 0 || watch_add(&slot->watch, fd, EPOLLIN, on_ready) < 0) {
        slot->state = SLOT_DYING;
        hang_up(slot);
        pool_ask(slot, ZYGOTE_KILL);
    }
}

static void describe_death(const struct zygote_news *news, char *text, size_t size)
{
    if (WIFSIGNALED(news->status)) {
        int number = WTERMSIG(news->status);
        const char *name = sigabbrev_np(number);
        snprintf(text, size,
                 "the executor was killed by signal %d (%s%s) while it ran this chunk%s", number,
                 name ? "SIG" : "", name ? name : "unknown",
                 number == SIGKILL ? "; perhaps memory ran out" : "");
    } else {
        snprintf(text, size, "the executor exited with code %d while it ran this chunk",
                 WEXITSTATUS(news->status));
    }
}

// Which chunk pays for the death: the one that was on, as the page says. n: none.
static uint32_t blamed(struct slot *slot)
{
    uint64_t first = slot_first_serial(slot);
    uint64_t running = atomic_load(&slot->page->running);
    if (running >= first && running < slot->next_serial &&
        entry(slot, (uint32_t)(running - first))->held)
        return (uint32_t)(running - first);
    if (slot->parted)
        return 0;
    if (slot->answered || slot->n == slot->n_ghosts || slot->kill)
        return slot->n;
    // Nothing ever begins: an executor that can't even start would be forked for ever.
    uint32_t i = 0;
    if (++slot->barren < BARREN_MAX)
        return slot->n;
    while (!entry(slot, i)->held)
        i++;
    return i;
}

static void blame(struct slot *slot, uint32_t i, const struct zygote_news *news)
{
    struct sent *sent = entry(slot, i);
    char text[PROTO_TEXT_MAX];
    struct ending ending = news->ending;
    bool ours = slot->kill && slot_first_serial(slot) + i == slot->kill_serial;
    if (slot->kill && !ours)
        return; // the kill came too late for the one it was meant for: this one runs again
    if (ours && slot->kill == KILL_CANCEL) {
        ending.outcome = OUTCOME_CANCELLED;
        snprintf(text, sizeof(text), "cancelled");
    } else if (ours) {
        ending.outcome = OUTCOME_TIMEOUT;
        snprintf(text, sizeof(text), "the kernel was killed: it ran longer than its timeout");
    } else {
        describe_death(news, text, sizeof(text));
    }
    if (ours)
        ending.code = SIGKILL;
    end_with(slot, sent->held, sent->index, ending, text);
    held_unref(sent->held);
    sent->held = NULL;
    slot->n_ghosts++;
    slot->barren = 0;
}

void slot_died(struct slot *slot, const struct zygote_news *news)
{
    if (slot->fd >= 0)
        while (read_once(slot) == 1)
            ;
    hang_up(slot);
    timer_cancel(&slot->grace);
    uint32_t i = blamed(slot);
    if (i < slot->n)
        blame(slot, i, news);
    give_back_from(slot, 0);
    slot->head = slot->n = slot->n_ghosts = 0;
    slot->parted = false;
    buf_done(&slot->out);
    slot->out_at = 0;
    wire_reader_done(&slot->in);
    wire_reader_init(&slot->in);
    page_reset(slot->page);
    if (slot->state != SLOT_BARRED)
        slot->state = SLOT_EMPTY;
}

static int grow(struct slot *slot, uint32_t more)
{
    uint32_t cap = slot->cap ? slot->cap : 16;
    while (cap < slot->n + more)
        cap *= 2;
    if (cap == slot->cap)
        return 0;
    struct sent *ring = calloc(cap, sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    for (uint32_t i = 0; i < slot->n; i++)
        ring[i] = *entry(slot, i);
    free(slot->ring);
    slot->ring = ring;
    slot->cap = cap;
    slot->head = 0;
    return 0;
}

int slot_give(struct slot *slot, struct held *held, uint32_t at, uint32_t n)
{
    struct pool_step *step = held->step;
    const struct lease *lease = &held->lease;
    int r = grow(slot, n);
    if (r == 0 && !pool_step_is_known(step, slot->index)) {
        r = wire_put_step(&slot->out, step->job, step->step, step->packed, step->packed_len);
        if (r == 0)
            pool_step_know(step, slot->index, true);
    }
    if (r < 0)
        return r;
    struct wire_run run = {
        .serial = slot->next_serial,
        .job = lease->job,
        .first = lease->first + at,
        .item_first = lease->item_first + at * lease->items_per_chunk,
        .items_per_chunk = lease->items_per_chunk,
        .item_end = lease->item_end,
        .step = lease->step,
        .attempt = lease->attempt,
        .count = n,
        .kind = lease->kind,
        .body_len = (uint32_t)held_bytes(held, at, at + n),
    };
    r = wire_put_run(&slot->out, &run, lease->lens ? lease->lens + at : NULL,
                     lease->body ? lease->body + held->offsets[at] : NULL);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < n; i++) {
        *entry(slot, slot->n) = (struct sent){.held = held, .index = at + i};
        slot->n++;
    }
    held->refs += n;
    slot->next_serial += n;
    return 0;
}

void slot_flush(struct slot *slot)
{
    if (slot->state != SLOT_LIVE)
        return;
    while (slot->out_at < slot->out.len) {
        ssize_t n = send(slot->fd, slot->out.data + slot->out_at, slot->out.len - slot->out_at,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break; // full, or ended: then reading tells
        slot->out_at += (size_t)n;
    }
    bool left = slot->out_at < slot->out.len;
    if (!left) {
        buf_clear(&slot->out);
        slot->out_at = 0;
        if (slot->out.cap > KEEP_BYTES)
            buf_done(&slot->out);
    }
    watch_modify(&slot->watch, left ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

uint32_t slot_weight(const struct slot *slot)
{
    for (uint32_t i = 0; i < slot->n; i++) {
        const struct sent *sent = entry(slot, i);
        if (sent->held)
            return sent->held->step->weight;
    }
    return 0;
}

void slot_forget(struct slot *slot, uint64_t job)
{
    if (slot->state == SLOT_LIVE && wire_put_forget(&slot->out, job) == 0)
        slot_flush(slot);
}

void slot_recall(struct slot *slot)
{
    uint64_t first = slot_first_serial(slot);
    uint64_t running = atomic_load(&slot->page->running);
    uint64_t from = running >= first && running < slot->next_serial ? running + 1 : first;
    atomic_store(&slot->page->recall_to, slot->next_serial);
    atomic_store(&slot->page->recall_from, from);
    running = atomic_load(&slot->page->running);
    // Between two chunks: what is recalled comes back as skipped, very soon.
    if (running < first || running >= slot->next_serial)
        return;
    uint32_t keep = (uint32_t)(running - first) + 1;
    for (uint32_t i = slot->n; i-- > keep;) {
        if (!entry(slot, i)->held)
            continue;
        give_back(slot, entry(slot, i));
        slot->n_ghosts++;
    }
}

bool slot_look(struct slot *slot)
{
    uint64_t running = atomic_load(&slot->page->running);
    bool is_stuck = running && running == slot->stuck;
    slot->stuck = running;
    if (is_stuck && slot->judged != running && running > slot_first_serial(slot))
        pool_ask(slot, ZYGOTE_FLUSH);
    if (is_stuck)
        slot->judged = running;
    return is_stuck;
}

static void on_grace(struct timer *timer)
{
    struct slot *slot = container_of(timer, struct slot, grace);
    uint64_t serial = atomic_load(&slot->page->cancel);
    if (slot->state != SLOT_LIVE || atomic_load(&slot->page->running) != serial)
        return;
    slot->kill = KILL_CANCEL;
    slot->kill_serial = serial;
    pool_ask(slot, ZYGOTE_KILL);
}

void slot_cancel(struct slot *slot, uint64_t job, bool kill_now)
{
    bool any = false;
    for (uint32_t i = 0; i < slot->n; i++) {
        struct sent *sent = entry(slot, i);
        if (!sent->held || sent->held->lease.job != job)
            continue;
        sent->cancelled = true;
        any = true;
    }
    if (!any || slot->state != SLOT_LIVE)
        return;
    slot_recall(slot);
    uint64_t first = slot_first_serial(slot);
    uint64_t running = atomic_load(&slot->page->running);
    if (running < first || running >= slot->next_serial)
        return;
    const struct sent *on = entry(slot, (uint32_t)(running - first));
    if (!on->held || on->held->lease.job != job)
        return;
    atomic_store(&slot->page->cancel, running);
    if (kill_now) {
        slot->kill = KILL_CANCEL;
        slot->kill_serial = running;
        pool_ask(slot, ZYGOTE_KILL);
    } else {
        pool_ask(slot, ZYGOTE_NUDGE);
        timer_set(&slot->grace, clock_after(loop_now(), GRACE_NS), on_grace);
    }
}

void slot_check_deadline(struct slot *slot, int64_t now, int64_t *ret_next)
{
    int64_t deadline = atomic_load(&slot->page->deadline);
    if (slot->state != SLOT_LIVE || !deadline || slot->kill)
        return;
    if (deadline > now) {
        if (deadline < *ret_next)
            *ret_next = deadline;
        return;
    }
    slot->kill = KILL_TIMEOUT;
    slot->kill_serial = atomic_load(&slot->page->running);
    pool_ask(slot, ZYGOTE_KILL);
}
