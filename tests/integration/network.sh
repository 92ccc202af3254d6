#!/bin/bash
# Other machines: TCP with keys, roles, the allow-list, strangers. All on the loopback.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

job numbers <<'YAML'
name: numbers
source: {range: 1..20}
chunk: {items: 1}
stages: [{command: [echo, "{}"]}]
YAML
job slow <<YAML
source: {range: 1..4}
chunk: {items: 1}
stages: [{command: [sh, -c, "echo on >>$WORK/began; sleep 600"]}]
YAML

case_is "keys"
fanmill keygen --state "$WORK/state/fanmill/default"
expect_status 0
[ "$(wc -c <"$WORK/stdout")" = 41 ] || wrong "a public key has 40 characters"
fanmill keygen --state "$WORK/state/fanmill/default"
expect_status 2
expect_stderr "File exists"
fanmill invite worker w1 --state "$WORK/state/fanmill/default"
expect_status 2
expect_stderr "unknown address of the coordinator"
fanmill invite king k --state "$WORK/state/fanmill/default"
expect_status 2
expect_stderr "'king' is not a role"
fanmill invite worker ../k --state "$WORK/state/fanmill/default"
expect_stderr "is not a name"

case_is "a coordinator on TCP"
fanmill coordinator --listen 127.0.0.1:0
expect_status 2
expect_stderr "--listen takes tcp://HOST:PORT"
coordinator default --listen "tcp://127.0.0.1:$(free_port)"
ADDRESS=$(cat "$STATE/listen")
unset FANMILL_CONNECT
for peer in "worker w1" "worker w2" "client alice" "client bob" "observer eye" "admin root"; do
    # shellcheck disable=SC2086
    fanmill invite $peer
    expect_status 0
done
fanmill invite worker w1
expect_status 2
expect_stderr "the name 'w1' is taken"
[ "$(stat -c %a w1.access)" = 600 ] || wrong "mode of an access file"
keys() { [ "$(count keys)" = 6 ]; }
until_ok keys

case_is "a worker and a client with keys"
worker w1 -j 2 --connect w1.access
until_workers 1
fanmill run --connect alice.access numbers.yaml
expect_status 0
expect_stdout "$(seq 20)"
fanmill submit --connect alice.access --wait numbers.yaml
expect_status 0
fanmill results --connect eye.access
expect_stdout "$(seq 20)"
fanmill status --connect "$ADDRESS" --key bob.access --json
grep -q '"owner":"alice"' "$WORK/stdout" || wrong "the owner: $(cat "$WORK/stdout")"
fanmill workers --json --connect eye.access
grep -q '"key":"w1"' "$WORK/stdout" || wrong "the worker's key"

case_is "roles"
fanmill submit --connect eye.access numbers.yaml
expect_status 3
expect_stderr "its role does not permit SUBMIT"
fanmill cancel --connect eye.access all
expect_stderr "its role does not permit CONTROL"
fanmill status --connect w1.access
expect_stderr "its role does not permit QUERY"
fanmill drain --connect alice.access w1
expect_status 2
expect_stderr "only an admin may drain"
fanmill submit --connect alice.access slow.yaml
job=$(cat "$WORK/stdout")
fanmill cancel --connect bob.access "$job"
expect_status 2
expect_stderr "belongs to 'alice'"
fanmill cancel --connect root.access "$job"
expect_status 0
fanmill wait -q --connect alice.access "$job"
expect_status 4
fanmill worker --connect alice.access
expect_status 3
expect_stderr "its role does not permit REGISTER"
[ "$(count forbidden)" -ge 4 ] || wrong "forbidden messages are not counted"

case_is "strangers"
before=$(count strangers_refused)
fanmill invite client ghost
fanmill revoke ghost
"$FANMILL_BIN" status --connect ghost.access >/dev/null 2>&1 & # refused for as long as it tries
ghost=$!
refused() { [ "$(count strangers_refused)" -gt "$before" ]; }
until_ok refused
kill "$ghost" 2>/dev/null
# Z85 has every character that sed and grep take for something else.
awk '$1 == "public" { key = $2 } { line[NR] = $0 } END {
    for (i = 1; i <= NR; i++) print line[i] ~ /^coordinator / ? "coordinator " key : line[i] }' \
    alice.access >wrong.access
chmod 600 wrong.access
before=$(count handshakes_failed)
"$FANMILL_BIN" status --connect wrong.access >/dev/null 2>&1 &
ghost=$!
failed() { [ "$(count handshakes_failed)" -gt "$before" ]; }
until_ok failed
kill "$ghost" 2>/dev/null
before=$(count connections_accepted)
greeted=$(count connections_greeted)
exec 9<>"/dev/tcp/127.0.0.1/${ADDRESS##*:}"
printf 'GET / HTTP/1.0\r\n\r\n' >&9
came() { [ "$(count connections_accepted)" -gt "$before" ]; }
until_ok came
[ "$(count connections_greeted)" = "$greeted" ] || wrong "HTTP was greeted"
head -c 64 <&9 >"$WORK/answer" || true
grep -q fanmill "$WORK/answer" && wrong "a stranger learned what we are"
exec 9>&-
fanmill run --connect alice.access numbers.yaml
expect_status 0
grep -q 'a connection was refused' "$WORK/coordinator-default.log" || wrong "strangers are not logged"
grep -qF -- "$(sed -n 's/^secret //p' "$STATE/coordinator.key" | cut -c1-20)" "$WORK"/*.log &&
    wrong "a secret in a log"
[ "$(count self_tests_passed)" -ge 1 ] || wrong "the self-test did not pass"

case_is "files that others can read"
chmod 644 alice.access
fanmill status --connect alice.access
expect_status 3
expect_stderr "others can read it; run: chmod 600"
chmod 600 alice.access
fanmill status --connect tcp://127.0.0.1:1
expect_status 3
expect_stderr "only with keys"

case_is "a key that is taken back"
rm -f "$WORK/began"
begin reader "$FANMILL_BIN" run --connect bob.access slow.yaml
reader=$LAST
until_lines 2 "$WORK/began"
fanmill revoke bob
wait "$reader"
[ $? = 3 ] || wrong "exit status of a client whose key was taken"
grep -q 'its key was removed' "$WORK/reader.log" || wrong "$(cat "$WORK/reader.log")"
idle() { [ "$(count leased)" = 0 ]; }
until_ok idle # its job ends with it
fanmill revoke w1
wait "$WORKER"
[ $? = 3 ] || wrong "exit status of a worker whose key was taken"
until_workers 0
worker w2 -j 1 --connect w2.access
until_workers 1

case_is "a key that expires"
fanmill invite client brief --valid 2s
until_ok "$FANMILL_BIN" status --connect brief.access
sleep_past() { [ "$(date +%s)" -gt "$1" ]; }
until_ok sleep_past "$(($(date +%s) + 2))"
timeout 4 "$FANMILL_BIN" status --connect brief.access 2>/dev/null && wrong "an expired key"

case_is "wrong permissions of the coordinator's key"
stop "$COORDINATOR"
chmod 640 "$STATE/coordinator.key"
fanmill coordinator --listen tcp://127.0.0.1:0
expect_status 125
expect_stderr "others can read it"
chmod 600 "$STATE/coordinator.key"

case_is "the address is taken"
coordinator default --listen "$ADDRESS"
unset FANMILL_CONNECT
until_workers 1 # the worker found it again
fanmill coordinator --state "$WORK/state/fanmill/second" --listen "$ADDRESS"
expect_status 125
expect_stderr "can't listen on $ADDRESS: Address already in use"
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
