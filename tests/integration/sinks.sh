# Where results go, and that nothing half-written is ever taken for a result.
. tests/support/lib.sh

case_is "a file takes its place when all is there"
job file <<'EOF'
source: {range: 1..1000}
stages: [{kernel: identity}]
sink: {file: out/result.txt}
EOF
mkdir out
fanmill run file.yaml
expect_status 0
expect_quiet
seq 1 1000 | cmp -s - out/result.txt || wrong "wrong bytes in the file"
[ "$(ls -A out)" = result.txt ] || wrong "more than the file: $(ls -A out)"

case_is "an old file stays when the job ends early"
echo old >out/result.txt
job early <<'EOF'
source: {range: 1..1000}
on_error: stop
stages: [{command: "test {} != 5 && echo {}"}]
sink: {file: out/result.txt}
EOF
fanmill run early.yaml
expect_status 4
[ "$(cat out/result.txt)" = old ] || wrong "the old file is gone"
[ "$(ls -A out)" = result.txt ] || wrong "something unfinished is left: $(ls -A out)"
expect_stderr "result.txt"

case_is "if_exists: error refuses before anything runs"
job refuse <<EOF
source: {items: [a]}
stages: [{command: "touch $WORK/ran"}]
sink: {file: out/result.txt, if_exists: error}
EOF
fanmill run refuse.yaml
[ "$STATUS" = 2 ] || [ "$STATUS" = 5 ] || wrong "exit status $STATUS"
[ ! -e ran ] || wrong "it ran"
expect_stderr "result.txt"

case_is "if_exists: append"
job append <<'EOF'
source: {items: [a, b]}
stages: [{command: [echo, "{}"]}]
sink: {file: out/result.txt, if_exists: append}
EOF
fanmill run append.yaml
expect_status 0
[ "$(cat out/result.txt)" = "$(printf 'old\na\nb')" ] || wrong "not appended: $(cat out/result.txt)"

case_is "a folder that is not there"
job nodir <<'EOF'
source: {items: [a]}
stages: [{command: [echo, "{}"]}]
sink: {file: no/such/place.txt}
EOF
fanmill run nodir.yaml
[ "$STATUS" = 5 ] || [ "$STATUS" = 2 ] || wrong "exit status $STATUS"
expect_stderr "no/such"

case_is "dir: one file for each item"
job dir <<'EOF'
source: {items: [red, green, blue]}
stages: [{command: [echo, "colour {}"]}]
sink: {dir: colours, name: "{}.txt"}
EOF
fanmill run dir.yaml
expect_status 0
[ "$(cat colours/red.txt colours/green.txt colours/blue.txt)" = "$(printf 'colour %s\n' red green blue)" ] ||
    wrong "wrong files"
[ "$(ls -A colours | wc -l)" = 3 ] || wrong "more than three files"

case_is "dir: no way out of it"
job escape <<'EOF'
source: {items: ["../escaped"]}
stages: [{command: [echo, x]}]
sink: {dir: colours, name: "{}.txt"}
EOF
fanmill run escape.yaml
expect_status 5
[ ! -e escaped.txt ] || wrong "a file outside of the folder"

case_is "json has a line for every chunk"
job json <<'EOF'
source: {items: [a, bad, c]}
stages: [{command: "echo out-{}; test {} != bad"}]
sink: {stdout: json}
EOF
fanmill run json.yaml
expect_status 1
[ "$(wc -l <stdout)" = 3 ] || wrong "not three lines"
if command -v jq >/dev/null; then
    jq -es 'length == 3 and .[0].stdout == "out-a\n" and .[1].outcome == "exit" and .[1].exit == 1' \
        stdout >/dev/null || wrong "the JSON says something else: $(cat stdout)"
fi

case_is "none"
job none <<'EOF'
source: {items: [a]}
stages: [{command: [echo, x]}]
sink: none
EOF
fanmill run none.yaml
expect_status 0
[ ! -s stdout ] || wrong "output was written"

case_is "results come while the job runs"
job live <<EOF
source: {items: ["1", "2"]}
stages: [{command: "if test {} = 2; then cat $WORK/gate; fi; echo {}"}]
EOF
mkfifo gate
rm -f stdout
timeout "$LIMIT_S" "$FANMILL_BIN" run -j 1 live.yaml >stdout 2>stderr &
pid=$!
until_file stdout
echo >gate
wait "$pid"
STATUS=$?
expect_status 0
expect_stdout "$(printf '1\n\n2')"

expect_nothing_left
finish
