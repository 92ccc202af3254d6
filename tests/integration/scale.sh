# Large jobs: described, not stored.
. tests/support/lib.sh

peak_kib() { # of a command, in KiB, its children not counted
    "$@" >stdout 2>stderr &
    local pid=$! peak
    until_lines 2000 stdout
    peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
    kill -TERM $pid
    wait $pid
    STATUS=$?
    echo "$peak"
}

case_is "a job of 10^9 chunks starts at once and needs little memory"
job huge <<'EOF'
source: {range: 1..1000000000}
chunk: {items: 1}
stages: [{kernel: identity}]
EOF
peak_kib env --default-signal=TERM "$FANMILL_BIN" run huge.yaml >peak
seq 1 2000 | cmp -s - <(head -n 2000 stdout) || wrong "the first results are wrong"
peak=$(tail -n 1 peak)
limit=65536 chunks=3000000
if grep -qa __asan_init "$FANMILL_BIN"; then # its shadow and quarantine count too, and it is slow
    limit=$((limit * 8)) chunks=300000
fi
[ "$peak" -gt 0 ] && [ "$peak" -le $limit ] || wrong "the coordinator took $peak KiB, limit $limit"

case_is "very many short chunks: each once, in order"
job many <<EOF
source: {range: 1..$chunks}
chunk: {items: 1}
stages: [{kernel: sum_u64}]
EOF
fanmill run many.yaml
expect_status 0
seq 1 $chunks | cmp -s - stdout || wrong "not each once in order: $(wc -l <stdout) lines"

expect_nothing_left
finish
