# `fanmill coordinator --record`: a real run, given to another core again.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
REPLAY=$(dirname "$(dirname "$FANMILL_BIN")")/tests/sim/sim_replay
# replay FILE: its output in ./replayed.
replay() {
    timeout "$LIMIT_S" "$REPLAY" "$1" >replayed 2>stderr || wrong "exit status $? of the replay: $(tail -n 3 stderr)"
    tail -n 1 replayed | grep -q 'every invariant holds' || wrong "$(tail -n 1 replayed)"
}
expect_line() { grep -q "$1" replayed || wrong "no line '$1' in the replay"; }
job cut <<YAML
source: {range: 1..2000}
chunk: {items: 100}
params: {password: hunter2}
stages:
  - command: "echo {}; : {password}"
  - pipe: "sleep 0.01; cat; echo on >>$WORK/on"
    chunk: {lines: 7}
reduce:
  kernel: sum
  fan_in: 5
YAML
job fails <<'YAML'
source: {range: 1..30}
stages: [{command: "echo hidden >&2; test {} -ne 7", retries: 2}]
YAML

coordinator recording --record "$WORK/events"
worker first -j 2
until_workers 1
FIRST=$WORKER

case_is "several steps, a worker that is killed, failures and a cancel"
fanmill submit cut.yaml
expect_status 0
until_lines 20 on
worker second -j 2
until_workers 2
crash "$FIRST"
fanmill wait 1
expect_status 0
fanmill run fails.yaml
expect_status 1
fanmill submit cut.yaml
until_lines 320 on
fanmill cancel --kill 3
fanmill wait 3
stop "$COORDINATOR"
expect_status 0
replay events
expect_line 'WORKER_UP .* name=first slots=2'
expect_line 'WORKER_DOWN'
expect_line 'SUBMIT job=1 name=cut steps=3'
expect_line 'JOB_END job=1 .* failed=0 unrun=0'
expect_line 'JOB_END job=2 .* ok=29 failed=1 unrun=0 retries=2'
expect_line 'JOB_END job=3 .*'

case_is "what it does not hold"
[ "$(stat -c %a events)" = 600 ] || wrong "others may read it"
for text in hunter2 hidden 'sleep 0.01' "$WORK"; do
    grep -qaF "$text" events && wrong "it holds '$text'"
done

case_is "a coordinator that is killed leaves what it was given"
end_all
coordinator killed --record "$WORK/killed"
worker third -j 2
fanmill submit cut.yaml
: >on
until_lines 20 on
crash "$COORDINATOR"
replay killed
expect_line 'RESULT .* step=1 '
end_all

case_is "a file that can't be written"
fanmill coordinator --state "$WORK/state/none" --record "$WORK/missing/events"
expect_status 125
expect_stderr "missing/events': No such file or directory"
rm -rf "$WORK/run/fanmill" # of the one that was killed
expect_nothing_left
finish
