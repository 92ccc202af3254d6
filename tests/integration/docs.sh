#!/bin/bash
# The documentation against the tree: links and names of files lead somewhere, here and installed;
# the program has every command and flag that the guides use; sessions print what they show; and each
# number that names a constant, `64 KiB<!-- NAME -->`, has its value.
. tests/support/lib.sh
PATH=$(dirname "$FANMILL_BIN"):$PATH
ROOMS=(base async transport proto pipelines coordinator worker client cli include)
pages() { (cd "$ROOT" && ls ./*.md docs/*/*.md proto/*.md); }

# links PAGE: the targets of its relative links, without code.
links() {
    awk '/^```/ { code = !code; next } !code' "$1" | sed 's/`[^`]*`//g' |
        grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//' | grep -v '^[a-z]*:'
}
# anchors PAGE: its headings, as a link names them.
anchors() { sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-'; }
# expect_links PAGE: each link leads to a file and a heading.
expect_links() {
    local link file
    for link in $(links "$1"); do
        file=${link%%#*}
        file=${file:+$(dirname "$1")/$file}
        file=${file:-$1}
        [ -e "$file" ] || wrong "$1: link to $link"
        case $link in
        *'#'*) anchors "$file" | grep -qxF -- "${link#*#}" || wrong "$1: no heading for $link" ;;
        esac
    done
}

case_is "links lead somewhere"
for page in $(pages); do
    expect_links "$ROOT/$page"
done

case_is "files that are named are in the tree"
(cd "$ROOT" && find "${ROOMS[@]}" bench cmake docs scripts tests .ci -type f) | sort >files
for page in $(pages); do
    # The changelog is history, and a job of a user may be called anything.
    [ "$page" != ./CHANGELOG.md ] || continue
    grep -oE '`[a-zA-Z0-9_./*{},-]+`' "$ROOT/$page" | tr -d '`' | sort -u |
        grep -E '[^/]\.(c|h|S|def|sh|cmake)$|^('"$(IFS='|'; echo "${ROOMS[*]}")"'|docs|bench|tests|scripts)/' >named
    while read -r name; do
        for one in $(eval "set -f; echo $name"); do # a{b,c} are two; * is a name of the tree
            pattern=$(printf '%s' "${one%/}" | sed 's/[.]/[.]/g; s/\*/[^\/]*/g')
            grep -qE "(^|/)$pattern(\$|/)" files || wrong "$page: \`$name\` is not in the tree"
        done
    done <named
done

case_is "commands and flags exist"
fanmill help
sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' stdout >commands
[ "$(wc -l <commands)" -gt 20 ] || wrong "the list of commands"
while read -r command; do
    fanmill help "$command"
    grep -oE -- '--[a-z][a-z-]*' stdout | sort -u >"flags.$command"
done <commands
fanmill worker deploy-ssh --help
grep -oE -- '--[a-z][a-z-]*' stdout >>flags.worker
sort -u flags.* >flags
# All that is code on the page: blocks, and spans on a line.
code() { awk '/^```/ { code = !code; next } code { print; next } { n = split($0, part, "`"); for (i = 2; i <= n; i += 2) print part[i] }' "$1"; }
for page in $(pages); do
    case $page in
    ./CHANGELOG.md) continue ;;
    */from-parallel.md) continue ;; # flags of another tool: parallel.sh
    esac
    code "$ROOT/$page" | grep -E '(^|[^a-z./<-])fanmill( |$)' | grep -vE '^ *(#|//|[(]gdb[)])|install fanmill' |
        grep -oE '(^|[^a-z./<-])fanmill [^|;&#)]*' | sed 's/.*fanmill //' | sort -u >uses
    while read -r line; do
        command=
        for word in $line; do
            case $word in
            submit | help) ;; # `submit map ...` has the flags of map
            --version | --help) command=help; break ;;
            -*) ;;
            *) command=$word; break ;;
            esac
        done
        command=${command:-${line%% *}}
        case $command in
        [A-Z\'\".]* | -* | *[!a-z]*) continue ;;
        esac
        case $line in
        help\ *) "$FANMILL_BIN" help "$command" >/dev/null 2>&1 && continue ;;
        esac
        grep -qxF "$command" commands || { wrong "$page: fanmill $line"; continue; }
        for flag in $(printf '%s\n' "$line" | grep -oE '(^| )--[a-z][a-z-]*'); do
            [ "$flag" = --help ] || [ "$flag" = --version ] || grep -qxF -- "$flag" "flags.$command" || grep -qxF -- "$flag" flags.submit ||
                wrong "$page: no $flag in: fanmill $line"
        done
    done <uses
done
for page in "$ROOT"/README.md "$ROOT"/docs/guide/*.md; do
    [ "$page" != "$ROOT/docs/guide/from-parallel.md" ] || continue
    for flag in $(code "$page" | grep -oE '^--[a-z][a-z-]+'); do
        case $flag in
        --flag | --jobserver-auth) ;;
        *) grep -qxF -- "$flag" flags || wrong "$page: no command has $flag" ;;
        esac
    done
done

# "$ command" and what follows it up to the next one, out of a block; both outputs in any order.
sessions() { awk '/^```/ { code = !code; next } code && /^\$ / { on = 1 } !code { on = 0 } on' "$1"; }
# What differs each time: how long it took.
timeless() { sed -E 's/ in ([0-9.]+ s|[0-9]+m[0-9]+s)\b/ in TIME/' "$1" | sort; }
compare() {
    [ -n "$command" ] || return 0
    timeless shown >want
    timeless stdout | cmp -s - want || wrong "$page: $command: $(tr '\n' '|' <stdout)"
}
case_is "sessions print what they show"
printf '1234567\n' >a.txt
printf '12345678901\n' >b.txt
for page in "$ROOT"/README.md "$ROOT"/docs/guide/*.md; do
    command=
    sessions "$page" >session
    while IFS= read -r line <&3; do
        case $line in
        '$ '*)
            compare
            command=${line#\$ }
            : >shown
            (
                unset -f fanmill
                (exit "${status:-0}")
                eval "$command"
            ) >stdout 2>&1 </dev/null
            status=$?
            n_sessions=$((${n_sessions:-0} + 1))
            ;;
        *) printf '%s\n' "$line" >>shown ;;
        esac
    done 3<session
    compare
done
[ "${n_sessions:-0}" -ge 6 ] || wrong "only ${n_sessions:-0} commands were found"

case_is "numbers are the code's"
(cd "$ROOT" && grep -rE '^# *define [A-Z]' "${ROOMS[@]}" --include='*.[ch]') | sed 's|[ 	]*//.*||' >defines
# definition NAME [FILE]: its "#define"; it must be one, in all of the product.
definition() {
    grep -E "^${2:-[^:]*}:# *define $1[ 	]" defines >found
    [ "$(wc -l <found)" = 1 ] && sed 's/^[^#]*//' found
}
# needs TEXT: the constants that it names.
needs() { printf '%s\n' "$1" | grep -oE '\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b' | grep -v '^U*INT64_C$' | sort -u; }
declare -A defined
define() {
    local name text
    for name in $(needs "$1"); do
        [ -z "${defined[$name]:-}" ] || continue
        text=$(definition "$name") || { wrong "$where: $name: $(wc -l <found) definitions"; return 1; }
        defined[$name]=1
        define "${text#* *"$name"}" || return 1
        printf '%s\n' "$text" >>check.c
    done
}
printf '%s\n' '#include <math.h>' '#include <stdint.h>' '#include <stdio.h>' >check.c
: >body.c
# Page, number, unit and comment of each, a line.
for page in $(pages); do
    awk -v page="$page" -v OFS='\t' '{
        for (rest = $0; match(rest, /<!-- [^>]*[A-Z]_[A-Z][^>]* -->/); ) {
            text = substr(rest, 1, RSTART - 1)
            name = substr(rest, RSTART + 5, RLENGTH - 9)
            rest = substr(rest, RSTART + RLENGTH)
            if (!match(text, /[0-9][0-9,^\/]*( [A-Za-z]+)?( [a-z]+)?$/)) { print page ":" NR, "none", "-", name; continue }
            split(substr(text, RSTART, RLENGTH), word, " ")
            gsub(",", "", word[1])
            print page ":" NR, word[1], word[2] == "" ? "-" : word[2], name
        }
    }' "$ROOT/$page"
done >numbers
while IFS='	' read -r where number unit name; do
    file=
    case $name in
    */*' '*) file=${name%% *} name=${name#* } ;;
    esac
    case $number in
    none) wrong "$where: no number before $name"; continue ;;
    *^*) number="((uint64_t)1 << ${number#*^})" ;;
    */*) number=${number#*/} ;;
    esac
    case $unit in
    KiB) number="($number * 1024.0)" ;;
    MiB) number="($number * 1048576.0)" ;;
    GiB) number="($number * 1073741824.0)" ;;
    esac
    case $unit-$name in
    s-*_NS | s-*_NS' '*) number="($number * 1e9)" ;;
    ms-*_NS) number="($number * 1e6)" ;;
    s-*_MS) number="($number * 1e3)" ;;
    ms-*_MS | s-*_SECONDS) ;;
    *-*_NS | *-*_MS) wrong "$where: a time in $unit" ;;
    esac
    if [ -n "$file" ]; then
        text=$(definition "$name" "$file") || { wrong "$where: no $name in $file"; continue; }
        define "${text#* *"$name"}" || continue
        printf '#undef %s\n%s\n' "$name" "$text" >>body.c
    else
        define "$name" || continue
    fi
    printf 'if ((double)(%s) != (double)(%s)) printf("%s: the docs say %%.0f, %s is %%.0f\\n", (double)(%s), (double)(%s));\n' \
        "$number" "$name" "$where" "$name" "$number" "$name" >>body.c
    [ -z "$file" ] || printf '#undef %s\n' "$name" >>body.c
done <numbers
{ echo 'int main(void) {'; cat body.c; echo 'return 0; }'; } >>check.c
"${CC:-cc}" -w check.c -o check 2>stderr || wrong "the constants don't compile"
./check >stdout
while IFS= read -r line; do
    wrong "$line"
done <stdout
[ "$(wc -l <numbers)" -ge 80 ] || wrong "only $(wc -l <numbers) numbers were found"

case_is "installed"
cmake --install "$(dirname "$(dirname "$FANMILL_BIN")")" --prefix "$WORK/prefix" >stdout 2>stderr || wrong "cmake --install"
DOC=$WORK/prefix/share/doc/fanmill
for file in README.md CHANGELOG.md LICENSE; do
    [ -s "$DOC/$file" ] || wrong "$file is not installed"
done
for page in "$ROOT"/docs/guide/*.md; do
    [ -s "$DOC/guide/$(basename "$page")" ] || wrong "$(basename "$page") is not installed"
done
for page in "$DOC"/*.md "$DOC"/guide/*.md; do
    expect_links "$page"
    ! grep -q '<!--' "$page" || wrong "$page: comments for the tree"
done
for example in "$ROOT"/pipelines/examples/*.yaml "$ROOT"/client/examples/*.c; do
    [ -s "$DOC/examples/$(basename "$example")" ] || wrong "$(basename "$example") is not installed"
done
finish
