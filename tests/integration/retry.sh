# retry --failed: the sink becomes what it would have been without the failure, or the command says
# what to do instead.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
coordinator
worker one -j 2
until_workers 1

# The chunk of `c` fails until the file `mended` is there.
fails='[ {} != c ] || [ -e mended ] || exit 3; echo {#} {}'
job base <<YAML
source: {items: [a, b, c, d]}
stages: [{command: "$fails"}]
YAML
with() { { cat base.yaml; echo "$1"; } >job.yaml; }
printf '1 a\n2 b\n3 c\n4 d\n' >whole

# again SINK [STATUS]: submits it, mends, retries what failed.
again() {
    rm -f mended
    with "$1"
    fanmill submit --wait job.yaml
    expect_status "${2:-1}"
    : >mended
    fanmill retry last --failed
}

case_is "a folder keeps the original numbers and names"
again 'sink: {dir: out, name: "{#}.txt"}'
expect_status 0
fanmill wait last
expect_status 0
[ "$(ls out | tr '\n' ' ')" = '1.txt 2.txt 3.txt 4.txt ' ] || wrong "there is: $(ls out | tr '\n' ' ')"
cat out/*.txt >stdout
expect_same whole

for order in input completion; do
    case_is "a file is whole and in order: $order"
    again "$(printf 'sink: {file: out.txt}\norder: %s' $order)"
    expect_status 0
    fanmill wait last
    expect_status 0
    sort out.txt >stdout
    expect_same whole
    [ $order = completion ] || cmp -s whole out.txt || wrong "not in order: $(tr '\n' ' ' <out.txt)"
    fanmill results last
    sort stdout >sorted
    cmp -s whole sorted || wrong "results: $(cat stdout)"
done

case_is "a file that was not to be replaced is the job's own"
rm -f out.txt
again 'sink: {file: out.txt, if_exists: error}'
fanmill wait last
expect_status 0
cmp -s whole out.txt || wrong "there is: $(tr '\n' ' ' <out.txt)"

case_is "it fails again, then not: the numbers stay"
rm -rf out
again 'sink: {dir: out, name: "{#}.txt"}'
rm mended
fanmill wait last
: >mended
fanmill retry last --failed
if [ "$STATUS" = 0 ]; then
    fanmill wait last
    expect_status 0
fi
[ "$(cat out/3.txt)" = '3 c' ] || wrong "3.txt: $(cat out/3.txt)"

case_is "JSON lines of all chunks"
again 'sink: {file: out.json, format: json}'
fanmill wait last
expect_status 0
[ "$(grep -o '"seq":[0-9]*' out.json | tr '\n' ' ')" = '"seq":1 "seq":2 "seq":3 "seq":4 ' ] || wrong "$(cat out.json)"
! grep -q '"outcome":"exit"' out.json || wrong "a failure is still there"

case_is "a large result among them"
job large <<'YAML'
source: {items: [a, b, c]}
stages: [{command: "[ {} != b ] || [ -e mended ] || exit 3; head -c 20000000 /dev/zero | tr '\\0' {}"}]
sink: {file: large.out}
YAML
rm -f mended
fanmill submit --wait large.yaml
expect_status 1
: >mended
fanmill retry last --failed
fanmill wait last
expect_status 0
for c in a b c; do head -c 20000000 /dev/zero | tr '\0' $c; done | cmp -s - large.out || wrong "large.out"

case_is "a reduction is refused with the way out, which works"
job sum <<'YAML'
source: {range: 1..10}
stages: [{command: "[ {} -gt 3 ] || [ -e mended ] || exit 3; echo {}"}]
reduce: {pipe: "awk '{ s += $1 } END { print s }'"}
sink: {file: sum.txt}
YAML
rm -f mended
fanmill submit --wait sum.yaml
expect_status 1
: >mended
fanmill retry last --failed
expect_status 2
expect_stderr "run the whole job again (fanmill retry"
fanmill retry last
fanmill wait last
expect_status 0
[ "$(cat sum.txt)" = 55 ] || wrong "the sum is $(cat sum.txt)"

case_is "what is appended can't be mended"
again 'sink: {file: appended.txt, if_exists: append}'
expect_status 2
expect_stderr "run the whole job again (fanmill retry"

case_is "a job that ended early has chunks that never ran"
again "$(printf 'sink: {file: early.txt}\non_error: stop\nparallelism: 1')" 4
expect_status 2
expect_stderr "ended before all its chunks had run"

case_is "nothing failed but the sink"
rm -f mended
: >mended
with 'sink: {file: /proc/nothing}'
fanmill submit --wait job.yaml
expect_status 5
fanmill retry last --failed
expect_status 2
expect_stderr "fanmill retry"
stop "$COORDINATOR"
finish
