# Lists without a hidden end: more jobs than any page holds.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
coordinator
worker w -j 2
until_workers 1

case_is "waiting for all waits for those after the first 1,024"
fanmill submit map true ::: x
expect_status 0
fanmill wait all -q
expect_status 0
for _ in 1 2 3 4 5 6 7 8 9 10; do
    fanmill retry all
    expect_status 0
    fanmill wait all -q
    expect_status 0
done
touch "$WORK/hold"
fanmill submit map "while [ -e $WORK/hold ]; do sleep 0.1; done; : {}" ::: x
fanmill submit map false ::: x
fanmill wait all -q --timeout 1s
expect_status 124
rm "$WORK/hold"
fanmill wait all -q
expect_status 1

case_is "every row, once"
fanmill status --json
[ "$(sed 's/.*"id":\([0-9]*\),.*/\1/' stdout)" = "$(seq 1026)" ] || wrong "$(wc -l <stdout) rows"
fanmill explain all --json
[ "$(wc -l <stdout)" = 1026 ] || wrong "$(wc -l <stdout) lines"
fanmill wait all --json
[ "$(sed 's/.*"id":\([0-9]*\),.*/\1/' stdout)" = "$(seq 1026)" ] || wrong "$(wc -l <stdout) ends"
fanmill forget all --json
expect_stdout '{"v":1,"jobs":1026}'
fanmill status --json
[ ! -s stdout ] || wrong "jobs that were forgotten"
end_all
finish
