#!/usr/bin/env bash
# Takes one rule out of the core at a time and lets the simulator look for it. A mutant that no seed
# notices means that the simulator doesn't watch that rule.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
seeds=${1:-1..3000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=$(pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
read -ra flags <<<"-std=gnu17 -O1 -D_GNU_SOURCE -I$root -I$root/include $(pkg-config --cflags "$packages" libsodium)"
read -ra libs <<<"$(pkg-config --libs "$packages" libsodium) -lm"

compile() { cc "${flags[@]}" -c "$1" -o "$2"; }
for source in "$root"/coordinator/core/*.c "$root"/base/*.c "$root"/tests/sim/*.c \
    "$root"/pipelines/{run,plan,plan_source,frame}.c \
    "$root"/pipelines/source/{cutter,record,matrix,matrix_count,matrix_pack,rows}.c "$root"/proto/resources.c; do
    compile "$source" "$work/$(basename "$(dirname "$source")")_$(basename "$source" .c).o"
done

survivors=0
# mutant NAME FILE PERL-EXPRESSION
mutant() {
    local name=$1 file=$2 edit=$3 object="$work/core_$2.o" mutated="$work/$2.c" output
    perl -0pe "$edit" "$root/coordinator/core/$file.c" >"$mutated"
    if cmp -s "$mutated" "$root/coordinator/core/$file.c"; then
        echo "mutant $name: its edit changes nothing any more"
        survivors=$((survivors + 1))
        return
    fi
    cp "$object" "$object.kept"
    compile "$mutated" "$object"
    cc "$work"/*.o "${libs[@]}" -o "$work/sim"
    if output=$(SIM_SHOW_SEED=1 timeout 120 "$work/sim" --seeds "$seeds" 2>&1 >/dev/null); then
        echo "mutant $name: SURVIVED seeds $seeds"
        survivors=$((survivors + 1))
    else
        echo "mutant $name: caught $(grep -a '^at seed' <<<"$output" | tail -1): $(grep -av '^at seed\|^replay' <<<"$output" | tail -1)"
    fi
    mv "$object.kept" "$object"
}

mutant no-epoch-fence result 's/event->result\.epoch != core->options\.epoch \|\|//'
mutant no-attempt-fence result 's/\|\|\s+chunk->attempt != result->attempt\)/)/'
mutant no-worker-fence result 's/chunk->worker != worker \|\| chunk->attempt != result/chunk->attempt != result/'
mutant no-dedupe result 's/\|\| chunk->state != CHUNK_LEASED \|\|\s+chunk->worker != worker \|\|/||/'
mutant lost-requeue result 's/(case OUTCOME_CANCELLED:\s+if \(may_run\) \{\s+chunk_drop_result\(chunk\);)\s+chunk_make_pending\(core, chunk\);/$1 chunk_free(core, chunk);/'
mutant window-ignored lease 's/return worker->leased\.n < limit \? limit - \(uint32_t\)worker->leased\.n : 0;/return limit;/'
mutant order-lost gather 's/== ORDER_COMPLETION\)/!= ORDER_COMPLETION)/'
mutant claims-not-counted lease 's/if \(step->claims\)\n        resources_add/if (false)\n        resources_add/'
mutant claims-never-returned chunk 's/if \(step->claims\)\n            resources_remove/if (false)\n            resources_remove/'
mutant claims-ignored lease 's/return !step->claims \|\| [^;]*;/return true;/; s/if \(step->claims\)\n        max = [^;]*;//'
mutant stream-credit-ignored gather 's{job->delivered < job->credit_items && }{}'
mutant retries-without-limit result 's/<= chunk->step->spec->retry\.limit/<= 1000000/'
mutant crash-is-failure result 's/\+\+chunk->crashes < job->plan->crash_limit/++chunk->crashes < 1/'
mutant two-wants feed 's/job->want_open = true;//'
mutant silence-unseen worker 's/if \(due > core->now && /if (/; s/due\) == 0\)/core->now + core->options.silence_ns) == 0)/'
mutant part-lost result 's/chunk->n_parts\+\+;/chunk->n_parts = 1;/'
mutant leftover-lost reduce 's/level > 0 && l->n_inputs == 1 \? pass_up\(core, step, level\)/level > 0 \&\& l->n_inputs == 1 ? 0/'
mutant last-cut-lost feed 's/return take_data\(core, step, NULL, true\);/return 0;/'
mutant payload-shifted lease 's{return \(!next->payload\.len.*?;}{return true;}s'
mutant unrun-uncounted job 's/job->summary\.unrun\+\+;//'

[ "$survivors" -eq 0 ] || { echo "$survivors mutants were not noticed"; exit 1; }
