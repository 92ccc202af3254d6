#!/bin/bash
# Commands that are typed while the coordinator is still starting find it.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
job one <<'YAML'
source: {range: 1..3}
chunk: {items: 1}
stages: [{command: [echo, "{}"]}]
YAML
for round in 1 2 3 4 5 6; do
    case_is "round $round"
    rm -rf state/fanmill run/fanmill
    # As the guide has it; the coordinator is the last to get going.
    (sleep 0.1; exec "$FANMILL_BIN" coordinator -q) 2>coordinator.log &
    coordinator=$!
    "$FANMILL_BIN" worker -q -j 2 2>worker.log &
    worker=$!
    fanmill submit one.yaml
    expect_status 0
    fanmill results --follow
    expect_stdout "$(seq 3)"
    stop "$worker"
    expect_status 0
    stop "$coordinator"
    expect_status 0
done

case_is "one without a runtime folder, as cron starts it, is found by a login, and the other way"
for theirs in "$WORK/other" "$WORK/run"; do
    mkdir -p "$theirs" "$WORK/run"
    mine=$WORK/run
    [ "$theirs" = "$WORK/run" ] && mine=$WORK/other
    begin coordinator env XDG_RUNTIME_DIR="$theirs" "$FANMILL_BIN" coordinator -q
    until_ok test -s "$WORK/state/fanmill/default/access"
    XDG_RUNTIME_DIR=$mine fanmill status
    expect_status 0
    expect_stderr "no jobs"
    stop "$LAST"
done

case_is "the runtime folder is removed, as at a logout"
begin coordinator env XDG_RUNTIME_DIR="$WORK/run" "$FANMILL_BIN" coordinator -q
COORDINATOR=$LAST
until_ok test -s "$WORK/state/fanmill/default/access"
begin worker-out "$FANMILL_BIN" worker -j 2
until_workers 1
rm -rf "$WORK/run/fanmill"
fanmill submit one.yaml
expect_status 0
fanmill results --follow
expect_stdout "$(seq 3)"
begin worker-late "$FANMILL_BIN" worker -j 2
until_workers 2
stop "$COORDINATOR"
end_all
[ ! -e "$WORK/state/fanmill/default/socket" ] || wrong "a socket is left"

case_is "a local run where /tmp is read-only"
if [ "$(id -u)" = 0 ] && [ -w /dev/shm ] && unshare -m true 2>/dev/null; then
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp &&
        unset XDG_RUNTIME_DIR TMPDIR && exec "$0" map echo ::: a b' "$FANMILL_BIN" >read-only.out 2>&1 ||
        wrong "$(cat read-only.out)"
    [ "$(tr '\n' ' ' <read-only.out)" = "a b " ] || wrong "$(cat read-only.out)"
fi

case_is "none is started: it is said, after a while"
begun=$SECONDS
fanmill status
expect_status 3
expect_stderr "no coordinator is running here"
[ $((SECONDS - begun)) -lt 60 ] || wrong "it took long"
finish
