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

#include "base/container.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"

#define BARREN_MAX 3
#define READS_PER_TURN 16
#define KEEP_BYTES (1u << 20)
#define KEEP_LENS (64u << 10)

void slot_init(struct slot *slot, uint32_t index, struct page *page, const struct slot_ops *ops,
               void *owner)
{
    *slot = (struct slot){.ops = ops, .owner = owner, .index = index, .page = page, .fd = -1};
    sent_reset(&slot->sent);
    wire_reader_init(&slot->in);
    buf_init(&slot->lens, 0);
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
    sent_done(&slot->sent);
    wire_reader_done(&slot->in);
    buf_done(&slot->lens);
    buf_done(&slot->out);
}

static void end_with(struct slot *slot, const struct sent *sent, struct ending ending,
                     const char *text)
{
    const struct result result = lease_copy_result(sent->copy, sent->index, ending, text);
    slot->ops->deliver(slot->owner, sent->copy, &result);
}

// A chunk that did not run leaves the slot: to the queue, to the coordinator, or as cancelled.
static void give_back(struct slot *slot, const struct sent *sent)
{
    if (sent->cancelled)
        end_with(slot, sent, (struct ending){.outcome = OUTCOME_CANCELLED}, "cancelled");
    else if (sent->recalled)
        slot->ops->give_back(slot->owner, sent->copy, sent->index);
    else
        slot->ops->requeue(slot->owner, sent->copy, sent->index);
}

void slot_take_back(struct slot *slot, uint32_t i)
{
    give_back(slot, sent_at(&slot->sent, i));
    sent_make_ghost(&slot->sent, i);
}

// The lengths of a result's items, aligned. Valid until the next call; NULL: no memory.
static const uint32_t *aligned(struct slot *slot, const uint8_t *lens, uint32_t n)
{
    if (slot->lens.cap > KEEP_LENS)
        buf_done(&slot->lens);
    buf_clear(&slot->lens);
    if (buf_reserve(&slot->lens, sizeof(uint32_t)) < 0 ||
        buf_add(&slot->lens, lens, n * sizeof(uint32_t)) < 0)
        return NULL;
    return (const uint32_t *)(const void *)slot->lens.data;
}

// The executor was asked to end the chunk, for the time it took.
static void judge_over_time(const struct sent *sent, struct result *result, char *text, size_t size)
{
    if (!sent->over_time || sent->cancelled || result->ending.outcome != OUTCOME_CANCELLED)
        return;
    pool_step_over_time(sent->copy->step, text, size);
    result->ending.outcome = OUTCOME_TIMEOUT;
    result->error = text;
    result->error_len = strlen(text);
}

static int take_result(struct slot *slot, const uint8_t *frame, size_t len)
{
    struct wire_result_view view;
    char text[PROTO_TEXT_MAX];
    int r = wire_get_result(frame, len, &view);
    const struct wire_result *head = &view.result;
    if (r < 0 || !slot->sent.n || head->serial != sent_first_serial(&slot->sent) ||
        !sent_at(&slot->sent, 0)->copy || head->ending.outcome >= OUTCOME_COUNT)
        return -EPROTO;
    const struct sent *sent = sent_at(&slot->sent, 0);
    struct result result = lease_copy_result(sent->copy, sent->index, head->ending, NULL);
    result.more = head->more != WIRE_LAST;
    result.is_stderr = head->more == WIRE_MORE_STDERR;
    result.error = head->error_len ? (const char *)view.error : NULL;
    result.error_len = head->error_len;
    result.stderr_text = (const char *)view.stderr_text;
    result.stderr_len = head->stderr_len;
    result.body = view.body;
    result.body_len = head->body_len;
    if (head->n_lens || head->has_nothing) {
        result.n_items = head->n_lens;
        result.item_lens = aligned(slot, view.lens, head->n_lens);
        if (!result.item_lens)
            return -ENOMEM;
    }
    judge_over_time(sent, &result, text, sizeof(text));
    slot->parted = result.more;
    if (result.more) {
        slot->ops->deliver(slot->owner, sent->copy, &result);
        return 0;
    }
    struct sent first = sent_pop(&slot->sent);
    slot->turned = loop_now();
    slot->answered = true;
    slot->barren = 0;
    if (result.ending.leftovers)
        log_info("commands left processes running", "job=%llu chunk=%llu leftovers=%u",
                 (unsigned long long)result.job, (unsigned long long)result.chunk + 1,
                 result.ending.leftovers);
    slot->ops->deliver(slot->owner, first.copy, &result);
    lease_copy_unref(first.copy);
    return 0;
}

static int take_skipped(struct slot *slot, const uint8_t *frame)
{
    struct wire_skipped skipped;
    memcpy(&skipped, frame, sizeof(skipped));
    if (!slot->sent.n || skipped.serial != sent_first_serial(&slot->sent))
        return -EPROTO;
    struct sent first = sent_pop(&slot->sent);
    slot->turned = loop_now();
    slot->parted = false;
    if (first.copy) {
        give_back(slot, &first);
        lease_copy_unref(first.copy);
    }
    if (skipped.code < 0) {
        slot->answered = true; // it works; it is the machine that does not
        slot->ops->refused(slot->owner, slot, skipped.code);
    }
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
        log_warn("an executor sent an invalid answer", "slot=%u code=%d", slot->index + 1, r);
    return n > 0 && r >= 0;
}

static void give_up(struct slot *slot)
{
    slot->state = SLOT_DYING;
    hang_up(slot);
    slot->ops->ask(slot->owner, slot, ZYGOTE_KILL);
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
    if (r == 0)
        give_up(slot);
    slot->ops->wake(slot->owner);
}

void slot_forked(struct slot *slot, int fd)
{
    assert(slot->state == SLOT_FORKING);
    slot->fd = fd;
    slot->stuck = 0;
    slot->judged = 0;
    slot->told = 0;
    slot->answered = false;
    slot->foreign_job = 0;
    slot->crowded = false;
    slot->kill = KILL_NONE;
    slot->state = SLOT_LIVE;
    if (fd_set_nonblock(fd, true) < 0 || watch_add(&slot->watch, fd, EPOLLIN, on_ready) < 0)
        give_up(slot);
}

// Which chunk is blamed for the death: the running one, as the page says. sent.n: none.
static uint32_t blamed(struct slot *slot)
{
    uint32_t n = slot->sent.n;
    uint32_t on = slot_running(slot);
    if (on < n && sent_at(&slot->sent, on)->copy)
        return on;
    if (slot->parted)
        return 0;
    if (slot->answered || !slot_load(slot) || slot->kill)
        return n;
    // Nothing ever begins: an executor that can't even start would be forked for ever.
    if (++slot->barren < BARREN_MAX)
        return n;
    uint32_t i = 0;
    while (!sent_at(&slot->sent, i)->copy)
        i++;
    return i;
}

static void describe_death(int status, char *text, size_t size)
{
    char death[SIGNAL_TEXT_MAX];
    if (WIFSIGNALED(status))
        snprintf(text, size, "the executor was killed by %s while it ran this chunk%s",
                 signal_text(WTERMSIG(status), death),
                 WTERMSIG(status) == SIGKILL ? "; perhaps memory ran out" : "");
    else
        snprintf(text, size, "the executor exited with code %d while it ran this chunk",
                 WEXITSTATUS(status));
}

static void blame(struct slot *slot, uint32_t i, const struct zygote_news *news)
{
    char text[PROTO_TEXT_MAX];
    struct ending ending = news->ending;
    bool ours = slot->kill && sent_first_serial(&slot->sent) + i == slot->kill_serial;
    if (slot->kill && !ours) {
        // The kill came too late for the one it was meant for: this one runs again. If parts of it
        // are on their way, the coordinator drops them and leases it anew.
        if (slot->parted && i == 0) {
            ending.outcome = OUTCOME_CANCELLED;
            end_with(slot, sent_at(&slot->sent, i), ending, "cancelled");
            sent_make_ghost(&slot->sent, i);
        }
        return;
    }
    const struct sent *sent = sent_at(&slot->sent, i);
    if (ours && slot->kill == KILL_CANCEL && sent->over_time && !sent->cancelled) {
        ending.outcome = OUTCOME_TIMEOUT;
        pool_step_over_time(sent->copy->step, text, sizeof(text));
    } else if (ours && slot->kill == KILL_CANCEL) {
        ending.outcome = OUTCOME_CANCELLED;
        snprintf(text, sizeof(text), "cancelled");
    } else if (ours) {
        ending.outcome = OUTCOME_TIMEOUT;
        snprintf(text, sizeof(text), "the kernel was killed: it ran longer than its timeout");
    } else if (news->kind == ZYGOTE_RENEWED) {
        snprintf(text, sizeof(text),
                 "the zygote, which forks executors, was killed while this chunk ran");
    } else {
        describe_death(news->status, text, sizeof(text));
    }
    if (ours)
        ending.code = SIGKILL;
    end_with(slot, sent_at(&slot->sent, i), ending, text);
    sent_make_ghost(&slot->sent, i);
    slot->barren = 0;
}

void slot_died(struct slot *slot, const struct zygote_news *news)
{
    if (slot->fd >= 0)
        while (read_once(slot) == 1)
            ;
    hang_up(slot);
    timer_cancel(&slot->grace);
    // Parts of a result must never be followed by a second run.
    uint32_t i = news->spared && !slot->parted ? slot->sent.n : blamed(slot);
    if (i < slot->sent.n)
        blame(slot, i, news);
    // From the last to the first, since each goes to the front of the queue.
    for (i = slot->sent.n; i-- > 0;)
        if (sent_at(&slot->sent, i)->copy)
            slot_take_back(slot, i);
    sent_reset(&slot->sent);
    slot->parted = false;
    buf_done(&slot->out);
    slot->out_at = 0;
    wire_reader_done(&slot->in);
    wire_reader_init(&slot->in);
    page_reset(slot->page);
    slot->state = SLOT_EMPTY;
}

int slot_give(struct slot *slot, struct lease_copy *copy, uint32_t at, uint32_t n)
{
    struct pool_step *step = copy->step;
    const struct lease *lease = &copy->lease;
    int r = sent_reserve(&slot->sent, n);
    if (r == 0 && !pool_step_is_known(step, slot->index)) {
        r = wire_put_step(&slot->out, step->job, step->step, step->packed, step->packed_len);
        if (r == 0)
            pool_step_know(step, slot->index, true);
    }
    if (r < 0)
        return r;
    struct wire_run run = {
        .serial = slot->sent.next_serial,
        .job = lease->job,
        .first = lease->first + at,
        .item_first = lease->item_first + at * lease->items_per_chunk,
        .items_per_chunk = lease->items_per_chunk,
        .item_end = lease->item_end,
        .step = lease->step,
        .attempt = lease->attempt,
        .count = n,
        .kind = lease->kind,
        .body_len = (uint32_t)lease_copy_bytes(copy, at, at + n),
    };
    r = wire_put_run(&slot->out, &run, lease->lens ? lease->lens + at : NULL,
                     lease->body ? lease->body + copy->offsets[at] : NULL);
    if (r == 0 && !slot->sent.n)
        slot->turned = loop_now();
    if (step->is_foreign)
        slot->foreign_job = step->job;
    if (r == 0)
        sent_push(&slot->sent, copy, at, n);
    return r;
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
            break; // full, or ended: then reading shows it
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
    for (uint32_t i = 0; i < slot->sent.n; i++) {
        const struct lease_copy *copy = sent_at(&slot->sent, i)->copy;
        if (copy)
            return copy->step->weight;
    }
    return 0;
}

bool slot_may_take(const struct slot *slot, const struct pool_step *step)
{
    if (slot->foreign_job)
        return slot->foreign_job == step->job;
    return !step->is_foreign || !slot->sent.n;
}

void slot_retire(struct slot *slot)
{
    if (slot->state == SLOT_LIVE)
        give_up(slot);
}

void slot_forget(struct slot *slot, uint64_t job)
{
    if (slot->foreign_job == job)
        slot_retire(slot);
    if (slot->state == SLOT_LIVE && wire_put_forget(&slot->out, job) == 0)
        slot_flush(slot);
}
