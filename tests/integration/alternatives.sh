# The list of `man parallel_alternatives` that tools for running in parallel fail at, as far as it
# concerns a job on this machine; and what else must not happen to its output and its leftovers.
. tests/support/lib.sh
mkdir tmp
export TMPDIR=$WORK/tmp
nothing_left() {
    expect_nothing_left
    [ -z "$(ls -A "$TMPDIR")" ] || wrong "left in TMPDIR: $(ls -A "$TMPDIR")"
}

case_is "MIX: half lines of several at once are never mixed"
for order in input completion; do
    job mix <<EOF
source: {items: [a, b, c, d, e, f]}
stages: [{command: "for i in 1 2 3; do printf %s {}{}; sleep 0.02; echo {}{}; done"}]
order: $order
EOF
    fanmill run -j 6 mix.yaml
    expect_status 0
    for i in a b c d e f; do printf '%s\n' $i$i$i$i $i$i$i$i $i$i$i$i; done >expected
    uniq stdout | sort | cmp -s - <(uniq expected) || wrong "order $order: mixed: $(head -c 200 stdout)"
    [ "$(wc -l <stdout)" = 18 ] || wrong "order $order: $(wc -l <stdout) lines"
done
cmp -s expected <(sort stdout) || wrong "other lines"

case_is "STDERRMERGE: standard error is not in standard output"
job merge <<'EOF'
source: {range: 1..20}
stages: [{command: "echo err {} >&2; echo out {}; echo err again {} >&2"}]
EOF
fanmill run -j 4 merge.yaml
expect_status 0
expect_stdout "$(seq -f 'out %.0f' 20)"
[ "$(grep -c '^err' stderr)" = 40 ] || wrong "standard error is not whole"

case_is "RAM: more output than fits in memory"
limited() { (ulimit -v 700000; "$@"); }
# A sanitizer needs more address space, and would report the lack of it.
can_be_limited() { ASAN_OPTIONS='' limited "$FANMILL_BIN" --version >stdout 2>&1; }
if can_be_limited; then
    job ram <<'EOF'
source: {range: 1..800}
stages: [{command: "head -c 1048576 /dev/zero"}]
EOF
    limited timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 --spool-limit 100MiB ram.yaml 2>stderr | wc -c >stdout
    STATUS=${PIPESTATUS[0]}
    expect_status 0
    expect_quiet
    expect_stdout 838860800
    nothing_left
else
    echo "skipped: RAM (a sanitizer needs address space)"
fi

# One chunk is slow, and much waits for it.
job waits <<EOF
source: {range: 1..150}
stages: [{command: "if test {} = 1; then sleep 600 & sleep 600; fi; head -c 1048576 /dev/zero; echo on >>$WORK/done"}]
EOF
start() {
    rm -f done
    env --default-signal=INT,TERM,HUP "$FANMILL_BIN" run -j 2 waits.yaml >stdout 2>stderr &
    pid=$!
    until_lines 100 done
}
for signal in INT TERM KILL; do
    case_is "CLEANUP: SIG$signal leaves no file, no folder and no process"
    start
    kill -$signal "$pid"
    wait "$pid" 2>/dev/null
    STATUS=$?
    expect_status $((128 + $(kill -l $signal)))
    nothing_left
done

job large <<'EOF'
source: {range: 1..21}
stages: [{command: "head -c 209715200 /dev/zero"}]
EOF
case_is "SIGPIPE: the reader goes away in the middle of much output"
timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 large.yaml 2>stderr | head -c 10000000 >stdout
[ "${PIPESTATUS[0]}" = 141 ] || wrong "status ${PIPESTATUS[0]}"
expect_quiet
nothing_left

case_is "DISKFULL: standard output"
timeout "$LIMIT_S" "$FANMILL_BIN" run merge.yaml >/dev/full 2>stderr
STATUS=$?
expect_status 5
expect_stderr "output could not be written: standard output: No space left on device"
nothing_left
finish
