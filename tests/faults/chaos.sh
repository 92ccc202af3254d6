# Executors are killed at random moments, many times: the output is still exact.
. tests/support/lib.sh
RANDOM=${FANMILL_SEED:-$$}
echo "seed $RANDOM: FANMILL_SEED=... repeats the choices, not the moments"

first_child() { tr ' ' '\n' 2>/dev/null <"/proc/$1/task/$1/children" | grep . | head -n 1; }
# chaos KILLS OPTION... JOB: kills that many executors while the job runs.
chaos() {
    local kills=$1 zygote="" victims
    shift
    "$FANMILL_BIN" run -j 3 "$@" >stdout 2>stderr &
    pid=$!
    while [ -z "$zygote" ] && kill -0 $pid 2>/dev/null; do
        sleep 0.005
        keeper=$(first_child "$(first_child $pid 2>/dev/null || echo 0)" 2>/dev/null)
        zygote=$(first_child "${keeper:-0}" 2>/dev/null)
    done
    KILLED=0
    while [ $KILLED -lt "$kills" ] && victims=$(cat "/proc/$zygote/task/$zygote/children" 2>/dev/null); do
        read -r -a victims <<<"$victims"
        [ ${#victims[@]} -gt 0 ] &&
            kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null && KILLED=$((KILLED + 1))
        read -r -t "0.00$((RANDOM % 10))" _ <>"$WORK/never" # a moment that differs
    done
    wait $pid
    STATUS=$?
    echo "$CASE: $KILLED executors killed"
    [ $KILLED -gt 0 ] || wrong "none was killed, so nothing was tested"
}
mkfifo never

case_is "commands"
job commands <<'EOF'
source: {range: 1..3000}
chunk: {items: 1}
crash_limit: 50
stages: [{command: [echo, "line {}"]}]
EOF
seq -f 'line %.0f' 3000 >want
chaos 100 commands.yaml
expect_status 0
expect_same want
expect_nothing_left

case_is "large results, in parts"
job large <<'EOF'
source: {range: 1..40}
chunk: {items: 1}
crash_limit: 50
stages: [{command: "yes 'line {}' | head -c 9000000"}]
EOF
for i in $(seq 40); do yes "line $i" | head -c 9000000; done | md5sum >want
chaos 60 large.yaml
md5sum <stdout >sum
cmp -s sum want || wrong "the output differs"
expect_status 0
expect_nothing_left

case_is "short kernels, sent ahead"
chunks=4000000
grep -qa __asan_init "$FANMILL_BIN" && chunks=400000 # ten times as slow
job kernels <<EOF
source: {range: 1..$chunks}
chunk: {items: 1}
crash_limit: 50
stages: [{kernel: identity}]
EOF
seq $chunks >want
chaos 100 kernels.yaml
expect_status 0
expect_same want
expect_nothing_left

case_is "three steps with data in between"
job steps <<'EOF'
source: {range: 1..60000}
chunk: {items: 10}
crash_limit: 50
stages:
  - kernel: identity
  - pipe: [cat]
    chunk: {lines: 60}
reduce:
  pipe: "awk '{ s += $1 } END { print s }'"
  fan_in: 4
EOF
chaos 60 steps.yaml
expect_status 0
expect_stdout 1800030000
expect_nothing_left
finish
