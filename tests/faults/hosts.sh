#!/bin/bash
# Four hosts, made of network namespaces on a bridge of the test's own: a coordinator and three
# workers that join, leave, are cut off, one way or both, and come back.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
. "$ROOT/tests/support/sshd.sh"
NAME=fm$$
if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null || ! command -v tc >/dev/null ||
    ! ip netns add "${NAME}x" 2>/dev/null; then
    echo "no network namespaces here (they need root and iproute2): hosts are not tried"
    finish
fi
ip netns del "${NAME}x"
remove_hosts() {
    local host
    end_all
    for host in 0 1 2 3; do
        ip netns del "$NAME$host" 2>/dev/null
    done
    ip netns del "${NAME}b" 2>/dev/null
}
trap 'remove_hosts; rm -rf "$WORK"' EXIT
ip netns add "${NAME}b"
ip -n "${NAME}b" link add bridge type bridge
ip -n "${NAME}b" link set bridge up
for host in 0 1 2 3; do
    ip netns add "$NAME$host"
    ip -n "$NAME$host" link add eth0 type veth peer name "h$host" netns "${NAME}b"
    ip -n "${NAME}b" link set "h$host" master bridge up
    ip -n "$NAME$host" addr add "10.77.0.1$host/24" dev eth0
    ip -n "$NAME$host" link set eth0 up
    ip -n "$NAME$host" link set lo up
done
on() { # HOST COMMAND...
    local host=$1
    shift
    ip netns exec "$NAME$host" "$@"
}
cut() { ip -n "${NAME}b" link set "h$1" down; }
mend() { ip -n "${NAME}b" link set "h$1" up; }
# Nothing of what the host sends gets out; what is sent to it arrives.
mute() { tc -n "$NAME$1" qdisc replace dev eth0 root tbf rate 8bit burst 10b latency 1ms; }
slow() { tc -n "$NAME$1" qdisc replace dev eth0 root tbf rate 1mbit burst 16kb latency 400ms; }
fast() { tc -n "$NAME$1" qdisc del dev eth0 root; }
host_worker() { # HOST NAME [OPTION...]
    local host=$1 name=$2
    shift 2
    begin "worker-$name" ip netns exec "$NAME$host" "$FANMILL_BIN" worker -v --name "$name" \
        --connect "$WORK/pool.access" "$@"
    WORKER=$LAST
}
host_coordinator() {
    STATE=$WORK/state/fanmill/default
    begin coordinator ip netns exec "${NAME}0" "$FANMILL_BIN" coordinator -v --state "$STATE" \
        --listen tcp://10.77.0.10:7117
    COORDINATOR=$LAST
    until_ok test -s "$STATE/access"
    export FANMILL_CONNECT=$STATE
}
# One line for each of 60 chunks, wherever they run.
job lines <<'YAML'
source: {range: 1..60}
chunk: {items: 1}
stages: [{command: [sh, -c, "sleep 0.1; echo {}"]}]
crash_limit: 10
YAML
seq 60 >"$WORK/expected"
run_lines() { # in the background; its pid in $RUN
    begin "run-$1" "$FANMILL_BIN" run -q lines.yaml
    RUN=$LAST
    RUN_LOG=$WORK/run-$1.log
}
run_is_well() {
    wait "$RUN" || wrong "exit status $? of the run"
    cmp -s "$WORK/expected" "$RUN_LOG" || wrong "output: $(cmp "$WORK/expected" "$RUN_LOG" 2>&1)"
}
some_done() { has_lines 5 "$RUN_LOG"; }

case_is "join"
host_coordinator
fanmill invite worker pool -o pool.access
host_worker 1 w1 -j 2
W1=$WORKER
until_workers 1
run_lines join
until_ok some_done
host_worker 2 w2 -j 2
host_worker 3 w3 -j 2
until_workers 3
run_is_well

case_is "leave"
run_lines leave
until_ok some_done
stop "$W1"
expect_status 0
run_is_well
until_workers 2

case_is "cut: its chunks run elsewhere, and it comes back"
run_lines cut
until_ok some_done
cut 2
until_workers 1
mend 2
run_is_well
until_workers 2

case_is "cut, with nobody else to run it: what it ran is taken up when it is back"
job alone <<YAML
source: {range: 1..1}
stages: [{command: "echo on >>$WORK/alone; until [ -e $WORK/alone-go ]; do sleep 0.1; done; echo {}", resources: {labels: {site: 1}}}]
YAML
host_worker 1 site -j 1 --labels site=1
SITE=$WORKER
until_workers 3
fanmill submit alone.yaml
until_lines 1 "$WORK/alone"
cut 1
until_workers 2
touch "$WORK/alone-go"
mend 1
until_workers 3
fanmill results last --follow
expect_status 0
expect_stdout 1
[ "$(wc -l <"$WORK/alone")" = 1 ] || wrong "it ran $(wc -l <"$WORK/alone") times"
stop "$SITE"

case_is "cut one way: what it sends is lost, what is sent to it arrives"
run_lines mute
until_ok some_done
mute 3
until_workers 1
fast 3
run_is_well
until_workers 2

case_is "a slow link is no dead one"
slow 2
slow 3
job large <<'YAML'
source: {range: 1..10}
chunk: {items: 1}
stages: [{command: [sh, -c, "head -c 60000 /dev/zero"]}]
YAML
lost_before=$(grep -c 'worker lost' coordinator.log)
fanmill run large.yaml
expect_status 0
[ "$(wc -c <stdout)" = 600000 ] || wrong "$(wc -c <stdout) bytes"
[ "$(grep -c 'worker lost' coordinator.log)" = "$lost_before" ] || wrong "a slow worker was called dead"
fast 2
fast 3

case_is "one large result through a thin link: any byte is a sign of life"
thin() { tc -n "$NAME$1" qdisc replace dev eth0 root tbf rate 2500kbit burst 16kb latency 400ms; }
thin 2
thin 3
job huge <<'YAML'
source: {items: [4100000]}
stages: [{command: [head, -c, "{}", /dev/zero]}]
YAML
lost_before=$(grep -c 'worker lost' coordinator.log)
retries_before=$(count retries)
fanmill run huge.yaml
expect_status 0
[ "$(wc -c <stdout)" = 4100000 ] || wrong "$(wc -c <stdout) bytes"
[ "$(grep -c 'worker lost' coordinator.log)" = "$lost_before" ] || wrong "a worker that was sending was called dead"
[ "$(count retries)" = "$retries_before" ] || wrong "it was run again"
fast 2
fast 3

case_is "the same key twice: two workers"
host_worker 1 twin -j 1
until_workers 3
run_lines twin
run_is_well
stop "$WORKER"

case_is "all lose the coordinator at once, and all come back"
until_workers 2
host_worker 1 w1 -j 2
until_workers 3
crash "$COORDINATOR"
# `ip netns exec` becomes the program, so that was the coordinator itself.
host_coordinator
until_workers 3
run_lines again
run_is_well

case_is "a client that is cut off for a moment goes on where it was"
fanmill invite client far -o far.access
begin run-far ip netns exec "${NAME}1" env -u FANMILL_CONNECT "$FANMILL_BIN" run -q --connect "$WORK/far.access" lines.yaml
RUN=$LAST
RUN_LOG=$WORK/run-far.log
until_ok some_done
cut 1
for _ in 1 2 3 4 5 6 7 8 9 10; do "$FANMILL_BIN" status >/dev/null; done
mend 1
run_is_well
if have_sshd; then
    case_is "workers by ssh on other hosts"
    ssh_prepare
    for host in 1 2; do
        begin_sshd "$host" "10.77.0.1$host" 22 ip netns exec "$NAME$host"
        up() { on 0 bash -c "exec 8<>/dev/tcp/10.77.0.1$host/22" 2>/dev/null; }
        until_ok up
    done
    fanmill drain all
    until_workers 0
    begin deploy ip netns exec "${NAME}0" "$FANMILL_BIN" worker deploy-ssh --connect "$WORK/pool.access" \
        10.77.0.11/2 10.77.0.12/2
    DEPLOY=$LAST
    until_workers 2
    run_lines ssh
    until_ok some_done
    cut 2 # its ssh notices, its worker's chunks run elsewhere at once
    until_workers 1
    mend 2
    run_is_well
    until_workers 2
    interrupt "$DEPLOY"
    wait "$DEPLOY"
    [ $? = 130 ] || wrong "exit status of deploy-ssh after Ctrl-C: $(tail -n 3 deploy.log)"
    until_workers 0

    case_is "run --host on other hosts: one is cut off for good"
    begin run-host ip netns exec "${NAME}0" env -u FANMILL_CONNECT "$FANMILL_BIN" run --host 10.77.0.11/2,10.77.0.12/2 lines.yaml
    RUN=$LAST
    RUN_LOG=$WORK/run-host.log
    until_ok some_done
    cut 2
    wait "$RUN" || wrong "exit status $? of the run"
    grep -x '[0-9]*' "$RUN_LOG" | cmp -s "$WORK/expected" - || wrong "output: $(tail -n 3 "$RUN_LOG")"
    mend 2
fi
remove_hosts
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
