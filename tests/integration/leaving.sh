#!/bin/bash
# Workers that leave by themselves, and what they tell whoever started them.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
has_line() { grep -qE -- "$2" "$1"; }
until_logged() { until_ok has_line "$WORK/$1.log" "$2"; }
ended() { ! kill -0 "$1" 2>/dev/null; }

case_is "--ready: a file, once the coordinator has accepted the worker"
begin early "$FANMILL_BIN" worker --connect "ipc://$WORK/nobody" --ready "$WORK/early.ready"
EARLY=$LAST
coordinator
begin worker-one "$FANMILL_BIN" worker --name one --memory 64MiB --idle-exit 400ms --ready "$WORK/ready"
ONE=$LAST
until_file "$WORK/ready"
until_lines 1 "$WORK/ready"
[ "$(cat "$WORK/ready")" = ready ] || wrong "$(cat "$WORK/ready")"
[ ! -s "$WORK/early.ready" ] || wrong "a worker without a coordinator is ready"
stop "$EARLY"

case_is "--idle-exit: it leaves when nothing comes"
wait "$ONE" || wrong "status $?"
until_logged coordinator-default 'info worker left .*name=one .*idle'
until_logged worker-one 'info the worker drains .*idle'

case_is "--memory is what chunks may ask for"
worker two --memory 64MiB --idle-exit 600s
until_workers 1
fanmill workers --json
grep -q '"memory":67108864' "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
job large <<'YAML'
source: {range: 1..1}
stages: [{command: [echo, "{}"], resources: {memory: 65MiB}}]
YAML
fanmill submit large.yaml
fanmill explain last
grep -qi memory "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
fanmill cancel last
stop "$WORKER"

case_is "--ready: a descriptor"
mkfifo fifo
exec 7<>fifo
worker three -j 1 --ready 7
read -r line <&7
[ "$line" = ready ] || wrong "'$line'"
stop "$WORKER"
exec 7>&-
fanmill worker --ready 77
expect_status 2
expect_stderr "--ready"
fanmill worker --ready "$WORK/none/ready"
expect_status 2

case_is "a supervisor is told (NOTIFY_SOCKET)"
if command -v python3 >/dev/null; then
    cat >notified.py <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
open(sys.argv[2], "w").close()
while True:
    said = s.recv(100).decode()
    print(said, flush=True)
    if said.startswith("STOPPING"):
        break
PY
    begin notified python3 notified.py "$WORK/notify" "$WORK/bound"
    NOTIFIED=$LAST
    until_ok test -e bound
    begin worker-four env NOTIFY_SOCKET="$WORK/notify" "$FANMILL_BIN" worker --name four
    FOUR=$LAST
    until_lines 1 notified.log
    stop "$FOUR"
    wait "$NOTIFIED"
    [ "$(tr '\n' ' ' <notified.log)" = "READY=1 STOPPING=1 " ] || wrong "$(cat notified.log)"
fi

case_is "--time-limit: it takes nothing new in its last tenth, and ends what runs at its end"
job slow <<YAML
source: {range: 1..2}
chunk: {items: 1}
stages: [{command: "echo on >>$WORK/began; sleep 600"}]
YAML
sed -i 's/^version.*/&\ncrash_limit: 100/' slow.yaml
worker five -j 1 --time-limit 3s
FIVE=$LAST
fanmill submit slow.yaml
until_file began
until_ok ended "$FIVE"
wait "$FIVE" || wrong "status $?"
until_logged worker-five 'info the worker drains .*--time-limit'
until_logged worker-five 'info the worker leaves status=0 running=1 .*--time-limit'
until_logged coordinator-default 'info worker left .*name=five .*time is over'
[ "$(wc -l <began)" = 1 ] || wrong "began $(wc -l <began) chunks"
fanmill cancel --kill last
end_all
finish
