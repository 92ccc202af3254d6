# Mutants: one edit of one file at a time, compiled as the build compiles that file, and linked with
# the built objects of the rest: the archive's own copy of the file is never asked for. Sourced by
# bash scripts whose arguments begin with: COMPILE_COMMANDS ROOM LINK-ARGUMENT... --
set -euo pipefail
commands=$1 room=$2
shift 2
link=()
while [ "$1" != -- ]; do
    link+=("$1")
    shift
done
shift
wanted=" $* " # names of the mutants; none: all
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
side_by_side=$(($(nproc) + ${MUTANTS_THAT_WAIT:-0}))
count=0

# compile_command FILE: the build's command for it, without its own input and output.
compile_command() {
    awk -v file="$root/$1" '
        /^ *"command": / { command = $0 }
        index($0, "\"file\": \"" file "\"") && command !~ /FM_UCONTEXT/ {
            sub(/^ *"command": "/, "", command); sub(/ -o [^ ]* -c .*$/, "", command)
            gsub(/\\"/, "\"", command); gsub(/\\\\/, "\\", command)
            print command
            exit
        }' "$commands"
}
# try NAME FILE EDIT: leaves $work/NAME.caught or .survived, with a line of words in it.
try() {
    local name=$1 file=$2 edit=$3 mine="$work/$1" command
    mkdir -p "$(dirname "$mine/$file")"
    perl -0pe "$edit" "$root/$room/$file.c" >"$mine/$file.c"
    if cmp -s "$mine/$file.c" "$root/$room/$file.c"; then
        echo "mutant $name: its edit changes nothing any more" >"$mine.survived"
        return
    fi
    command=$(compile_command "$room/$file.c")
    # An edit may leave a variable or a function unused.
    if ! eval "$command -w -o '$mine/$file.o' -c '$mine/$file.c'" ||
        ! cc -o "$mine/program" "$mine/$file.o" "${link[@]}"; then
        echo "mutant $name: can't be built" >"$mine.survived"
        return
    fi
    # The shell's own words about a program that was aborted are not wanted.
    if { passes "$mine/program" "$file"; } 2>/dev/null; then
        echo "mutant $name: SURVIVED" >"$mine.survived"
    else
        echo "mutant $name: caught ($(caught_by "$mine/program.log"))" >"$mine.caught"
    fi
    rm -rf "$mine"
}
# mutant NAME FILE EDIT: FILE.c of the room, and perl's edit of its text. The script that sources
# this defines `passes PROGRAM FILE`, which writes PROGRAM.log, and `caught_by LOG`, some words.
mutant() {
    [ "$wanted" = "  " ] || [[ "$wanted" == *" $1 "* ]] || return 0
    count=$((count + 1))
    while [ "$(jobs -rp | wc -l)" -ge "$side_by_side" ]; do
        wait -n || true
    done
    try "$@" &
}
mutants_end() {
    local ran
    wait
    cat "$work"/*.caught 2>/dev/null || true
    if cat "$work"/*.survived 2>/dev/null; then
        exit 1
    fi
    ran=$(find "$work" -name '*.caught' | wc -l)
    [ "$ran" = "$count" ] || { echo "only $ran of $count mutants ran"; exit 1; }
    echo "$count mutants, all caught"
}
