# A coordinator and its workers, for scripts that test them. Sourced after lib.sh. Everything is
# ended by pid, at the latest when the script ends.
export XDG_STATE_HOME=$WORK/state
mkdir -p "$WORK/state"
unset FANMILL_CONNECT || true
SERVICE_PIDS=
trap 'end_all; rm -rf "$WORK"' EXIT

# A shell ignores INT for what it runs in the background, until env has put that right: a signal
# before would be lost.
is_itself() {
    case $(readlink "/proc/$1/exe" 2>/dev/null) in
    "$BASH" | */bash | */env) return 1 ;;
    esac
}
# A port of the loopback interface that nobody listens on and that no connection gets by chance: for
# those that come back to the same one.
free_port() {
    local port
    for _ in 1 2 3 4 5 6 7 8; do
        port=$((10000 + RANDOM % 20000))
        (exec 8<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}
# begin NAME COMMAND...: in the background; its pid in $LAST, its output in $WORK/NAME.log.
begin() {
    local name=$1
    shift
    env --default-signal=INT,TERM,HUP "$@" >"$WORK/$name.log" 2>&1 &
    LAST=$!
    SERVICE_PIDS="$SERVICE_PIDS $LAST"
    case $1 in
    *bash) ;;
    *) until_ok is_itself "$LAST" ;;
    esac
}
# coordinator [NAME [OPTION...]]: waits until it is ready. $COORDINATOR: its pid, $STATE: its folder.
coordinator() {
    local name=${1:-default}
    [ $# -gt 0 ] && shift
    STATE=$WORK/state/fanmill/$name
    rm -f "$STATE/access" # of one that was killed
    begin "coordinator-$name" "$FANMILL_BIN" coordinator -v --state "$STATE" "$@"
    COORDINATOR=$LAST
    until_ok test -s "$STATE/access"
    kill -0 "$COORDINATOR" 2>/dev/null || wrong "the coordinator did not start: $(tail -n 2 "$WORK/coordinator-$name.log")"
    export FANMILL_CONNECT=$STATE
}
# worker NAME [OPTION...]: does not wait. $WORKER: its pid.
worker() {
    local name=$1
    shift
    begin "worker-$name" "$FANMILL_BIN" worker -v --name "$name" "$@"
    WORKER=$LAST
}
n_workers() { [ "$("$FANMILL_BIN" workers --json 2>/dev/null | wc -l)" = "$1" ]; }
until_workers() { until_ok n_workers "$1"; }
# count NAME: of `fanmill service`.
count() { "$FANMILL_BIN" service | awk -v n="$1" '$1 == n { print $2 }'; }
# interrupt PID: INT, once the program waits for it; its exit status says what it did then.
waits_for_int() { ! kill -0 "$1" 2>/dev/null || grep -q '^SigBlk:.*[2367abef]$' "/proc/$1/status" 2>/dev/null; }
interrupt() {
    until_ok waits_for_int "$1"
    kill -INT "$1" 2>/dev/null
}
# stop PID: TERM, and waits; $STATUS is its exit status.
stop() {
    kill -TERM "$1" 2>/dev/null
    wait "$1"
    STATUS=$?
}
crash() {
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}
end_all() {
    local pid
    for pid in $SERVICE_PIDS; do
        kill -TERM "$pid" 2>/dev/null
    done
    for pid in $SERVICE_PIDS; do
        wait "$pid" 2>/dev/null
    done
    SERVICE_PIDS=
}
