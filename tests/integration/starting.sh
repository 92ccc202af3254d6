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

case_is "none is started: it is said, after a while"
begun=$SECONDS
fanmill status
expect_status 3
expect_stderr "no coordinator is running here"
[ $((SECONDS - begun)) -lt 60 ] || wrong "it took long"
finish
