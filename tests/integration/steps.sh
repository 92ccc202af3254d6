# Later stages with a chunk of their own, and reduce trees.
. tests/support/lib.sh
seq 1 1000 >numbers

case_is "a later stage takes the results of many chunks"
job later <<'EOF'
source: {range: 1..1000}
chunk: {items: 10}
stages:
  - kernel: sum_u64
  - kernel: sum_u64
    chunk: {items: 10}
EOF
fanmill run later.yaml
expect_status 0
awk '{ s += $1 } NR % 100 == 0 { print s; s = 0 }' numbers >want
expect_same want

case_is "a later stage by lines"
job lines <<'EOF'
source: {data: numbers}
chunk: {lines: 70}
stages:
  - pipe: [cat]
  - pipe: "wc -l | tr -d ' '"
    chunk: {lines: 300}
EOF
fanmill run lines.yaml
expect_status 0
expect_stdout "$(printf '%s\n' 300 300 300 100)"

case_is "a later stage is fed before the first has ended"
job early <<EOF
source: {items: [1, 2, 3, 4]}
stages:
  - command: "if test {} = 4; then cat $WORK/gate; fi; echo {}"
  - command: "echo {} | tee -a $WORK/seen"
    chunk: {items: 1}
EOF
mkfifo gate
timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 early.yaml >stdout 2>stderr &
pid=$!
until_file seen
echo >gate
wait "$pid"
STATUS=$?
expect_status 0

for fan_in in 2 3 16 all; do
    case_is "a sum by fan_in $fan_in"
    job sum <<EOF
source: {range: 1..1000}
chunk: {items: 7}
stages: [{kernel: sum_u64}]
reduce: {kernel: sum_u64, fan_in: $fan_in}
EOF
    fanmill run sum.yaml
    expect_status 0
    expect_stdout 500500
done

case_is "merge_counts is the tree of word_count"
job words <<'EOF'
source: {data: /usr/share/common-licenses/*}
chunk: {bytes: 16KiB}
stages: [{kernel: word_count}]
reduce: {kernel: merge_counts, fan_in: 3}
EOF
cat /usr/share/common-licenses/* | tr A-Z a-z | tr -cs 'a-z\200-\377' '\n' | grep . | sort | uniq -c |
    awk '{ print $2, $1 }' | sort >want
fanmill run words.yaml
expect_status 0
sort stdout >sorted
cmp -s sorted want || wrong "counts differ"

case_is "one chunk is its own reduction"
job one <<'EOF'
source: {items: ["5"]}
stages: [{kernel: sum_u64}]
reduce: {kernel: sum_u64, fan_in: 2}
EOF
fanmill run one.yaml
expect_status 0
expect_stdout 5

case_is "a failed chunk is left out of the reduction, and reported"
job hole <<'EOF'
source: {items: ["1", x, "3"]}
stages: [{kernel: sum_u64}]
reduce: {kernel: sum_u64, fan_in: 2}
EOF
fanmill run hole.yaml
expect_status 1
expect_stdout 4
expect_stderr "('x')"

expect_nothing_left
finish
