# scripts/gdb/fanmill.py: tasks of a live coordinator and of its core file, and what is printed of
# jobs, chunks, workers and peers.
command -v gdb >/dev/null || exit 77
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
SIM=$(dirname "$(dirname "$FANMILL_BIN")")/tests/sim/sim_seeds
# in_gdb COMMAND... -- ARGUMENT...: its output in ./said.
in_gdb() {
    local commands=()
    while [ "$1" != -- ]; do
        commands+=(-ex "$1")
        shift
    done
    shift
    # DEBUGINFOD_URLS: nothing is looked for elsewhere.
    DEBUGINFOD_URLS='' timeout "$LIMIT_S" gdb -q -nx -batch -ex 'source scripts/gdb/fanmill.py' \
        -iex 'set auto-load safe-path /' -iex "cd $ROOT" "${commands[@]}" "$@" >said 2>&1 </dev/null
}
said() { grep -qE -- "$1" said || wrong "gdb does not say '$1': $(tail -n 12 said)"; }

job waits <<YAML
source: {range: 1..10}
stages: [{command: "echo on >>$WORK/on; until test -e $WORK/go; do sleep 0.05; done"}]
YAML
coordinator
worker first -j 2
until_workers 1
fanmill submit waits.yaml
until_lines 2 on

case_is "tasks of a live coordinator"
in_gdb 'fanmill tasks' -- -p "$COORDINATOR"
if grep -q 'Operation not permitted' said; then
    touch go
    end_all
    exit 77 # processes may not be looked into here
fi
said '^main: waits in [a-z_]+\('
said '^    #[0-9]+ serve \(.*\) at cli/service/coordinator.c:[0-9]+'
said '^signals: waits in [a-z_]+\(.*\)'
said '^    #[0-9]+ watch_signals '
! grep -q 'Traceback\|Python Exception' said || wrong "$(cat said)"

case_is "one task by its name"
in_gdb 'fanmill tasks signals' -- -p "$COORDINATOR"
said '^signals: waits'
! grep -q '^main' said || wrong "others are shown too"

case_is "jobs and peers of the shell, chunks and workers of the core"
in_gdb 'break server_flush' 'continue' 'print *server->jobs' 'print *server->by_place' 'detach' -- -p "$COORDINATOR"
said "= job 1 'waits': runs, detached or abandoned"
said '= peer [0-9a-f]+: (welcomed|worker|client), fanmill .*'

touch go
fanmill wait
end_all

# Where the system writes core files into the working folder; a sanitizer's is terabytes.
if [ "$(cat /proc/sys/kernel/core_pattern)" = core ] && ! grep -qa __asan_init "$FANMILL_BIN"; then
    case_is "tasks in a core file"
    mkdir dump
    begin dump bash -c "ulimit -c unlimited; cd dump; exec '$FANMILL_BIN' coordinator --state '$WORK/state/dump'"
    until_ok test -s state/dump/access
    kill -ABRT "$LAST"
    wait "$LAST" 2>/dev/null
    in_gdb 'fanmill tasks' -- "$FANMILL_BIN" "$(echo "$WORK"/dump/core*)"
    said '^main: waits in [a-z_]+\('
    said '^    #[0-9]+ serve \(.*\) at cli/service/coordinator.c'
    rm -rf dump
fi

case_is "the core's structs"
in_gdb 'break core_result' 'run' 'print *worker' 'print event->result.result->ending' 'delete 1' 'break chunk_make_pending' 'continue' \
    'print *chunk' 'print *chunk->step->job' 'print /r chunk->ending' 'kill' -- --args "$SIM" --seed 1
said '= worker [0-9a-f]+: [0-9]+ leased, window [0-9]+, [0-9]+ slots'
said '= (ok|exit 0|exit|crash|cancelled).* after [0-9.]+ s'
said '= job [0-9]+ step [0-9]+ chunk [0-9]+: [a-z]+, attempt [0-9]+'
said "= job [0-9]+ 'sim': running, [0-9]+ leased"
said 'outcome = '
rm -rf "$WORK/run/fanmill" # of the one that was aborted
expect_nothing_left
finish
