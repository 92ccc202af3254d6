#!/usr/bin/env bash
# Takes one wake-up (or what keeps one from being lost) out of async/ at a time and lets the unit
# tests look for it: one must fail, or hang and be stopped. A mutant that none notices is a failure.
export FM_LIMIT_S=1   # of a test
MUTANTS_THAT_WAIT=2   # for that limit
. "$(dirname "$0")/../../support/mutants.sh"

# Where a mutant is seen first, by its file. The cancellations take longest and come last.
declare -A suites=([task]='@(task|scope)' [operators/chan]=chan [operators/gen]=gen)
passes() {
    local suite
    for suite in "${suites[$2]:-${2%%/*}}" '!(cancel)' cancel; do
        timeout 20 "$1" --fail-fast --jobs 1 --filter "$suite/*" >"$1.log" 2>&1 || return 1
    done
}
caught_by() {
    grep -aoE '\[(FAIL|ERR )\] [^:]*::[^:]*|Caught.*|.*: Timeout.*|nobody will ever wake' "$1" | head -n 1 ||
        echo stopped
}

cc -o "$work/control" "${link[@]}"
passes "$work/control" none || { cat "$work/control.log"; echo "the tests fail without any mutant"; exit 1; }

# Channels
mutant send-wakes-no-receiver operators/chan 's/waitq_wake_one\(&c->receivers\);//'
mutant receive-wakes-no-sender operators/chan 's/waitq_wake_one\(&c->senders\);//'
mutant close-wakes-no-sender operators/chan 's/waitq_wake_all\(&c->senders\);//'
mutant close-wakes-no-receiver operators/chan 's/waitq_wake_all\(&c->receivers\);//'
mutant send-into-closed operators/chan 's/if \(c->closed\)\s+return -EPIPE;//'
# Wait queues, flags, semaphores
mutant cancelled-waiter-swallows-a-wake waitq 's/if \(task_wake\(w->task, 0\)\)\s+return true;/task_wake(w->task, 0); return true;/'
mutant cancelled-waiter-stays-queued waitq 's/r = task_park\(\);\s+waiter_remove\(q, &w\);/r = task_park();/'
mutant wake-all-wakes-one waitq 's/while \(waitq_wake_one\(q\)\)/if (waitq_wake_one(q))/'
mutant last-come-first-woken waitq 's/struct waiter \*w = q->first;/struct waiter *w = q->last;/'
mutant wait-until-for-ever waitq 's/r = timer_set\(&timed\.timer, deadline, on_deadline\);/r = 0;/'
mutant wait-deadline-wakes-nobody waitq 's/task_wake\(container_of\([^;]*?, -ETIMEDOUT\);//'
mutant wait-timer-outlives-the-wait waitq 's/timer_cancel\(&timed\.timer\);//'
mutant flag-wakes-nobody waitq 's/flag->set = true;\s+waitq_wake_all\(&flag->q\);/flag->set = true;/'
mutant flag-is-forgotten waitq 's/flag->set = true;//'
mutant semaphore-wakes-nobody waitq 's/s->n\+\+;\s+waitq_wake_one\(&s->q\);/s->n++;/'
# Tasks
mutant wake-readies-nobody task 's/loop_ready\(loop_self, task\);\s+return true;/return true;/'
mutant cancel-wakes-nobody task 's/task->cancelled = true;\s+task_deliver\(task\);/task->cancelled = true;/'
mutant cancel-is-an-edge task 's/return task->cancelled \? -ECANCELED : cause;/return cause;/'
mutant yield-is-forgotten task 's/loop_ready\(loop_self, task\);\s+switch_away/switch_away/'
mutant sleep-is-for-ever task 's/task_wake\(container_of\([^;]*?, 0\);//'
mutant sleep-timer-outlives-the-sleep task 's/timer_cancel\(&sleeper\.timer\);//'
mutant end-wakes-no-joiner task 's/waitq_wake_all\(&task->joiners\);//'
mutant end-tells-no-group task 's/group_member_ended\(task\);/;/'
mutant inner-cause-wins task 's/if \(s->fired\)\s+cause = /if (s->fired \&\& !cause)\n cause = /'
mutant shield-hides-nothing task 's/if \(s->shield\)\s+return cause;//'
mutant shield-hides-itself task 's/if \(s->fired\)(\s+)cause = s->fired;\s+if \(s->shield\)\s+return cause;/if (s->shield) return cause; if (s->fired) cause = s->fired;/'
mutant switches-unbounded task 's/loop->switches_left \? (loop_take_ready\(loop\)) : NULL/$1/'
# Scopes
mutant scope-wakes-nobody scope 's/task_deliver\(scope->task\);//'
mutant scope-deadline-unset scope 's/set\(&scope->timer, [^;]*?on_deadline\) < 0/false/'
mutant scope-deadline-unheard scope 's/fire\(container_of[^;]*;/(void)timer;/'
mutant scope-timer-outlives-the-scope scope 's/timer_cancel\(&scope->timer\);//'
# Groups
mutant scope-is-impatient scope 's/deadline, timer_set_idle\)/deadline, timer_set)/'
mutant last-member-wakes-nobody group 's/waitq_wake_all\(&group->done\);/;/'
mutant failure-cancels-nobody group 's/group->error = task->result;\s+group_cancel\(group\);/group->error = task->result;/'
mutant failure-misses-the-body group 's/scope_cancel\(&group->scope\);/;/'
mutant failure-misses-the-members group 's/cancel_members\(group\);\s+if \(group->scope/group->cancelled = true; if (group->scope/'
mutant outside-cancel-stops-here group 's/outside = r;\s+cancel_members\(group\);/outside = r;/'
mutant wait-leaves-members-behind group 's/while \(!LIST_EMPTY\(&group->members\)\) \{/if (!LIST_EMPTY(\&group->members)) {/'
mutant wait-unshielded group 's/scope_enter_shield\(&shield, CLOCK_FOREVER\);/scope_enter(\&shield, CLOCK_FOREVER);/'
mutant cancelled-member-is-a-failure group 's/ && !\(task->cancelled && task->result == -ECANCELED\)//'
# The loop
mutant timers-call-nobody loop 's/timer->fn\(timer\);//'
mutant timers-do-not-end-a-sleep loop 's/int64_t left = deadline - loop_clock\(loop\);/return -1; int64_t left = 0;/'
mutant idle-timers-do-not-end-a-sleep loop 's/return idle && idle->deadline[^;]*;/return deadline;/'
mutant idle-timers-never-idle loop 's/run_idle_timers\(loop\);//'
mutant idle-timers-for-ever-patient loop 's/run_timers\(&loop->idle_timers, loop->now - LOOP_PATIENCE_NS\);//'
mutant timer-starves-others loop 's/if \(deadline < loop_self->now\)\s+deadline = loop_self->now;//'
mutant timer-set-twice loop 's/(int set_timer[^{]*\{\s+)timer_cancel\(timer\);/$1/'
mutant timers-of-this-turn-run-on loop 's/ &&\s+node->order < order_end//'
mutant posts-call-nobody loop 's/post->fn\(post\);/;/'
mutant posts-of-this-turn-run-on loop 's/&& post != &mark\)/) if (post == \&mark) { if (TAILQ_EMPTY(\&loop->posts)) return; loop_post(\&mark, NULL); } else/'
mutant unpost-does-nothing loop 's/if \(!post->queued\)\s+return;\s+TAILQ_REMOVE/return; TAILQ_REMOVE/'
mutant posts-do-not-keep-awake loop 's/ \|\| !TAILQ_EMPTY\(&loop->posts\);/;/'
mutant ready-tasks-do-not-keep-awake loop 's/awake \|\| !STAILQ_EMPTY\(&loop->ready\) \|\|/awake ||/'
mutant hooks-unasked loop 's/awake \|= p->fn\(p\);//'
mutant hooks-do-not-keep-awake loop 's/awake \|= p->fn\(p\);/p->fn(p);/'
mutant removed-hook-is-walked-over loop 's/if \(loop_self->next_prepare == prepare\)\s+loop_self->next_prepare = LIST_NEXT\(prepare, entry\);//'
mutant watches-call-nobody loop 's/loop->dispatching\[i\]->fn\(loop->dispatching\[i\], events\[i\]\.events\);/;/'
mutant removed-watch-is-called loop 's/if \(loop->dispatching\[i\] == watch\)/if (0)/'
mutant watch-modify-unsaid loop 's/if \(epoll_ctl\(loop_self->epoll_fd, EPOLL_CTL_MOD[^)]*\) < 0\)/if (0)/'
mutant watch-stays-after-removal loop 's/epoll_ctl\(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL\);//'
# Descriptors, children, signals
mutant descriptor-wakes-nobody io 's/task_wake\(w->task, 0\);//'
mutant io-wait-keeps-its-watch io 's/r = task_park\(\);\s+watch_remove\(&w\.watch\);/r = task_park();/'
mutant io-read-takes-a-cancel-for-ready io 's/int r = io_wait\(fd, EPOLLIN\);\s+if \(r < 0\)\s+return r;\s+ssize_t n = read/io_wait(fd, EPOLLIN); ssize_t n = read/'
mutant sigchld-wakes-nobody io 's/waitq_wake_all\(&loop_self->children\);//'
mutant sigchld-unwatched io 's/int r = watch_sigchld\(loop_self\);/int r = 0;/'
mutant child-not-looked-at-before-sleep io 's/r = reap\(pid, ret_status\);\s+if \(r != 0\)\s+return r < 0 \? r : 0;\s+(r = waitq_wait\(&loop_self->children\);)/$1 if (r == 0) { r = reap(pid, ret_status); if (r != 0) return r < 0 ? r : 0; }/'
mutant child-unreaped io 's/r = reap\(pid, ret_status\);\s+return r < 0 \? r : 0;\s+\}\s+int signals_open/return 0; }\nint signals_open/'
mutant signal-mask-stays io 's/close\(s->fd\);\s+sigprocmask\(SIG_SETMASK, &s->before, NULL\);/close(s->fd);/'
mutant sigchld-stays-blocked io 's/sigprocmask\(SIG_UNBLOCK, &set, NULL\);//'
# Threads
mutant call-rings-no-bell thread 's/loop_ring\(loop\);\s+return 0;/return 0;/'
mutant thread-end-rings-no-bell thread 's/ring\(b->ended_fd\);//'
mutant thread-argument-lost thread 's/give_back\(b\);/;/'
# Generators and streams
mutant gen-close-resumes-nobody operators/gen 's/resume\(g, NULL, -ECANCELED\);/g->state = GEN_ENDED;/'
mutant gen-close-unseen operators/gen 's/resume\(g, NULL, -ECANCELED\)/resume(g, NULL, 0)/'
mutant take-keeps-its-input operators/stream 's/stream_close\(take\(o->in\)\);//'
mutant timeout-is-for-ever operators/stream 's/scope_enter_idle\(&scope, [^;]*;/scope_enter(\&scope, INT64_MAX);/'
mutant end-is-not-final operators/stream 's/return stream_finish\(s, r\);/return r;/'
mutant late-is-final operators/stream 's/ r == -ETIMEDOUT \|\|//'
mutant late-input-ends-a-merge operators/merge 's/stream_next_patiently/stream_next/'
mutant late-input-ends-a-pmap operators/pmap 's/stream_next_patiently/stream_next/'
mutant merge-never-closes operators/merge 's/if \(--m->running == 0 \|\| r < 0\)\s+chan_close\(m->chan\);//'
mutant merge-ends-with-the-first operators/merge 's/--m->running == 0 \|\| r < 0/true/'
mutant merge-of-nothing-waits operators/merge 's/if \(!m->n\)\s+chan_close\(m->chan\);//'
mutant merge-failure-stops-nobody operators/merge 's/chan_close\(m->chan\);\s+return r;\s+\}\s+static void begin/chan_close(m->chan); if (r < 0) m->group.error = r; return 0; }\nstatic void begin/'
mutant merge-close-leaves-feeders operators/merge 's/group_end\(&m->group\);//'
mutant pmap-result-wakes-nobody operators/pmap 's/(\(struct pmap_slot\)\{true, r, out\};)\s+waitq_wake_one\(&p->ready\);/$1/'
mutant pmap-end-wakes-nobody operators/pmap 's/p->input_ended = true;\s+waitq_wake_one\(&p->ready\);/p->input_ended = true;/'
mutant pmap-room-not-given-back operators/pmap 's/p->given\+\+;\s+semaphore_put\(&p->room\);/p->given++;/'
mutant pmap-turn-not-given-back operators/pmap 's/semaphore_put\(&p->turn\);//'
mutant pmap-alone operators/pmap 's/p->workers < p->limit/false/'
mutant pmap-failure-stops-nobody operators/pmap 's/if \(r < 0\)\s+p->input_ended = true;//'
mutant completed-wakes-nobody operators/completed 's/waitq_wake_one\(&c->ready\);//'
mutant completed-close-leaves-tasks operators/completed 's/group_end\(&c->group\);//'
mutant batch-waits-for-ever operators/batch 's/b->partial->n \? b->deadline : CLOCK_FOREVER/CLOCK_FOREVER/'
mutant batch-clock-runs-from-each-item operators/batch 's/if \(!b->partial->n\)\s+b->deadline/b->deadline/'
mutant zip-loses-what-it-gathered operators/batch 's/if \(r != 1\)\s+return r == 0 && z/if (r < 0) batch_free(take(z->partial)); if (r != 1) return r == 0 \&\& z/'
mutant zip-strict-is-not operators/batch 's/return r == 0 && z->strict \? check_ends\(z\) : r;/return r;/'
mutant zip-strict-of-the-later-only operators/batch 's/int r = z->partial->n \? -EILSEQ : 0;/int r = 0;/'
mutant batch-loses-what-it-gathered operators/batch 's/\(r < 0 && task_check\(\) < 0\)\)\s+return r;/(r < 0 \&\& task_check() < 0)) { batch_free(take(b->partial)); return r; }/'
# Visits
mutant visit-lets-nobody-go-first visit 's/else if \(!STAILQ_EMPTY[^;]*;//'
mutant visit-looks-nowhere visit 's/if \(loop->now - v->seen >= VISIT_STALE_NS\)\s+visit_turn\(\);\s+else //'
mutant turn-is-for-ever visit 's/task_wake\([^;]*;/(void)post;/'
mutant visit-rings-no-bell visit 's/loop_ring\(loop\);/;/'
mutant alarm-unset visit 's/set_alarm\(loop->visited[^;]*;//'
mutant alarm-never-quiet visit 's/if \(read\(watch->fd, &n, sizeof\(n\)\) == sizeof\(n\)\)//'
mutant visit-keeps-the-thread visit 's/if \(visit->outer != loop\)\s+settle\(visit->outer\);//'
mutants_end
