#!/bin/bash
# A coordinator that says nothing for a while ends nothing: what runs goes on, clients wait and say
# so. One that was started anew ends what runs.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
has_line() { grep -qE -- "$2" "$1"; }
until_logged() { until_ok has_line "$WORK/$1.log" "$2"; }
job long <<YAML
source: {range: 1..2}
chunk: {items: 1}
stages: [{command: "echo {} >>$WORK/began; until [ -e $WORK/go ]; do sleep 0.05; done; echo {}"}]
YAML
job huge <<YAML
source: {range: 1..1}
stages: [{command: "echo {} >>$WORK/huge-began; until [ -e $WORK/go ]; do sleep 0.05; done; head -c 20000000 /dev/zero"}]
YAML

case_is "stopped for a while: the worker goes on, and an attached client waits and says so"
coordinator
worker one -j 2
until_workers 1
begin run "$FANMILL_BIN" run long.yaml
RUN=$LAST
until_lines 2 began
kill -STOP "$COORDINATOR"
until_logged worker-one 'warn the coordinator is silent: what runs goes on .*running=2'
touch go # both chunks end while nobody listens
until_logged run 'fanmill: the coordinator has been silent for [0-9]* s: waiting for it'
kill -CONT "$COORDINATOR"
wait "$RUN" || wrong "status $? of the run: $(cat run.log)"
[ "$(grep '^[12]$' run.log | tr '\n' ' ')" = "1 2 " ] || wrong "$(cat run.log)"
[ "$(wc -l <began)" = 2 ] || wrong "began $(wc -l <began) times"
until_logged worker-one 'info the coordinator is heard again'
grep -q 'worker lost' coordinator-default.log && wrong "the worker was lost"

case_is "a worker that was stopped for longer comes back: what it runs is taken up again"
rm -f go began
fanmill submit long.yaml
until_lines 2 began
kill -STOP "$WORKER"
until_logged coordinator-default 'warn worker lost .*silent'
touch go
kill -CONT "$WORKER"
until_logged worker-one 'info back at the coordinator running=[0-9] kept=2'
fanmill results last --follow
expect_stdout "$(printf '1\n2')"
[ "$(wc -l <began)" = 2 ] || wrong "began $(wc -l <began) times"
fanmill status last --json
grep -q '"ok":2,"failed":0' stdout || wrong "$(cat stdout)"

case_is "what ran elsewhere meanwhile is discarded"
rm -f go began
fanmill submit long.yaml
until_lines 2 began
kill -STOP "$WORKER"
until_logged coordinator-default 'warn worker lost .*worker=[2-9]'
LATE=$WORKER
worker two -j 2
until_lines 4 began
kill -CONT "$LATE"
until_logged worker-one 'a chunk is discarded'
touch go
fanmill results last --follow
expect_stdout "$(printf '1\n2')"
stop "$WORKER"
WORKER=$LATE

case_is "a result in parts is whole"
rm -f go
fanmill submit huge.yaml
until_lines 1 huge-began
kill -STOP "$WORKER"
until_logged coordinator-default 'warn worker lost .*worker=[4-9]'
kill -CONT "$WORKER"
touch go
fanmill results last --follow
[ "$(wc -c <stdout)" = 20000000 ] || wrong "$(wc -c <stdout) bytes"

case_is "a coordinator that was started anew: what runs is ended, and the worker is there again"
rm -f go began
fanmill submit long.yaml
until_lines 2 began
crash "$COORDINATOR"
coordinator
until_workers 1
until_logged worker-one 'the coordinator was restarted, and its jobs are gone: what runs is ended'
ran() { pgrep -f "$WORK/go" >/dev/null; }
gone() { ! ran; }
until_ok gone
stop "$WORKER"

case_is "--lost-after: it has an end"
rm -f began
worker three -j 2 --lost-after 6s
until_workers 1
fanmill submit long.yaml
until_lines 2 began
kill -STOP "$COORDINATOR"
until_logged worker-three 'the coordinator is lost: what runs is ended'
until_ok gone
kill -CONT "$COORDINATOR"
until_workers 1
fanmill cancel --kill all
end_all
finish
