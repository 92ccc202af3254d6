#!/bin/bash
# Why a coordinator can't be reached: each cause has its own words, and they come soon.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
job one <<'YAML'
source: {range: 1..1}
stages: [{command: [echo, "{}"]}]
YAML
# told TEXT ACCESS: all commands end with status 3 and the words; none needs the time of a silence.
told() {
    local begun=$SECONDS
    for command in "status" "run one.yaml" "submit one.yaml"; do
        # shellcheck disable=SC2086
        fanmill $command --connect "$2"
        expect_status 3
        expect_stderr "$1"
    done
    [ $((SECONDS - begun)) -lt 40 ] || wrong "it took $((SECONDS - begun)) s"
}

PORT=$(free_port)
coordinator default --listen "tcp://127.0.0.1:$PORT"
fanmill invite client alice -o alice.access
fanmill invite client bob -o bob.access
fanmill invite observer eve -o eve.access
fanmill status --connect alice.access
expect_status 0

case_is "a key that was revoked"
fanmill revoke bob
told "refused the key of 'bob'" bob.access

case_is "a worker whose key was revoked says so, and keeps trying"
fanmill invite worker w -o w.access
cp "$STATE/peers/w.peer" w.peer
fanmill revoke w
begin worker-w "$FANMILL_BIN" worker --connect w.access
until_ok grep -q "warn the coordinator refuses this worker's key: still trying name=w" worker-w.log
mv w.peer "$STATE/peers/w.peer"
until_workers 1
stop "$LAST"

case_is "another coordinator's key"
awk '$1 == "public" { key = $2 } { line[NR] = $0 } END {
    for (i = 1; i <= NR; i++) print line[i] ~ /^coordinator / ? "coordinator " key : line[i] }' \
    alice.access >wrong.access
chmod 600 wrong.access
told "it has another key" wrong.access

case_is "a role that may not"
fanmill run one.yaml --connect eve.access
expect_status 3
expect_stderr "its role does not permit"
fanmill submit one.yaml --connect eve.access
expect_status 3
expect_stderr "its role does not permit"

case_is "nobody listens"
sed "s|^endpoint .*|endpoint tcp://127.0.0.1:$(free_port)|" alice.access >nobody.access
chmod 600 nobody.access
told "nobody listens at tcp://127.0.0.1:" nobody.access

case_is "no such host"
sed 's|^endpoint .*|endpoint tcp://no-such-host.invalid:7117|' alice.access >nohost.access
chmod 600 nohost.access
told "the host 'no-such-host.invalid'" nohost.access

case_is "something else listens there"
if command -v python3 >/dev/null; then
    cat >banner.py <<'PY'
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(50)
open(sys.argv[1], "w").write(str(s.getsockname()[1]) + "\n")
while True:
    c, _ = s.accept()
    c.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    c.close()
PY
    begin banner python3 banner.py "$WORK/port"
    until_file port
    sed "s|^endpoint .*|endpoint tcp://127.0.0.1:$(cat port)|" alice.access >other.access
    chmod 600 other.access
    told "no fanmill coordinator" other.access
fi

case_is "a Unix socket that is not there"
fanmill status --connect "ipc://$WORK/none"
expect_status 3
expect_stderr "no coordinator runs at ipc://"

case_is "a coordinator that is stopped"
kill -STOP "$COORDINATOR"
begin stopped "$FANMILL_BIN" status --connect alice.access
STOPPED=$LAST
told_silent() { grep -q 'has been silent for [0-9]* s: waiting for it' stopped.log; }
until_ok told_silent
kill -CONT "$COORDINATOR"
wait "$STOPPED" || wrong "status $?: $(cat stopped.log)"

case_is "the second address is tried"
sed "s|^endpoint .*|endpoint tcp://127.0.0.1:$(free_port)\n&|" alice.access >two.access
chmod 600 two.access
fanmill status --connect two.access
expect_status 0
end_all
finish
