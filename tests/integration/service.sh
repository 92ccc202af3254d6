#!/bin/bash
# A long-running coordinator: every command that talks to it.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

job numbers <<'YAML'
name: numbers
source: {range: 1..20}
chunk: {items: 1}
stages: [{command: [sh, -c, "echo out {}; echo err {} >&2; test {} != 7"]}]
YAML
job slow <<'YAML'
name: slow
source: {range: 1..4}
chunk: {items: 1}
stages: [{command: [sh, -c, "echo {}; echo on >>$WORK/slow-began; sleep 600"]}]
YAML
sed -i "s|\$WORK|$WORK|" "$WORK/slow.yaml"
seq 20 | sed '7d;s/^/out /' >"$WORK/expected"

case_is "no coordinator"
for command in status workers wait results "submit numbers.yaml" "run --connect ./none numbers.yaml"; do
    # shellcheck disable=SC2086
    fanmill $command
    case $command in
    run*) expect_stderr "none" ;;
    *) expect_stderr "no coordinator is running here" ;;
    esac
    expect_status 3
done

case_is "coordinator and worker"
coordinator
fanmill workers
expect_status 0
expect_stderr "no workers"
fanmill status
expect_status 0
expect_stderr "no jobs"
worker one -j 2
until_workers 1
fanmill workers
grep -q '^ *[0-9]* *one ' "$WORK/stdout" || wrong "the worker is not listed"

case_is "submit, wait, status"
fanmill submit numbers.yaml
expect_status 0
expect_stdout 1
fanmill wait 1
expect_status 1
expect_stderr "job 1 (numbers): failed: 19 chunks ok, 1 failed, in "
fanmill wait -q last
expect_status 1
expect_quiet
fanmill status 1
grep -q '^chunks *20: 19 ok, 1 failed$' "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
fanmill status --json
grep -q '"v":1,"id":1,"name":"numbers","state":"failed",.*"ok":19,"failed":1' "$WORK/stdout" ||
    wrong "$(cat "$WORK/stdout")"
fanmill status 99
expect_status 2
expect_stderr "no such job"

case_is "results and logs"
fanmill results
expect_status 1
expect_same "$WORK/expected"
fanmill results 1 --from 15
expect_stdout "$(tail -n 5 "$WORK/expected")"
fanmill results --json
[ "$(wc -l <"$WORK/stdout")" = 20 ] || wrong "not 20 records"
grep -q '"offset":6,"step":0,"chunk":6,"item":"7","outcome":"exit","exit":1,"signal":null,' "$WORK/stdout" || wrong "the failure"
fanmill logs
grep -qx '3| err 3' "$WORK/stdout" || wrong "stderr of chunk 3"
grep -q "^7| failed: 'sh' ended with exit status 1" "$WORK/stdout" || wrong "why chunk 7 failed"
"$FANMILL_BIN" results | head -n 1 >"$WORK/stdout"
expect_stdout "out 1"

case_is "run --connect gives the same bytes as run"
fanmill run --connect "$STATE" numbers.yaml
expect_status 1
expect_same "$WORK/expected"
fanmill run numbers.yaml # FANMILL_CONNECT
expect_status 1
expect_same "$WORK/expected"
(unset FANMILL_CONNECT; exec "$FANMILL_BIN" run numbers.yaml) >"$WORK/stdout" 2>/dev/null
expect_same "$WORK/expected"
seq 20000 >"$WORK/lines"
job stdin <<'YAML'
source: {lines: "-"}
chunk: {items: 1000}
stages: [{pipe: "grep 7"}]
reduce: {pipe: "sort -n"}
YAML
"$FANMILL_BIN" run stdin.yaml <"$WORK/lines" >"$WORK/stdout" 2>"$WORK/stderr"
grep 7 "$WORK/lines" | cmp -s - "$WORK/stdout" || wrong "standard input through a coordinator"
(for n in 1 2 3; do echo "$n 7"; done) | "$FANMILL_BIN" run stdin.yaml >"$WORK/stdout"
expect_stdout "$(printf '1 7\n2 7\n3 7')"

case_is "submit --wait, --follow, --json, a file"
fanmill submit --wait numbers.yaml
expect_status 1
fanmill submit --follow numbers.yaml
expect_status 1
expect_same "$WORK/expected"
fanmill submit --json numbers.yaml
grep -qx '{"v":1,"id":[0-9]*}' "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
fanmill wait
{ cat "$WORK/numbers.yaml"; echo "sink: {file: $WORK/written.txt}"; } | sed 's/test {} != 7/true/' >"$WORK/file.yaml"
fanmill submit --wait file.yaml
expect_status 0
until_file "$WORK/written.txt"
seq 20 | sed 's/^/out /' | cmp -s - "$WORK/written.txt" || wrong "the file that the coordinator writes"
fanmill submit stdin.yaml
expect_status 2
expect_stderr "a detached job can't read the standard input"

case_is "retry"
fanmill retry 1 --failed
again=$(cat "$WORK/stdout")
fanmill wait "$again"
expect_status 1
fanmill results "$again" --json
grep -q '"seq":7,.*"chunk":6,"item":"7","outcome":"exit"' "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
fanmill retry 1
fanmill wait last
expect_status 1
fanmill results
expect_same "$WORK/expected"
fanmill retry 99
expect_status 2

case_is "cancel, a running job"
fanmill submit slow.yaml
slow=$(cat "$WORK/stdout")
until_lines 2 "$WORK/slow-began"
fanmill status "$slow"
grep -q 'running' "$WORK/stdout" || wrong "it is not running"
fanmill results "$slow"
expect_status 0
expect_stderr "is running: 0 results so far; --follow waits for the rest"
fanmill wait --timeout 100ms "$slow"
expect_status 124
expect_stderr "has not finished in time"
fanmill forget "$slow"
expect_status 2
expect_stderr "has not ended"
fanmill cancel "$slow"
expect_status 0
fanmill wait "$slow"
expect_status 4
fanmill cancel "$slow"
expect_stderr "the job had already finished"
rm -f "$WORK/slow-began"

case_is "SIGUSR1 logs how everything stands"
fanmill submit slow.yaml
job=$(cat "$WORK/stdout")
until_began() { [ -s "$WORK/slow-began" ]; }
until_ok until_began
dumped() { grep -q 'info dump: loop task="task main: waiting"' "$WORK/coordinator-default.log"; }
kill -USR1 "$COORDINATOR"
until_ok dumped
grep -q "info dump: job job=$job name=slow state=running detached=1" "$WORK/coordinator-default.log" || wrong "the job"
grep -q "info dump: step job=$job step=1 why=\"" "$WORK/coordinator-default.log" || wrong "why it waits"
grep -q 'info dump: peer .* state=worker .* name=one ' "$WORK/coordinator-default.log" || wrong "the worker"
grep -q 'info dump: service workers=1 slots=2 ' "$WORK/coordinator-default.log" || wrong "the service"
fanmill cancel "$job"
expect_status 0
fanmill wait "$job"

case_is "a job with a time limit"
fanmill submit --timeout 300ms --wait slow.yaml
expect_status 124
rm -f "$WORK/slow-began"

case_is "run --connect: the job goes away with its reader"
begin reader "$FANMILL_BIN" run slow.yaml
reader=$LAST
until_lines 2 "$WORK/slow-began"
interrupt "$reader"
wait "$reader"
[ $? = 130 ] || wrong "exit status after Ctrl-C"
rm -f "$WORK/slow-began"
begin reader "$FANMILL_BIN" run slow.yaml
reader=$LAST
until_lines 2 "$WORK/slow-began"
crash "$reader"
idle() { [ "$(count leased)" = 0 ]; }
until_ok idle
rm -f "$WORK/slow-began"

case_is "submit --wait: Ctrl-C ends the waiting, not the job"
begin waiter "$FANMILL_BIN" submit --wait slow.yaml
waiter=$LAST
until_lines 2 "$WORK/slow-began"
interrupt "$waiter"
wait "$waiter"
[ $? = 130 ] || wrong "exit status after Ctrl-C"
grep -q 'goes on: fanmill wait' "$WORK/waiter.log" || wrong "$(cat "$WORK/waiter.log")"
fanmill status last
grep -q running "$WORK/stdout" || wrong "the job ended"
fanmill cancel --kill last
fanmill wait -q last
expect_status 4

case_is "selectors, forget, top, service"
fanmill status 1-3
[ "$(wc -l <"$WORK/stdout")" -ge 2 ] || wrong "a range"
fanmill status x
expect_status 2
expect_stderr "'x' does not name a job"
fanmill forget 1
fanmill status 1
expect_status 2
fanmill forget all
fanmill status
expect_stderr "no jobs"
fanmill top
expect_status 0
grep -q ' one ' "$WORK/stdout" || wrong "top"
fanmill service --json
grep -q '"workers":1' "$WORK/stdout" || wrong "service"

case_is "a second coordinator"
fanmill coordinator --state "$STATE"
expect_status 2
expect_stderr "is used by another coordinator (pid $COORDINATOR)"
first=$STATE first_pid=$COORDINATOR
coordinator other
fanmill workers
expect_stderr "no workers"
(unset FANMILL_CONNECT; "$FANMILL_BIN" status) 2>"$WORK/stderr"
expect_stderr "2 coordinators are running here"
fanmill workers --connect "$first"
grep -q ' one ' "$WORK/stdout" || wrong "the first one lost its worker"
stop "$COORDINATOR"
expect_status 0
(unset FANMILL_CONNECT; "$FANMILL_BIN" workers) | grep -q ' one ' || wrong "the one that is left is found"
export FANMILL_CONNECT=$first
STATE=$first COORDINATOR=$first_pid

case_is "one that is looked for while it starts"
touch "$WORK/look"
for _ in 1 2 3; do
    (unset FANMILL_CONNECT; while [ -e "$WORK/look" ]; do "$FANMILL_BIN" workers >/dev/null 2>&1; done) &
    LOOKERS="${LOOKERS:-} $!"
done
for _ in 1 2 3 4 5 6 7 8 9 10; do
    coordinator looked-for
    stop "$COORDINATOR"
    expect_status 0
done
rm -f "$WORK/look"
# shellcheck disable=SC2086
wait $LOOKERS
export FANMILL_CONNECT=$first
STATE=$first COORDINATOR=$first_pid

case_is "drain"
worker two -j 1
until_workers 2
fanmill drain nobody
expect_status 2
expect_stderr "no worker 'nobody'"
fanmill drain two
wait "$WORKER" || wrong "exit status of a drained worker"
until_workers 1

case_is "a worker that is asked to leave finishes its chunk"
job brief <<YAML
source: {range: 1..1}
stages: [{command: [sh, -c, "echo on >$WORK/brief-on; until test -e $WORK/brief-go; do sleep 0.01; done; echo done"]}]
YAML
worker three -j 1
until_workers 2
fanmill drain one
until_workers 1
fanmill submit brief.yaml
until_file "$WORK/brief-on"
kill -TERM "$WORKER"
touch "$WORK/brief-go"
wait "$WORKER" || wrong "exit status of a worker that was asked to leave"
fanmill wait
expect_status 0
fanmill results
expect_stdout "done"

case_is "a restarted coordinator gets its workers back"
worker four -j 1
until_workers 1
crash "$COORDINATOR"
coordinator
until_workers 1
fanmill run numbers.yaml
expect_status 1
expect_same "$WORK/expected"
no_jobs() { "$FANMILL_BIN" status 2>&1 | grep -q "no jobs"; }
until_ok no_jobs

case_is "a client whose coordinator restarts gets a message"
rm -f "$WORK/slow-began"
begin reader "$FANMILL_BIN" run slow.yaml
reader=$LAST
until_lines 1 "$WORK/slow-began"
stop "$COORDINATOR"
wait "$reader"
[ $? = 3 ] || wrong "exit status of a client that lost its coordinator"
grep -q 'the coordinator has ended' "$WORK/reader.log" || wrong "$(cat "$WORK/reader.log")"
stop "$WORKER"
expect_status 0
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
