#!/bin/bash
# Peers with a good key that don't behave: none stops the service, none makes it grow.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
RUDE=$(dirname "$(dirname "$FANMILL_BIN")")/tests/faults/rude
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$COORDINATOR/status"; }
job numbers <<'YAML'
source: {range: 1..200}
chunk: {items: 1}
stages: [{kernel: identity}]
YAML
still_serves() {
    kill -0 "$COORDINATOR" 2>/dev/null || wrong "the coordinator is gone: $(tail -n 3 coordinator-default.log)"
    fanmill run numbers.yaml
    expect_status 0
    expect_stdout "$(seq 200)"
}
rude() {
    timeout "$LIMIT_S" "$RUDE" "$@" 2>"$WORK/stderr" || wrong "rude $*: $(cat "$WORK/stderr")"
    still_serves
}
# A sanitizer's allocator keeps what was freed for a while, and is slow to show that it is full.
SLACK=4096
if grep -qa __asan_init "$FANMILL_BIN"; then
    SLACK=200000
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:quarantine_size_mb=8"
fi
coordinator default --listen tcp://127.0.0.1:0
for role in worker client observer admin; do
    fanmill invite "$role" "$role"
done

case_is "results of a stale session, and without a lease"
fanmill submit numbers.yaml
timeout "$LIMIT_S" "$RUDE" worker.access stale 2>"$WORK/stderr" || wrong "$(cat "$WORK/stderr")"
worker good -j 2
fanmill wait
expect_status 0
fanmill results
expect_stdout "$(seq 200)"
[ "$(count fenced)" = 2 ] || wrong "$(count fenced) results were fenced"
stop "$WORKER"

case_is "all is well"
worker good -j 2
until_workers 1
still_serves

case_is "the order of messages"
rude client.access order
case_is "versions"
rude client.access version
case_is "frames over every limit"
rude client.access oversized
rude worker.access oversized
case_is "random frames and changed messages, as every role"
for role in worker client observer admin; do
    rude "$role.access" garbage 3000
done
[ "$(count bad_messages)" -gt 1000 ] || wrong "bad messages are not counted"

case_is "memory stays flat over many connections"
rude client.access connects 2000
before=$(rss)
rude client.access connects "${CONNECTS:-6000}"
after=$(rss)
[ "$after" -le $((before + before / 10 + SLACK)) ] || wrong "it grew from $before to $after KiB"

case_is "a client that reads nothing delays no other, and its records don't pile up"
job much <<'YAML'
source: {range: 1..3000}
chunk: {items: 1}
stages: [{command: [head, -c, "100000", /dev/zero]}]
YAML
fanmill forget all
fanmill submit much.yaml
timeout "$LIMIT_S" "$RUDE" admin.access deaf 5 &
deaf=$!
still_serves
wait "$deaf"
fanmill cancel --kill all
[ "$(rss)" -le $((after + 400000)) ] || wrong "it grew to $(rss) KiB"

case_is "no descriptors left: connected peers go on, and it recovers"
stop "$COORDINATOR"
begin coordinator-default bash -c "ulimit -n 96; exec '$FANMILL_BIN' coordinator -v --state '$STATE' --listen tcp://127.0.0.1:0"
COORDINATOR=$LAST
until_ok test -s "$STATE/access"
until_workers 1
sed -i "s|^endpoint .*|endpoint $(cat "$STATE/listen")|" client.access
ADDRESS=$(cat "$STATE/listen")
held=
for fd in $(seq 20 139); do
    eval "exec $fd<>/dev/tcp/127.0.0.1/${ADDRESS##*:}" 2>/dev/null && held="$held $fd"
done
still_serves
for fd in $held; do
    eval "exec $fd>&-"
done
rude client.access version
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
