# What a person sees of jobs and workers: status in all its forms, workers, at any width.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

# shown COLUMNS ARGUMENT...: on a terminal of that width.
shown() {
    local columns=$1
    shift
    script -qec "stty cols $columns; exec '$FANMILL_BIN' $*" /dev/null 2>&1 </dev/null | tr -d '\r' >stdout
}
# expect_fits COLUMNS
expect_fits() { [ "$(wc -L <stdout)" -le "$1" ] || wrong "wider than $1: $(cat stdout)"; }
has() { grep -qE -- "$1" stdout || wrong "not in $(cat stdout): $1"; }
# jobs_are NUMBER...: the jobs listed, in this order.
jobs_are() { [ "$(awk 'NR > 1 { print $1 }' stdout | tr '\n' ' ')" = "$*${1:+ }" ] || wrong "not jobs $*: $(cat stdout)"; }

coordinator
worker one -j 2
until_workers 1
job good <<'EOF'
name: good
source: {range: 1..3}
stages: [{command: [echo, "{}"]}]
EOF
job bad <<'EOF'
name: a-name-that-is-much-too-long-for-a-narrow-terminal
source: {range: 1..20}
stages: [{command: 'case {} in 3|5|7|11|13) echo why {} >&2; exit 4 ;; esac; echo {}'}]
EOF
job placed <<EOF
name: placed
source: {range: 1..2}
stages: [{command: [echo, "{}"]}]
sink: {dir: $WORK/place, name: "{#}.txt"}
EOF
job slow <<EOF
name: slow
source: {items: [first-item, b, c, d, e]}
stages: [{command: "echo >>$WORK/on; until test -e $WORK/go; do sleep 0.02; done"}]
EOF
for name in good bad placed; do
    fanmill submit "$name.yaml"
    fanmill wait -q last
done
fanmill submit slow.yaml
until_lines 2 on
until_ok sh -c "[ \$('$FANMILL_BIN' status last --running --json | wc -l) = 2 ]"

case_is "wait says how it ended, how much, how long and where; and how far it is"
fanmill wait 3
expect_stderr "fanmill: job 3 (placed): done: 2 chunks ok in "
expect_stderr " -> $WORK/place/"
begin waiter "$FANMILL_BIN" wait 4 --progress
until_ok grep -qE '^slow  0/5  0%  2 running' waiter.log
stop "$LAST"
fanmill wait 4 --timeout 100ms
expect_status 124
expect_stderr "fanmill: job 4 has not finished in time; it goes on"
[ "$(wc -l <stderr)" = 1 ] || wrong "more than that: $(cat stderr)"

case_is "results and logs say what is not there yet, and that nothing is"
fanmill results 4
expect_status 0
expect_stderr "fanmill: job 4 is running: 0 results so far; --follow waits for the rest"
fanmill logs 1
expect_stderr "fanmill: no chunk of job 1 failed or wrote to standard error"
fanmill logs 2
expect_quiet

case_is "all jobs, the newest last; in a pipe nothing is cut"
fanmill status
expect_status 0
jobs_are 1 2 3 4
has '^  2  a-name-that-is-much-too-long-for-a-narrow-terminal  failed  *20  *15  *5  *0  *0 '

case_is "filters"
fanmill status --state live
jobs_are 4
fanmill status --state bad
jobs_are 2
fanmill status --state running,failed
jobs_are 2 4
fanmill status --state done --limit 1
jobs_are 3
fanmill status --limit 2 --json
[ "$(sed 's/.*"id":\([0-9]*\),.*/\1/' stdout | tr '\n' ' ')" = "3 4 " ] || wrong "$(cat stdout)"
fanmill status --older 1d
jobs_are
expect_stderr "no such jobs"
fanmill status --since 1d --state done
jobs_are 1 3
fanmill status --user nobody
expect_stderr "no such jobs"
fanmill status --state runing
expect_status 2
expect_stderr "--state takes one or more of live, ended, bad, running, "
expect_stderr ", done, failed, cancelled, "
fanmill status --running --limit 3
expect_status 2

case_is "one job, on a page: counts that add up, failures with their messages, what next"
fanmill status 2
has '^job 2  *a-name-that.*: failed$'
has '^submitted  *[0-9]{4}-[0-9][0-9]-[0-9][0-9] [0-9:]{8}, [0-9]+s ago$'
has '^chunks  *20: 15 ok, 5 failed$'
has "^failures  *chunk 3 \('3'\): the script ended with exit status 4$"
has "^  *chunk 7 \('7'\): "
has '^  *and 2 more$'
has '^next  *fanmill logs 2 '
has '^  *fanmill retry 2 --failed '
fanmill status 3
has '^job 3  *placed: done$'
has "^results  *$WORK/place/$"
fanmill status last
has '^job 4  *slow: running$'
has '^chunks  *5: 2 running, (3 at workers, not begun|[12] at workers, not begun, [12] waiting|3 waiting)$'
has '^next  *fanmill status 4 --running '
fanmill status 99
expect_status 2
expect_stderr "no such job"

case_is "the chunks that run: number from 1, worker, since when, what"
fanmill status 4 --running
has '^CHUNK  STEP  WORKER  SINCE  ATTEMPT  RUNS$'
has '^ *1  *1  one  *[0-9]+s  *1  first-item$'
has '^ *2  *1  one  *[0-9]+s  *1  b$'
fanmill status --running
has '^ *4  *1  *1  one  *[0-9]+s  *1  first-item$'
fanmill status 4 --running --json
has '^\{"v":1,"job":4,"seq":1,"step":0,"chunk":0,"attempts":1,"worker":"one","seconds":[0-9.]+,"text":"first-item"\}$'
fanmill status 1 --running
expect_status 0
expect_stderr "fanmill: job 1 (done): no chunk runs"

case_is "a one-liner's name that is mistyped"
fanmill submit maap x
expect_status 2
expect_stderr "a one-liner begins with map, pipe or call"

case_is "workers: how they are and what they do"
fanmill workers
has '^WORKER  NAME  STATE  SLOTS  LEASED  DONE  *MEMORY  HOST '
has '^ *[0-9]+  one  *ready  *2/2  '

if command -v script >/dev/null; then
    for columns in 120 80 40 20; do
        case_is "a terminal of $columns columns"
        for what in status 'status --running' workers; do
            shown "$columns" "$what"
            expect_fits "$columns"
        done
    done
    case_is "at 40 columns the most important is there"
    shown 40 status
    has '^  2  a-na[a-z-]*~  failed  *20  *15  *5$'
    shown 40 workers
    has '^one  *ready  *2/2 '
    shown 80 status 2
    expect_fits 80
fi

case_is "an item that would steer the terminal does not"
touch go
fanmill wait -q all
printf 'a\033[2Jb\n' >items
from items submit map "until test -e $WORK/end; do sleep 0.02; done; echo {}"
until_ok sh -c "'$FANMILL_BIN' status last --running --json | grep -q seq"
fanmill status last --running
has 'one .* a\?\[2Jb$'
touch end
fanmill wait -q all
finish
