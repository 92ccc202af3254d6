# Exit statuses and the words that go with them.
. tests/support/lib.sh

case_is "a job file that is not there"
fanmill run nowhere.yaml
expect_status 2
expect_stderr "nowhere.yaml"

case_is "a job file with mistakes"
printf 'version: 1\nsource: {rnage: 1..3}\nstages: [{command: [echo]}]\n' >bad.yaml
fanmill run bad.yaml
expect_status 2
expect_stderr "bad.yaml:2:"
expect_stderr "did you mean 'range'?"
[ ! -s stdout ] || wrong "something ran"

case_is "unknown options and commands"
fanmill run --slotz 2 bad.yaml
expect_status 2
expect_stderr "--slots"
fanmill rnu bad.yaml
expect_status 2
expect_stderr "run"

case_is "help goes to stdout"
fanmill --help
expect_status 0
grep -q "fanmill run" stdout || wrong "no help"
fanmill run --help
expect_status 0
expect_quiet

case_is "no such program: 127, one message, at once"
job none <<'EOF'
source: {range: 1..100000}
stages: [{command: [no-such-program-here, "{}"]}]
EOF
fanmill run none.yaml
expect_status 127
expect_stderr "'no-such-program-here' was not found on the PATH"
[ "$(grep -c no-such-program stderr)" = 1 ] || wrong "more than one message"

case_is "a program that can't be run: 126"
echo text >plain && chmod 644 plain
job plain <<'EOF'
source: {items: [a]}
stages: [{command: [./plain]}]
EOF
fanmill run plain.yaml
expect_status 126
expect_stderr "./plain"

case_is "a script whose command is not there: 127"
job typo <<'EOF'
source: {range: 1..1000}
stages: [{command: "ecoh {}"}]
EOF
fanmill run typo.yaml
expect_status 127

case_is "a program that vanishes in the middle: its chunks fail, what was finished is there"
printf '#!/bin/sh\ntest "$1" = 20 && rm -f prog\necho $1\n' >prog && chmod +x prog
job vanish <<'YAML'
source: {range: 1..50}
chunk: {items: 1}
stages: [{command: [./prog, "{}"]}]
YAML
fanmill run -j 1 vanish.yaml
expect_status 1
expect_stdout "$(seq 1 20)"
expect_stderr "'./prog' was not found"
expect_stderr "20 chunks ok, 30 failed"

case_is "126 and 127 of single chunks are failures like others, the first chunk's too"
for bad in 1 5; do
    fanmill map --on-error continue "test {} = $bad && exit 127; echo {}" ::: 1 2 3 4 5
    expect_status 1
    expect_stdout "$(seq 5 | grep -v $bad)"
    expect_stderr "4 chunks ok, 1 failed"
done
printf 'echo run $1\n' >run1 && chmod +x run1
printf '#!/bin/sh\necho $1\n' >good && chmod +x good
fanmill map -j 1 ./{} {} ::: no1 good no2 good plain good
expect_status 1
expect_stderr "'./no1' was not found"
expect_stderr "'./no2' was not found"
expect_stderr "'./plain' can't be run: Permission denied"
expect_stderr "3 chunks ok, 3 failed"
fanmill map --halt now,fail=1 -j 1 'exit {}' ::: 0 127 0
expect_status 4

case_is "a script without #! is run by a shell, also from a list of words"
fanmill map ./run1 {} ::: 'a b' ''
expect_status 0
expect_stdout "$(printf 'run a b\nrun\n')"
: >empty && chmod +x empty
fanmill map ./empty ::: x
expect_status 0
head -c 200 "$FANMILL_BIN" | tr 'E' 'X' >alien && chmod +x alien
fanmill map ./alien ::: x
expect_status 126
expect_stderr "neither a script nor a program for this machine"

case_is "a missing interpreter is not a missing program"
printf '#!/no/such/python\n' >noint && chmod +x noint
fanmill map ./noint {} ::: x
expect_status 126
expect_stderr "'./noint' can't be run: its interpreter '/no/such/python': not found"
printf '#!/bin/sh\r\necho\r\n' >crlf && chmod +x crlf
fanmill map ./crlf {} ::: x
expect_status 126
expect_stderr "CR LF"

case_is "a program that is being written is waited for"
cp good busy
# Held open for writing by a process that lets go when told.
mkfifo go
(exec 9>>busy; read -r _ <go) &
holder=$!
holds() { [ -n "$(readlink "/proc/$holder/fd/9")" ]; }
until_ok holds
(timeout "$LIMIT_S" "$FANMILL_BIN" map ./busy {} ::: 1 >late 2>&1; echo $? >status) &
sleep 0.2
echo >go
wait
[ "$(cat late status)" = "$(printf '1\n0\n')" ] || wrong "$(cat late status)"

case_is "no /dev/null: named"
if unshare -m true 2>/dev/null; then
    unshare -m sh -c 'mount -t tmpfs none /dev && exec "$0" map echo ::: a' "$FANMILL_BIN" >stdout 2>stderr
    STATUS=$?
    expect_status 3
    expect_stderr "can't open /dev/null, which commands get as their input: No such file or directory"
fi

case_is "a folder that can't be entered or made is told as that"
mkdir -p shut && chmod 000 shut
if [ "$(id -u)" != 0 ]; then
    fanmill map --workdir shut pwd ::: x
    expect_status 126
    expect_stderr "in the folder"
fi
chmod 755 shut
: >file
fanmill map --workdir file/sub pwd ::: x
expect_status 126
expect_stderr "workdir"
expect_stderr "can't be made: Not a directory"
fanmill map --workdir file pwd ::: x
expect_status 126
expect_stderr "in the folder '$PWD/file': Not a directory"

case_is "on_error: continue runs all"
job continue <<'EOF'
source: {range: 1..10}
stages: [{command: "echo {}; test {} != 3"}]
EOF
fanmill run continue.yaml
expect_status 1
expect_stdout "$(seq 1 10 | grep -v '^3$')"
expect_stderr "chunk 3 ('3') failed"
expect_stderr "9 chunks ok, 1 failed"

case_is "on_error: stop ends what runs"
job stop <<'EOF'
source: {items: [fail, long, later]}
on_error: stop
stages: [{command: "if test {} = fail; then exit 1; else sleep 300; fi"}]
EOF
fanmill run -j 2 stop.yaml
expect_status 4

case_is "on_error: finish starts no more"
job finish <<'EOF'
source: {range: 1..1000}
on_error: finish
stages: [{command: "echo {}; test {} != 3"}]
EOF
fanmill run -j 1 finish.yaml
expect_status 4
[ "$(wc -l <stdout)" -lt 1000 ] || wrong "all ran"

case_is "max_failures"
job max <<'EOF'
source: {range: 1..1000}
max_failures: 5
stages: [{command: ["false"]}]
EOF
fanmill run max.yaml
expect_status 4
expect_stderr "ended early because of failures"

case_is "a chunk that crashes its executor"
job crash <<'EOF'
source: {range: 1..50}
crash_limit: 2
stages: [{kernel: crash, args: {signal: "6"}}]
EOF
fanmill run crash.yaml
expect_status 1
expect_stderr "the executor was killed by signal 6 (SIGABRT) while it ran this chunk"

case_is "-q says nothing"
fanmill run -q continue.yaml
expect_status 1
expect_quiet

case_is "a reader that goes away: 141 and silence"
job many <<'EOF'
source: {range: 1..2000000}
stages: [{kernel: identity}]
EOF
timeout "$LIMIT_S" "$FANMILL_BIN" run many.yaml 2>stderr | head -n 3 >stdout
STATUS=${PIPESTATUS[0]}
expect_status 141
expect_stdout "$(seq 1 3)"
expect_quiet

case_is "a full disk: 5"
timeout "$LIMIT_S" "$FANMILL_BIN" run many.yaml >/dev/full 2>stderr
STATUS=$?
expect_status 5
expect_stderr "No space left on device"

case_is "a closed standard output: 5"
timeout "$LIMIT_S" "$FANMILL_BIN" run many.yaml >&- 2>stderr
STATUS=$?
expect_status 5
expect_stderr "standard output"

case_is "a source that breaks in the middle keeps what is done"
seq 1 100 >fine
job broken <<'EOF'
source: {lines: [fine, vanishing]}
stages: [{command: "rm -f vanishing; echo {}"}]
chunk: {items: 1}
EOF
seq 1 5 >vanishing
fanmill run broken.yaml
[ "$STATUS" = 0 ] || [ "$STATUS" = 4 ] || wrong "exit status $STATUS"
head -n 100 stdout | cmp -s - fine || wrong "finished results are missing"

expect_nothing_left
finish
