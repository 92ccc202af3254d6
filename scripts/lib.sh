# What the scripts share. Sourced with the project's root as the working folder.
say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# quietly LOG command...: nothing on success, the end of the log on failure.
quietly() {
    log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if "$@" >"$log" 2>&1; then
        return 0
    fi
    say "failed: $*"
    say "last lines of $log:"
    tail -n 40 "$log" >&2
    return 1
}

jobs_here() { nproc 2>/dev/null || echo 2; }
