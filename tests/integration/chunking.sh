# However a source is cut, the results in order are the same; and the cut is what was asked for.
. tests/support/lib.sh
seq 1 2500 >want

for rule in '{items: 1}' '{items: 7}' '{items: 5000}' '{parts: 3}' auto; do
    case_is "range by $rule"
    job cut <<EOF
source: {range: 1..2500}
chunk: $rule
stages: [{kernel: identity}]
EOF
    fanmill run cut.yaml
    expect_status 0
    expect_same want
done

for rule in '{lines: 100}' '{bytes: 1KiB}' '{bytes: 1}' '{parts: 4}' auto; do
    case_is "data of a file by $rule"
    job cut <<EOF
source: {data: want}
chunk: $rule
stages: [{pipe: [cat]}]
EOF
    fanmill run cut.yaml
    expect_status 0
    expect_same want
done

case_is "chunks of lines hold as many lines as asked for"
job count <<'EOF'
source: {data: want}
chunk: {lines: 1000}
stages: [{pipe: "wc -l | tr -d ' '"}]
EOF
fanmill run count.yaml
expect_stdout "$(printf '%s\n' 1000 1000 500)"

case_is "no record is cut in two"
job ends <<'EOF'
source: {data: want}
chunk: {bytes: 1000}
stages: [{pipe: "tail -c 1 | od -An -tx1"}]
EOF
fanmill run ends.yaml
[ "$(sort -u stdout | tr -d ' \n')" = 0a ] || wrong "a chunk does not end with a line's end"

case_is "a kernel takes all items of its chunk"
job parts <<'EOF'
source: {range: 1..100}
chunk: {items: 25}
stages: [{kernel: sum_u64}]
EOF
fanmill run parts.yaml
expect_stdout "$(printf '%s\n' 325 950 1575 2200)"

case_is "order: completion gives each result once"
job completion <<'EOF'
source: {range: 1..2500}
chunk: {items: 10}
order: completion
stages: [{kernel: identity}]
EOF
fanmill run -j 4 completion.yaml
sort -n stdout | cmp -s - want || wrong "not the same results"

case_is "order: completion does not wait for the first"
mkfifo gate
job early <<EOF
source: {items: [slow, quick]}
order: completion
stages:
  - command: "if test {} = slow; then cat gate >/dev/null; fi; echo {}"
EOF
rm -f stdout
timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 early.yaml >stdout 2>stderr &
pid=$!
until_file stdout && [ "$(cat stdout)" = quick ] || wrong "quick did not come first: $(cat stdout)"
echo >gate
wait "$pid"
STATUS=$?
expect_status 0
expect_stdout "$(printf 'quick\nslow')"

expect_nothing_left
finish
