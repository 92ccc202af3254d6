# Processes that outlive the command that started them: waited for, ended, or kept; and always told.
. tests/support/lib.sh

lives() { [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status"; }
gone() { ! lives "$1"; }

case_is "what they still write is whole"
fanmill map bash -c 'seq 300000 | tee >(gzip -9 >$0.gz) | wc -l' ::: m1 m2
expect_status 0
expect_stdout "$(printf '300000\n300000')"
expect_quiet
for m in m1 m2; do
    gzip -t $m.gz || wrong "$m.gz is cut"
    [ "$(gzip -dc $m.gz | wc -l)" = 300000 ] || wrong "$m.gz is not whole"
done

case_is "output that comes after the command's end"
fanmill map '(until test -e go; do sleep 0.01; done; echo late; echo bad >&2) & echo {}; touch go' ::: a
expect_status 0
expect_stdout "$(printf 'a\nlate')"
expect_stderr bad

case_is "after the time they are ended, and it is told"
fanmill map --leftovers wait=200ms 'sleep 300 >/dev/null 2>&1 & echo $! >{}.pid; echo {}' ::: a
expect_status 0
expect_stdout a
expect_stderr "chunk 1 ('a'): 1 process that it left running ('sleep') was ended after 0.2 s"
gone "$(cat a.pid)" || wrong "it lives"
expect_nothing_left

case_is "sessions of their own, stubborn ones, and their children"
fanmill map --leftovers wait=0 "
    setsid sh -c 'trap \"\" TERM; sleep 300 & touch on; sleep 301; sleep 302' &
    until test -e on; do sleep 0.01; done; echo {}" ::: a
expect_status 0
expect_stdout a
expect_stderr "processes that it left running ("
expect_nothing_left

case_is "kill: at once"
fanmill map --leftovers kill 'setsid sleep 300 & echo {}' ::: a
expect_status 0
expect_stderr "ended at once, as leftovers: kill asks"
expect_nothing_left

case_is "within the stage's timeout, which they don't make fail"
fanmill map --timeout 1 'sleep 300 & echo {}' ::: a
expect_status 0
expect_stdout a
expect_stderr "1 process that it left running ('sleep') was ended at the stage's timeout"
expect_nothing_left

case_is "a failure keeps its reason"
fanmill map --leftovers kill 'sleep 300 & exit 3' ::: a
expect_status 1
expect_stderr "ended with exit status 3; 1 process that it left running"

case_is "in records: their number, and what became of them"
fanmill map --json --leftovers kill 'sleep 300 & sleep 300 & echo {}' ::: a
grep -q '"leftovers":2,"note":"2 processes that it left running' "$WORK/stdout" || wrong "no number"
grep -q '"error"' "$WORK/stdout" && wrong "a note is no error"
fanmill map --json echo ::: a
grep -q 'leftovers\|note' "$WORK/stdout" && wrong "nothing was left"

case_is "many chunks are summed up"
fanmill map --leftovers kill 'sleep 300 & : {}' ::: $(seq 15)
expect_status 0
[ "$(grep -c 'that it left running' "$WORK/stderr")" = 10 ] || wrong "not ten lines"
expect_stderr "what further chunks left running is only counted (-v lists it)"
expect_stderr "15 chunks left processes running: 15 in all"

case_is "what belongs to another chunk is not ended with this one"
fanmill map -j 2 --leftovers wait=100s '
    if test {} = 1; then
        setsid sh -c "echo \$\$ >one; until test -e over; do sleep 0.01; done; echo whole >two" \
            >/dev/null 2>&1 &
    else
        until test -s one; do sleep 0.01; done
    fi
    test {} != 3 || touch over' ::: 1 2 3
expect_status 0
expect_quiet
[ "$(cat two)" = whole ] || wrong "another chunk's process was ended"

case_is "keep: it stays for the next chunks, until the worker ends"
fanmill map -j 1 --leftovers keep '
    if test {} = 1; then
        setsid sleep 300 >/dev/null 2>&1 & echo $! >kept
    else
        kill -0 "$(cat kept)" && echo on
    fi' ::: 1 2 3
expect_status 0
expect_stdout "$(printf 'on\non')"
expect_stderr "chunk 1 ('1'): 1 process that it left running"
expect_stderr "stays until the worker ends"
[ "$(grep -c 'that it left' "$WORK/stderr")" = 1 ] || wrong "it is told again for later chunks"
gone "$(cat kept)" || wrong "it outlived the worker"
expect_nothing_left

case_is "keep, then a stage that keeps nothing, on the same executor"
job two <<'EOF'
source: {items: [a, b, c]}
parallelism: 1
stages:
  - {command: "test {} != a || (setsid sleep 300 >/dev/null 2>&1 & echo $! >kept2); echo {}", leftovers: keep}
  - {pipe: "kill -0 $(cat kept2) && cat; sleep 300 >/dev/null 2>&1 &", leftovers: {wait: 0}}
EOF
fanmill run -j 1 two.yaml
expect_status 0
expect_stdout "$(printf 'a\nb\nc')"
expect_stderr "was ended after 0 s"
expect_nothing_left

case_is "keep does not wait for output that is held open"
fanmill map --leftovers keep 'sleep 300 & echo {}' ::: a
expect_status 0
expect_stdout a
expect_nothing_left

case_is "keep: forever"
job forever <<'EOF'
source: {items: [a]}
stages: [{command: "setsid sleep 300 >/dev/null 2>&1 & echo $! >forever", leftovers: {keep: forever}}]
EOF
fanmill run forever.yaml
expect_status 0
expect_stderr "stays for good"
pid=$(cat forever)
lives "$pid" || wrong "it was ended with the worker"
kill -KILL "$pid"

case_is "a timeout ends also what keep would have kept"
fanmill map --leftovers keep --timeout 300ms 'sleep 300 & sleep 300' ::: a
expect_status 1
expect_nothing_left

case_is "mistakes"
fanmill map --leftovers stay true ::: a
expect_status 2
expect_stderr "--leftovers is wait=TIME, kill, keep or keep=forever, not 'stay'"
fanmill map --leftovers wait=soon true ::: a
expect_status 2
expect_stderr "--leftovers"
fanmill call --leftovers kill builtin:sum ::: 1
expect_status 2
expect_stderr "a kernel starts no processes"

finish
