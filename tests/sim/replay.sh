#!/bin/bash
# What the simulator's cores were given, given again: the jobs end alike.
. tests/support/lib.sh
SIM=$(dirname "$(dirname "$FANMILL_BIN")")/tests/sim

for seed in $(seq 40); do
    case_is "seed $seed"
    "$SIM/sim_seeds" --seed "$seed" --record events --verbose >said || wrong "the simulator fails"
    "$SIM/sim_replay" events >replayed 2>stderr || wrong "exit status $?"
    sed -n 's/.* job \([0-9]*\): ended as [0-9]*: \([0-9]*\) ok, \([0-9]*\) failed/\1 \2 \3/p' said >want
    sed -n 's/^    JOB_END job=\([0-9]*\) .* ok=\([0-9]*\) failed=\([0-9]*\) .*/\1 \2 \3/p' replayed |
        cmp - want || wrong "the jobs end in another way"
    [ -s want ] || wrong "no job ended"
done

case_is "the end of a coordinator that was killed is missing"
head -c 5000 events >cut
"$SIM/sim_replay" --quiet cut >stdout 2>stderr || wrong "exit status $?"
grep -q 'every invariant holds; the last entry is cut$' stdout || wrong "$(cat stdout)"

case_is "other files are refused"
printf 'version: 1\n' >other
for file in other "$FANMILL_BIN"; do
    "$SIM/sim_replay" --quiet "$file" >stdout 2>stderr && wrong "$file is replayed"
    expect_stderr "sim_replay: a log of events"
done
finish
