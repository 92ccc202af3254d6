# Ctrl-Z: commands stand still with the run, nothing begins, and fg goes on with all of it.
. tests/support/lib.sh

state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }
# The commands of a run say their pids in files.
# A shell whose vforked child was stopped before it began waits for it in D.
stands() {
    local child
    [ "$(state "$1")" = T ] && return 0
    [ "$(state "$1")" = D ] || return 1
    # shellcheck disable=SC2013
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        [ "$(state "$child")" = T ] && return 0
    done
    return 1
}
# shellcheck disable=SC2013
stopped() { for p in $(cat pids); do stands "$p" || return 1; done; }
# shellcheck disable=SC2013
going_on() { for p in $(cat pids); do ! stands "$p" || return 1; done; }
is_stopped() { [ "$(state "$pid")" = T ]; }

# A group of its own, as an interactive shell gives to a job. (bash with `set -m` would break its own
# loops when the job stops.)
job() {
    exec python3 -c 'import os, sys; os.setpgid(0, 0); os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}
# start ARGUMENT...: two chunks, one of them with a session of its own, that wait for the file "go".
start() {
    rm -f pids go
    job env --default-signal "$FANMILL_BIN" map -j 2 "$@" '
        case {} in
        1) echo $$ >>pids ;;
        2) exec setsid -w sh -c "echo \$\$ >>pids; until test -e go; do sleep 0.01; done; echo 2" ;;
        esac
        until test -e go; do sleep 0.01; done; echo {} >>begun; echo {}' ::: 1 2 3 4 >stdout 2>stderr &
    pid=$!
    until_lines 2 pids
}

case_is "everything of it stands still, and nothing begins"
start
kill -TSTP $pid
until_ok is_stopped
until_ok stopped
touch go
until_ok stopped
[ ! -e begun ] || wrong "something went on: $(cat begun)"
kill -CONT $pid
wait $pid
STATUS=$?
expect_status 0
expect_stdout "$(seq 4)"
expect_nothing_left

case_is "twice"
start
for _ in 1 2; do
    kill -TSTP $pid
    until_ok is_stopped
    until_ok stopped
    kill -CONT $pid
    until_ok going_on
done
touch go
wait $pid
STATUS=$?
expect_status 0
expect_stdout "$(seq 4)"

case_is "the time of standing still does not count for a timeout"
start --timeout 5
kill -TSTP $pid
until_ok stopped
sleep 6
kill -CONT $pid
touch go
wait $pid
STATUS=$?
expect_status 0
expect_stdout "$(seq 4)"

case_is "ended while it stands still"
start
kill -TSTP $pid
until_ok stopped
kill -TERM $pid
kill -CONT $pid
wait $pid
STATUS=$?
expect_status 143
expect_nothing_left

case_is "killed while it stands still"
start
kill -TSTP $pid
until_ok stopped
kill -KILL $pid
wait $pid 2>/dev/null
expect_nothing_left

finish
