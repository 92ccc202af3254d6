#include "worker/pool/slot_control.h"

#include "base/clock.h"
#include "base/container.h"

#define GRACE_NS (6 * NS_PER_S) // TERM to KILL is 5 s in the executor; then its time is over

void slot_recall(struct slot *slot)
{
    uint64_t first = sent_first_serial(&slot->sent);
    uint32_t on = slot_running(slot);
    uint64_t from = on < slot->sent.n ? first + on + 1 : first;
    atomic_store(&slot->page->recall_to, slot->sent.next_serial);
    atomic_store(&slot->page->recall_from, from);
    on = slot_running(slot);
    // Between two chunks: what is recalled comes back as skipped, very soon.
    if (on == slot->sent.n)
        return;
    for (uint32_t i = slot->sent.n; i-- > on + 1;)
        if (sent_at(&slot->sent, i)->copy)
            slot_take_back(slot, i);
}

bool slot_look(struct slot *slot)
{
    uint64_t running = atomic_load(&slot->page->running);
    bool is_stuck = running && running == slot->stuck;
    slot->stuck = running;
    if (is_stuck && slot->judged != running && running > sent_first_serial(&slot->sent))
        slot->ops->ask(slot->owner, slot, ZYGOTE_FLUSH);
    if (is_stuck)
        slot->judged = running;
    return is_stuck;
}

static void kill_for(struct slot *slot, enum slot_kill why, uint64_t serial)
{
    slot->kill = why;
    slot->kill_serial = serial;
    slot->ops->ask(slot->owner, slot, ZYGOTE_KILL);
}

static void on_grace(struct timer *timer)
{
    struct slot *slot = container_of(timer, struct slot, grace);
    uint64_t serial = atomic_load(&slot->page->cancel);
    if (slot->state == SLOT_LIVE && atomic_load(&slot->page->running) == serial)
        kill_for(slot, KILL_CANCEL, serial);
}

// `run`: only these of the job; NULL: all.
static bool is_meant(const struct sent *sent, uint64_t job, const struct msg_return *run)
{
    const struct lease *lease = sent->copy ? &sent->copy->lease : NULL;
    if (!lease || lease->job != job)
        return false;
    return !run || (lease->step == run->step && lease->attempt == run->attempt &&
                    lease->first + sent->index >= run->first &&
                    lease->first + sent->index - run->first < run->count);
}

static void cancel(struct slot *slot, uint64_t job, const struct msg_return *run, bool kill_now)
{
    bool any = false;
    for (uint32_t i = 0; i < slot->sent.n; i++) {
        struct sent *sent = sent_at(&slot->sent, i);
        if (!is_meant(sent, job, run))
            continue;
        sent->cancelled = true;
        any = true;
    }
    if (!any || slot->state != SLOT_LIVE)
        return;
    slot_recall(slot);
    uint32_t on = slot_running(slot);
    if (on == slot->sent.n || !is_meant(sent_at(&slot->sent, on), job, run))
        return;
    uint64_t serial = sent_first_serial(&slot->sent) + on;
    atomic_store(&slot->page->cancel, serial);
    if (kill_now) {
        kill_for(slot, KILL_CANCEL, serial);
    } else {
        slot->ops->ask(slot->owner, slot, ZYGOTE_NUDGE);
        timer_set(&slot->grace, clock_after(loop_now(), GRACE_NS), on_grace);
    }
}

void slot_cancel(struct slot *slot, uint64_t job, bool kill_now)
{
    cancel(slot, job, NULL, kill_now);
}

void slot_discard(struct slot *slot, const struct msg_return *run)
{
    cancel(slot, run->job, run, true);
}

void slot_end_over_time(struct slot *slot)
{
    uint32_t on = slot_running(slot);
    if (slot->state != SLOT_LIVE || on == slot->sent.n || !sent_at(&slot->sent, on)->copy)
        return;
    sent_at(&slot->sent, on)->over_time = true;
    atomic_store(&slot->page->cancel, sent_first_serial(&slot->sent) + on);
    slot->ops->ask(slot->owner, slot, ZYGOTE_NUDGE);
    timer_set(&slot->grace, clock_after(loop_now(), GRACE_NS), on_grace);
}

void slot_check_deadline(struct slot *slot, int64_t now, int64_t *ret_next)
{
    int64_t deadline = atomic_load(&slot->page->deadline);
    if (slot->state != SLOT_LIVE || !deadline || slot->kill)
        return;
    if (deadline <= now)
        kill_for(slot, KILL_TIMEOUT, atomic_load(&slot->page->running));
    else if (deadline < *ret_next)
        *ret_next = deadline;
}

void slot_skip_time(struct slot *slot, int64_t ns)
{
    int64_t deadline = atomic_load(&slot->page->deadline);
    atomic_fetch_add(&slot->page->paused_ns, ns);
    if (deadline)
        atomic_store(&slot->page->deadline, clock_after(deadline, ns));
    slot->turned += ns;
}
