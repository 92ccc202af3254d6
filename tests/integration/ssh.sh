#!/bin/bash
# Workers started by ssh, on a real sshd of the test's own on the loopback.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
. "$ROOT/tests/support/sshd.sh"
if ! have_sshd; then
    echo "no sshd and ssh here: workers by ssh are not tried"
    finish
fi
ssh_prepare
for _ in 1 2 3 4 5 6 7 8; do
    PORT=$((20000 + RANDOM % 20000))
    begin_sshd loopback 127.0.0.1 "$PORT"
    SSHD_PID=$LAST
    up() { (exec 8<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null || ! kill -0 "$SSHD_PID" 2>/dev/null; }
    until_ok up
    kill -0 "$SSHD_PID" 2>/dev/null && break
done
if ! ssh -F "$WORK/ssh/config" -o BatchMode=yes -p "$PORT" 127.0.0.1 true 2>"$WORK/stderr"; then
    echo "this sshd accepts no login here: $(head -n 1 "$WORK/stderr")"
    finish
fi
job numbers <<'YAML'
source: {range: 1..20}
chunk: {items: 1}
stages: [{command: [echo, "{}"]}]
YAML

case_is "deploy: the program is copied, the worker registers"
coordinator default --listen tcp://127.0.0.1:0
fanmill invite worker pool
begin deploy "$FANMILL_BIN" worker deploy-ssh --connect "$WORK/pool.access" "127.0.0.1:$PORT/3"
DEPLOY=$LAST
until_workers 1
grep -q 'copying the program' "$WORK/deploy.log" || wrong "$(cat "$WORK/deploy.log")"
fanmill workers --json
grep -q '"name":"127.0.0.1".*"slots":3' stdout || wrong "$(cat stdout)"
fanmill run numbers.yaml
expect_status 0
expect_stdout "$(seq 20)"
sed -n 's/^secret //p' pool.access >secret # a pattern on grep's own command line would be found
[ -s secret ] || wrong "no secret to look for"
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -qF -f secret && wrong "a secret on a command line"

case_is "a worker that dies is started again, without another copy"
remote=$("$FANMILL_BIN" workers --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
kill -KILL "$remote"
another() { "$FANMILL_BIN" workers --json | grep -v "\"pid\":$remote," | grep -q '"pid"'; }
until_ok another
until_workers 1
[ "$(grep -c 'copying the program' "$WORK/deploy.log")" = 1 ] || wrong "it was copied twice"

case_is "Ctrl-C ends them all"
interrupt "$DEPLOY"
wait "$DEPLOY"
[ $? = 130 ] || wrong "exit status after Ctrl-C"
until_workers 0

case_is "through a tunnel"
begin deploy "$FANMILL_BIN" worker deploy-ssh --tunnel --connect "$WORK/pool.access" "127.0.0.1:$PORT"
DEPLOY=$LAST
until_workers 1
fanmill run numbers.yaml
expect_status 0
expect_stdout "$(seq 20)"
# The command dies: the workers leave by themselves.
crash "$DEPLOY"
until_workers 0

grep -q '^/tmp/fanmill-' "$WORK/ssh/asked" || wrong "there was no tunnel"
until_ok no_tunnels

case_is "run --host: workers for one run"
unset FANMILL_CONNECT
fanmill run --host "127.0.0.1:$PORT/2" numbers.yaml
expect_status 0
expect_stdout "$(seq 20)"
expect_quiet
job where <<'YAML'
source: {range: 1..150}
chunk: {items: 1}
stages: [{command: [sh, -c, "sleep 0.05; echo $FANMILL_SLOT"]}]
sink: {stdout: json}
YAML
fanmill run -j 2 --host ":,localhost:$PORT/2" --host "127.0.0.1:$PORT/1" where.yaml
expect_status 0
for name in local localhost 127.0.0.1; do
    grep -q "\"worker\":\"$name\"" stdout || wrong "nothing ran on $name"
done
seq 20 >items
fanmill map --host "127.0.0.1:$PORT/2" echo n {} :::: items
expect_status 0
expect_stdout "$(seq -f 'n %.0f' 20)"
fanmill pipe --host "127.0.0.1:$PORT/2" --block 16 --reduce builtin:sum -- wc -l <items
expect_status 0
expect_stdout 20
fanmill run --host :/3 numbers.yaml
expect_status 0
expect_stdout "$(seq 20)"

case_is "run --host: a host dies and comes back"
job die <<YAML
source: {range: 1..20}
chunk: {items: 1}
stages: [{command: [sh, -c, "test {} != 7 || test -e $WORK/died || { touch $WORK/died; zygote=\$(cut -d' ' -f4 /proc/\$PPID/stat); kill -9 \$(cut -d' ' -f4 /proc/\$zygote/stat); sleep 60; }; echo {}"]}]
YAML
fanmill run --host "127.0.0.1:$PORT/1" die.yaml
expect_status 0
expect_stdout "$(seq 20)"
expect_stderr "host 127.0.0.1: its worker ended with status"

case_is "run --host: an unreachable host"
fanmill run --host "127.0.0.1:1" numbers.yaml
expect_status 3
expect_stderr "host 127.0.0.1: given up: ssh could not connect"
expect_stderr "no host is left"
fanmill run --host 127.0.0.1:x numbers.yaml
expect_status 2
expect_stderr "expected a port after ':'"
fanmill run --host , numbers.yaml
expect_status 2
expect_stderr "missing hosts"
fanmill run --host : --connect nowhere numbers.yaml
expect_status 2
expect_stderr "--host and --connect"

case_is "run --host: Ctrl-C ends all of it"
job slow <<YAML
source: {range: 1..4}
chunk: {items: 1}
stages: [{command: [sh, -c, "echo on >>$WORK/began; sleep 600"]}]
YAML
begin hosts "$FANMILL_BIN" run --host "127.0.0.1:$PORT/2" slow.yaml
HOSTS=$LAST
until_lines 2 "$WORK/began"
interrupt "$HOSTS"
wait "$HOSTS"
[ $? = 130 ] || wrong "exit status after Ctrl-C: $(cat hosts.log)"

case_is "mistakes"
fanmill worker deploy-ssh --connect "$WORK/pool.access"
expect_status 2
expect_stderr "missing hosts"
fanmill worker deploy-ssh --connect "$WORK/pool.access" -- -oProxyCommand=x
expect_status 2
expect_stderr "is not a host"
fanmill worker deploy-ssh "127.0.0.1:$PORT"
expect_status 2
expect_stderr "need the access file of a worker"
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
