# What the scripts share. Sourced with the project's root as the working folder.
say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# On a terminal each step of a script has a line that is drawn again as it goes on, such as
# "[2/4] building 143/485", and stays when it is done. Elsewhere steps say nothing. FM_STEP, "1/4":
# the step of another script that this one is.
steps() {
    steps_all=$1
    steps_done=0
}
# step TEXT: the next one begins; what `quietly` runs until the next belongs to it.
step() {
    steps_done=$((steps_done + 1))
    step_number=${FM_STEP:-$steps_done/$steps_all}
    step_text=$*
    step_began=$(date +%s)
    step_log=
    step_line
}
# What the program that writes the log has done so far: ninja, ctest or apt-get.
progress_of() {
    [ ! -s "$1" ] || awk '
        /^\[[0-9]+\/[0-9]+\] / { split($1, n, /[][\/]/); did = n[2]; all = n[3] }
        /^ *[0-9]+\/[0-9]+ Test +#/ { split($1, n, "/"); did = n[1]; all = n[2]; failed += /\*\*\*/ }
        / newly installed, / { for (i = 2; i <= NF; i++) if ($i == "newly") packages = $(i - 1) }
        /^(Get:|Unpacking |Setting up )/ { parts++ }
        END {
            if (all) printf " %d/%d", did, all
            else if (packages) printf " %d%%", parts < 3 * packages ? 100 * parts / (3 * packages) : 100
            if (failed) printf ", %d failed", failed
        }' "$1"
}
can_draw() { [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; }
# step_line [MORE]: draws it, cut to the terminal.
step_line() {
    [ -t 2 ] || return 0
    columns=$(stty size <&2 2>/dev/null | cut -d ' ' -f 2)
    [ "${columns:-0}" -gt 1 ] || columns=80
    line=$(printf '[%s] %s' "$step_number" "$step_text${1-}" | cut -c "1-$((columns - 1))")
    if can_draw; then
        printf '\r%s\033[K' "$line" >&2
    elif [ $# = 0 ]; then
        say "$line"
    fi
}
# step_end [TEXT]: its line stays, with what it says from now on and the seconds that it took.
step_end() {
    [ -n "${step_number-}" ] || return 0
    took=$(($(date +%s) - step_began))
    [ $# = 0 ] || step_text=$1
    if can_draw; then
        step_line "$(progress_of "${step_log-}")$([ "$took" -lt 2 ] || echo ", $took s")"
        say ""
    fi
    step_number=
}
# Draws the step's line until it is ended, or the script is.
watch_step() {
    while kill -0 $$ 2>/dev/null; do
        step_line "$(progress_of "$1")"
        sleep 0.3
    done
}

# watched LOG command...: writes its output there and draws the step's line. The command stays in the
# foreground, so that Ctrl-C reaches it.
watched() {
    step_log=$1
    shift
    mkdir -p "$(dirname "$step_log")"
    : >"$step_log"
    watcher=
    if [ -n "${step_number-}" ] && can_draw; then
        watch_step "$step_log" &
        watcher=$!
    fi
    command_status=0
    "$@" >"$step_log" 2>&1 || command_status=$?
    if [ -n "$watcher" ]; then
        kill "$watcher" 2>/dev/null || true
        wait "$watcher" 2>/dev/null || true
    fi
    return "$command_status"
}

# quietly LOG command...: nothing but the step's line on success, the end of the log on failure.
quietly() {
    watched "$@" && return 0
    step_end
    shift
    say "failed: $*"
    say "last lines of $step_log:"
    tail -n 40 "$step_log" >&2
    return 1
}

jobs_here() { nproc 2>/dev/null || echo 2; }
