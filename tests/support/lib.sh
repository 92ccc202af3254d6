# What the scripts of tests/integration and tests/faults share. Sourced first; gives a folder of the
# test's own, its cleanup, and checks that count failures instead of ending the test.
set -u
: "${FANMILL_BIN:?the built program}"
FANMILL_BIN=$(realpath "$FANMILL_BIN")
[ -x "$FANMILL_BIN" ] || { echo "no program $FANMILL_BIN"; exit 1; }
# For what must come to its end by itself. Generous: it says nothing about speed.
LIMIT_S=300
ROOT=$PWD
WORK=$(mktemp -d "${TMPDIR:-/tmp}/fanmill-test.XXXXXX")
export LC_ALL=C
# Every process that a run begins inherits the mark; its private folders land under $WORK/run.
FANMILL_TEST_MARK="mark-$$-$(basename "$WORK")"
export FANMILL_TEST_MARK
mkdir "$WORK/run"
export XDG_RUNTIME_DIR=$WORK/run
unset NO_COLOR CI CMAKE_C_COMPILER_LAUNCHER || true
# Reports of every process of a run, the worker's leaks included, land in files that finish() reads.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$WORK/sanitizer"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=$WORK/sanitizer"
FAILED=0
CASE=start
trap 'rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1

case_is() {
    CASE=$*
    [ -z "${FM_TRACE:-}" ] || echo "$SECONDS s: $CASE" >&2
}
wrong() {
    FAILED=$((FAILED + 1))
    printf 'FAILED: %s: %s\n' "$CASE" "$*"
    if [ -s "$WORK/stderr" ]; then
        sed 's/^/    stderr: /' "$WORK/stderr" | head -n 6
    fi
}

# fanmill ARGUMENT...: runs it, bounded; $STATUS, $WORK/stdout, $WORK/stderr.
fanmill() {
    local begun=$SECONDS
    timeout -k 5 "$LIMIT_S" "$FANMILL_BIN" "$@" >"$WORK/stdout" 2>"$WORK/stderr"
    STATUS=$?
    # 124 is also a status of our own.
    [ "$STATUS" = 124 ] && [ $((SECONDS - begun)) -ge $((LIMIT_S - 1)) ] &&
        wrong "still running after $LIMIT_S s"
    return 0
}
# from FILE ARGUMENT...: the same, with the file as standard input.
from() {
    local file=$1
    shift
    fanmill "$@" <"$file"
}
# job NAME <<EOF: writes $WORK/NAME.yaml beginning with the line `version: 1`.
job() { { echo 'version: 1'; cat; } >"$WORK/$1.yaml"; }

expect_status() { [ "$STATUS" = "$1" ] || wrong "exit status $STATUS, expected $1"; }
expect_stdout() {
    printf '%s\n' "$1" | cmp -s - "$WORK/stdout" ||
        wrong "stdout is not as expected: $(head -c 300 "$WORK/stdout" | tr '\n' '|')"
}
# expect_same FILE: stdout equals the file.
expect_same() { cmp "$1" "$WORK/stdout" >"$WORK/cmp" 2>&1 || wrong "stdout: $(cat "$WORK/cmp")"; }
expect_stderr() { grep -qF -- "$1" "$WORK/stderr" || wrong "stderr does not say: $1"; }
expect_quiet() { [ ! -s "$WORK/stderr" ] || wrong "stderr is not empty"; }

# pids of living processes with our mark; a zombie has no environment any more.
marked() {
    grep -zlsxF "FANMILL_TEST_MARK=$FANMILL_TEST_MARK" /proc/[0-9]*/environ 2>/dev/null |
        while IFS=/ read -r _ _ pid _; do
            is_helper "$pid" || echo "$pid"
        done
}
command_of() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null; }
# The test's own shells and tools carry the mark too.
is_helper() {
    [ "$1" = $$ ] && return 0
    case $(command_of "$1") in
    '' | 'grep -zlsxF '* | 'bash '*/tests/* | 'timeout '* | 'tr '*) return 0 ;;
    esac
    return 1
}
# Nothing of a run is left: no process, no private folder. What dies may take a moment to be gone.
expect_nothing_left() {
    local deadline=$((SECONDS + 60)) left
    while left=$(marked) && [ -n "$left" ] && [ $SECONDS -lt $deadline ]; do
        sleep 0.05
    done
    if [ -n "$left" ]; then
        for pid in $left; do
            wrong "left behind: $pid $(command_of "$pid")"
            kill -KILL "$pid" 2>/dev/null
        done
    fi
    left=$(ls -A "$WORK/run")
    [ -z "$left" ] || wrong "left in the runtime folder: $left"
    rm -rf "$WORK/run"/*
}
# until_ok COMMAND...: waits until it succeeds. Bounded.
until_ok() {
    local deadline=$((SECONDS + LIMIT_S))
    until "$@"; do
        if [ $SECONDS -ge $deadline ]; then
            wrong "$LIMIT_S s passed without: $*"
            return 1
        fi
        sleep 0.02
    done
}
# A chunk says by a file that it is on.
until_file() { until_ok test -s "$1"; }
# until_lines N FILE
has_lines() { [ -e "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ]; }
until_lines() { until_ok has_lines "$1" "$2"; }
finish() {
    local report
    for report in "$WORK"/sanitizer.*; do
        [ -e "$report" ] || break
        CASE=sanitizer
        wrong "$(head -n 40 "$report")"
    done
    [ "$FAILED" = 0 ] && exit 0
    printf '%s failed\n' "$FAILED"
    exit 1
}
