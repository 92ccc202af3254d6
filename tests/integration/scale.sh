# Large jobs: described, not stored.
. tests/support/lib.sh

peak_kib() { # of a command, in KiB, its children not counted
    "$@" >stdout 2>stderr &
    local pid=$! peak=0 now
    until_file stdout
    while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        [ "$(wc -l <stdout)" -ge 2000 ] && break
    done
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
limit=65536
ldd "$FANMILL_BIN" | grep -q asan && limit=$((limit * 8)) # its shadow and quarantine count too
[ "$peak" -gt 0 ] && [ "$peak" -le $limit ] || wrong "the coordinator took $peak KiB, limit $limit"

case_is "a slow first chunk holds the window, not the memory"
job window <<EOF
source: {range: 1..3000000}
chunk: {items: 1}
stages: [{kernel: identity}]
EOF
sed -i 's/kernel: identity/kernel: sum_u64/' window.yaml
fanmill run window.yaml
expect_status 0
[ "$(wc -l <stdout)" = 3000000 ] || wrong "not every chunk once: $(wc -l <stdout)"
seq 1 3000000 | cmp -s - stdout || wrong "not in order"

expect_nothing_left
finish
