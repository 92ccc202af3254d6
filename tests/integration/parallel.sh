#!/bin/bash
# Who comes from GNU parallel: each of its flags is there, or told what to write instead.
. tests/support/lib.sh
guide=$ROOT/docs/guide/from-parallel.md

fanmill help parallel
expect_status 0
cp stdout table
case_is "the guide has the table"
sed -n '/^```$/,/^```$/{/^```$/!p}' "$guide" | cmp -s - table || wrong "run scripts/docs"
[ "$(wc -L <table)" -le 80 ] || wrong "a line of the table has $(wc -L <table) columns"

# One spelling a line, with what is said of it.
awk '/^-/ { line = $0; sub(/^ */, "", line)
            n = match(line, /  +/); words = n ? substr(line, 1, n - 1) : line
            here = n ? substr(line, n + RLENGTH) : ""; next_row() }
     /^ / { sub(/^ */, ""); here = here (here == "" ? "" : " ") $0; next_row() }
     function next_row() { said[words] = here }
     END { for (w in said) { n = split(w, each, " ")
           for (i = 1; i <= n; i++) print each[i] "\t" said[w] } }' table | sort >spellings
[ "$(wc -l <spellings)" -gt 150 ] || wrong "only $(wc -l <spellings) flags"
[ "$(cut -f1 spellings | uniq -d)" = "" ] || wrong "twice: $(cut -f1 spellings | uniq -d)"

case_is "what is the same or accepted is a flag of map or pipe, and the others are refused in these words"
while IFS=$'\t' read -r flag said; do
    accepted=
    for command in map pipe; do
        fanmill "$command" "$flag"
        grep -q 'unknown option' stderr && wrong "$command $flag: $(head -1 stderr)"
        grep -q 'is not an option here' stderr || accepted="$accepted $command"
    done
    case $said in
    'the same'* | *'; accepted' | -[a-z]* | --[a-z]*)
        [ -n "$accepted" ] || wrong "$flag is '$said', but: $(head -1 stderr)"
        ;;
    esac
    # --help and --version do something else than to run; flags of the same spelling mean another.
    case $flag in
    --help | -h | --color | --progress | -v | -q | -t | -o | --retries | --env | --header | --block | -N) continue ;;
    esac
    case $said in
    'write '* | 'not in '*) [ -z "$accepted" ] || wrong "$flag is '$said', but$accepted takes it" ;;
    esac
done <spellings

page=$(man -w parallel 2>/dev/null)
if [ -z "$page" ] || ! grep -q 'GNU parallel 20221122' <(parallel --version 2>/dev/null); then
    echo "skipped: parallel 20221122 and its manual are not installed; the table was not held against it"
else
    case_is "every flag of parallel's manual is in the table"
    { case $page in *.gz) zcat "$page" ;; *) cat "$page" ;; esac; } >manual
    sed -n 's/^\.IX Item "//p' manual | sed 's/"$//; s/\\&//g' | grep -E '^--?[A-Za-z0-9_]' |
        sed -E 's/^(--?[A-Za-z_-]+).*/\1/; s/^(-[a-zA-Z])[^a-zA-Z-].*/\1/' |
        grep -vE '^-[0-9]' | sort -u >flags
    [ "$(wc -l <flags)" -gt 150 ] || wrong "only $(wc -l <flags) flags in the manual"
    cut -f1 spellings | sort -u >known
    comm -23 flags known >missing
    [ ! -s missing ] || wrong "not in the table: $(tr '\n' ' ' <missing)"
fi

case_is "aliases do what the flag does"
fanmill map -P2 --group -k --no-run-if-empty echo ::: a b
expect_stdout $'a\nb'
fanmill map --max-procs=2 --bar --eta --will-cite echo ::: a b
expect_stdout $'a\nb'
fanmill map -rj1 echo ::: a
expect_stdout a
fanmill map -t -N2 echo ::: a b c
expect_stdout $'a b\nc'
fanmill map --wd /usr pwd :::
expect_status 0
fanmill map --joblog x echo ::: a
expect_status 2
expect_stderr "--joblog is not an option here: not in this version"
fanmill map --shuff echo ::: a
expect_stderr "unknown option '--shuff'"

case_is "--delay, --load, --memfree, --nice and --shell"
fanmill map -j 8 --delay 20ms 'date +%s%N' ::: 1 2 3 4 5
sort -n stdout | awk 'NR > 1 && $1 - last < 15e6 { exit 1 } { last = $1 }' || wrong "$(cat stdout)"
fanmill map --load 1000000 --memfree 1M 'echo {}' ::: a b
expect_stdout $'a\nb'
fanmill map --nice 7 nice ::: 1 2
expect_status 1
fanmill map --nice 7 'nice; : {}' ::: 1 2
here=$(($(nice) + 7))
expect_stdout "$((here < 19 ? here : 19))"$'\n'"$((here < 19 ? here : 19))"
# shellcheck disable=SC2016
fanmill map --shell bash 'a=({} y); echo ${a[0]}${BASH_VERSION:+bash}' ::: x
expect_stdout xbash
# shellcheck disable=SC2016
fanmill map --shell 'bash -eo pipefail' 'false | true; echo {}' ::: x
expect_status 1

case_is "held back: nothing runs while there is no memory for it, and what it waits for is ended at once"
timeout -s INT 1 "$FANMILL_BIN" map --memfree 1000T touch ::: never 2>/dev/null
[ ! -e never ] || wrong "it ran"

case_is "exported functions of bash"
# shellcheck disable=SC2317
greet() { echo "hello $1"; }
export -f greet
fanmill map --shell bash 'greet {}' ::: a 'b  c'
expect_stdout $'hello a\nhello b  c'

case_is "a timeout of 300% ends what takes much longer than the others, and what runs is held to it"
fanmill map -j 3 --timeout 300% 'sleep {}; echo {}' ::: 0.2 0.2 1000 0.2 0.2
expect_status 1
expect_stdout $'0.2\n0.2\n0.2\n0.2'
expect_stderr "chunk 3 ('1000') failed: it took longer than 300% of the median time of the others"

case_is "--results: a folder for each item with stdout, stderr and seq"
fanmill map --results res 'echo out {}; echo err {} >&2; test {} = a' ::: a b
expect_status 1
[ "$(find res -type f | sort | tr '\n' ' ')" = "res/1/a/seq res/1/a/stderr res/1/a/stdout res/1/b/seq res/1/b/stderr res/1/b/stdout " ] ||
    wrong "$(find res)"
[ "$(cat res/1/b/stdout res/1/b/stderr res/1/b/seq)" = $'out b\nerr b\n2' ] || wrong "$(cat res/1/b/*)"
fanmill map --results two echo {1} {2} ::: a b ::: 1 2
[ "$(cat two/1/b/2/1/stdout)" = "b 1" ] && [ ! -s two/1/b/2/1/stderr ] || wrong "$(find two)"
fanmill map --results named --name '{/.}' cat ::: /dev/null
[ -e named/null/stdout ] || wrong "$(find named)"
fanmill map --results r -o f echo ::: a
expect_status 2

case_is "--files: the names of the files that hold the results"
fanmill map --files echo ::: x y
[ "$(wc -l <stdout)" = 2 ] && [ "$(xargs cat <stdout)" = $'x\ny' ] || wrong "$(cat stdout)"
rm -r "$(dirname "$(head -1 stdout)")"
fanmill map --files --out-dir of echo ::: x y
expect_stdout "$WORK/of/1.txt"$'\n'"$WORK/of/2.txt"

case_is "--cat and --fifo: the chunk has a name"
seq 10 >ten
fanmill pipe -N 5 --cat 'wc -l <{}; tail -n 1 {}; head -n 1 {}' :::: ten
expect_stdout $'5\n5\n1\n5\n10\n6'
fanmill pipe -N 5 --cat -- tail -n 1 {} :::: ten
expect_stdout $'5\n10'
fanmill pipe -N 5 --cat sort :::: ten
expect_status 0
fanmill pipe -N 5 --fifo 'echo x | paste -d+ - {} | head -n 1' :::: ten
expect_stdout $'x+1\nx+6'

case_is "--halt in all of parallel's words"
fanmill map -j 2 --halt now,success=1 'test {} = 3 && echo got {} || { [ {} = 1 ] && sleep 1000; exit 1; }' ::: 1 2 3 4 5 6 7 8 9
grep -qx 'got 3' stdout || wrong "$(cat stdout)"
expect_status 1
fanmill map -j 1 --halt soon,success=2 'echo {}' ::: 1 2 3 4 5 6
expect_status 0
[ "$(head -2 stdout | tr '\n' ' ')" = "1 2 " ] || wrong "$(cat stdout)"
[ "$(wc -l <stdout)" -lt 6 ] || wrong "all of them ran"
fanmill map -j 1 --halt now,fail=2 'echo {}; exit 1' ::: 1 2 3 4 5 6
expect_status 4
[ "$(wc -l <stdout)" -lt 6 ] || wrong "all of them ran"
fanmill map -j 1 -o some --halt soon,done=50% 'echo {}' ::: 1 2 3 4
expect_status 0
grep -qx 2 some || wrong "the file is not whole: $(cat some)"
fanmill map --halt never false ::: 1 2
expect_stderr "2 failed"

expect_nothing_left
finish
