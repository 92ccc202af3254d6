#!/usr/bin/env bash
# Takes one rule out of the core at a time and lets the simulator look for it. A mutant that no seed
# notices means that the simulator doesn't watch that rule.
. "$(dirname "$0")/../support/mutants.sh"

# The seeds of sim.seeds, which shows that they pass without any mutant.
passes() { (SIM_SHOW_SEED=1 timeout 120 "$1" --seeds 1..1500) >"$1.log" 2>&1; }
caught_by() { grep -av '^replay\|^seeds' "$1" | tail -n 2 | tr '\n' ' '; }

mutant no-epoch-fence result 's/event->result\.epoch != core->options\.epoch \|\|//'
mutant no-attempt-fence result 's/\|\|\s+chunk->attempt != result->attempt\)/)/'
mutant no-worker-fence result 's/chunk->worker != worker \|\| chunk->attempt != result/chunk->attempt != result/'
mutant no-dedupe result 's/\|\| chunk->state != CHUNK_LEASED \|\|\s+chunk->worker != worker \|\|/||/'
mutant lost-requeue result 's/(case OUTCOME_CANCELLED:\s+if \(may_run\) \{\s+chunk_drop_result\(chunk\);)\s+chunk_make_pending\(core, chunk\);/$1 chunk_free(core, chunk);/'
mutant window-ignored lease 's/return worker->leased\.n < limit \? limit - \(uint32_t\)worker->leased\.n : 0;/return limit;/'
mutant window-overdrawn lease 's/least < room \? least : room/least/'
mutant order-lost gather 's/== ORDER_COMPLETION\)/!= ORDER_COMPLETION)/'
mutant claims-not-counted lease 's/if \(step->claims\)\n        resources_add/if (false)\n        resources_add/'
mutant claims-never-returned chunk 's/if \(step->claims\)\n            resources_remove/if (false)\n            resources_remove/'
mutant claims-ignored lease 's/return !step->claims \|\| [^;]*;/return true;/; s/if \(step->claims\)\n        max = [^;]*;//'
mutant stream-credit-ignored gather 's{job->delivered < job->credit_items && }{}'
mutant retries-without-limit result 's/<= chunk->step->spec->retry\.limit/<= 1000000/g'
mutant crash-is-failure result 's/\+\+chunk->crashes < job->plan->crash_limit/++chunk->crashes < 1/'
mutant two-wants feed 's/job->want_open = true;//'
mutant silence-unseen worker 's/if \(due > core->now && /if (/; s/due\) == 0\)/core->now + core->options.silence_ns) == 0)/'
mutant part-lost result 's/\+\+\*n;/*n = 1;/'
mutant leftover-lost reduce 's/level > 0 && l->n_inputs == 1 \? pass_up\(core, step, level\)/level > 0 \&\& l->n_inputs == 1 ? 0/'
mutant last-cut-lost feed 's/return take_data\(core, step, NULL, true\);/return 0;/'
mutant payload-shifted lease 's{return \(!next->payload\.len.*?;}{return true;}s'
mutant unrun-uncounted job 's/job->summary\.unrun\+\+;//'
mutant no-other-worker aside 's/if \(has_other\(core, worker, step\) && /if (false \&\& /'
mutant never-set-aside aside 's/set_aside\(core, worker, chunk, actions\);//'
mutant aside-for-ever aside 's/put_back\(core, container_of\(node, struct aside, again\)\);/break;/'
mutant held-leased wants 's/ && !job->blocks//'
mutant held-wanted feed 's/ \|\| job->blocks//'
mutant held-not-recalled core 's/if \(job->blocks\)\n            job_recall/if (false)\n            job_recall/'
mutant released-unseen core 's/(static int handle_job.*?)job_touch\(core, job\);/$1/s'
mutant touch-lost chunk 's/(struct core_step \*step = chunk->step;\n)    job_touch\(core, step->job\);/$1/'
mutant place-kept-for-ever wants 's/step->reserved->kept_for = NULL;//'
mutant no-recall recall 's/void core_recall[^{]*\{/$&\n    if (core->options.epoch)\n        return;/'
mutant recall-too-much recall 's/idle -= filled; idle > 0/idle += 2; idle > 0/'
mutant recall-again recall 's/!chunk->recalled && worker_could/worker_could/'
mutant recall-of-what-runs recall 's/!chunk->began && !chunk->recalled && worker_could/!chunk->recalled && worker_could/'
mutant recall-takes-at-once recall 's/    chunk->recalled = true;\n/    struct core_step *step = chunk->step;\n    chunk_take_back(core, chunk);\n    (void)step;\n    chunk_make_pending(core, chunk);\n    return true;\n/'
mutant return-loses-a-chunk result 's/(end_unwanted\(core, chunk, actions\);\s+else\s+)chunk_make_pending\(core, chunk\);/$1chunk_free(core, chunk);/'
mutant attempt-not-kept chunk 's/chunk->attempt -= !chunk->began;//'

mutants_end
