# When the system says no.
. tests/support/lib.sh

case_is "no room for the private folder"
job tiny <<'EOF'
source: {items: [a]}
stages: [{command: [echo, "{}"]}]
EOF
XDG_RUNTIME_DIR=$WORK/nowhere TMPDIR=$WORK/nowhere fanmill run tiny.yaml
expect_status 0 # /tmp is the last resort
expect_stdout a

case_is "few descriptors"
( ulimit -n 64; timeout "$LIMIT_S" "$FANMILL_BIN" run -j 4 tiny.yaml >stdout 2>stderr )
STATUS=$?
expect_status 0
expect_stdout a

case_is "too few descriptors to begin: a message, no hang"
( ulimit -n 8; timeout "$LIMIT_S" "$FANMILL_BIN" run tiny.yaml >stdout 2>stderr )
STATUS=$?
expect_status 125
expect_stderr "open files are allowed"
expect_nothing_left

case_is "fewer descriptors than slots: the run goes on with fewer executors"
job slots <<'EOF'
source: {range: 1..200}
chunk: {items: 1}
stages: [{command: "sleep 0.02; echo {}"}]
EOF
( ulimit -n 60; timeout "$LIMIT_S" "$FANMILL_BIN" run -j 64 slots.yaml >stdout 2>stderr )
STATUS=$?
expect_status 0
expect_stdout "$(seq 1 200)"
expect_nothing_left

case_is "a file larger than allowed"
job file <<'EOF'
source: {range: 1..400000}
stages: [{kernel: identity}]
sink: {file: large.txt}
EOF
( ulimit -f 100; trap '' XFSZ; timeout "$LIMIT_S" "$FANMILL_BIN" run file.yaml >stdout 2>stderr )
STATUS=$?
expect_status 5
expect_stderr "large.txt"
[ ! -e large.txt ] || wrong "an unfinished file was put in place"
[ -z "$(find . -name '*large.txt*')" ] || wrong "left: $(find . -name '*large.txt*')"

case_is "an item longer than a command may take"
head -c 200000 /dev/zero | tr '\0' x >long.txt
job long <<'EOF'
source: {lines: long.txt}
stages: [{command: [echo, "{}"]}]
EOF
fanmill run long.yaml
expect_status 1
expect_stderr "use pipe"

case_is "a command that writes without end is bounded"
job endless <<'EOF'
source: {items: [a]}
stages: [{command: ["yes"], timeout: 300ms}]
sink: none
EOF
fanmill run endless.yaml
expect_status 1
expect_nothing_left
finish
