#!/bin/bash
# `fanmill map`, compared with loops and xargs.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
bin=$FANMILL_BIN

# from FILE ARGUMENT...: as fanmill, with the file as standard input.

case_is "several words are argv, without a shell"
fanmill map printf '<%s>\n' '$HOME' '{}' '`id`' ::: 'a b' '*' ''
expect_status 0
for item in 'a b' '*' ''; do printf '<%s>\n' '$HOME' "$item" '`id`'; done >want
expect_same want

case_is "one word is a script; the item is appended, quoted"
fanmill map 'printf "<%s>\n" $((1 + 1))' ::: 'a  b' '$(touch pwned)'
printf '<%s>\n' 2 'a  b' 2 '$(touch pwned)' >want
expect_same want
fanmill map 'x={}; printf "%s-%s\n" "$x" {/.}' ::: 'd/a b.c' "it's"
printf '%s\n' "d/a b.c-a b" "it's-it's" >want
expect_same want

case_is "the forms of a path"
fanmill map echo {} {.} {/} {//} {/.} {#} {{}} ::: dir/photo.jpg
expect_stdout "dir/photo.jpg dir/photo photo.jpg dir photo 1 {}"

case_is "items on standard input, as xargs has them"
seq 1 500 >numbers
xargs -n 1 echo n <numbers >want
from numbers map echo n
expect_status 0
expect_same want
xargs -n 7 echo <numbers >want
from numbers map -n 7 echo
expect_same want
tr '\n' '\0' <numbers >zero
xargs -0 -n 40 echo <zero >want
from zero map -0 -n 40 echo
expect_same want
tr '\n' , <numbers | sed 's/,$//' >commas
from commas map -d , echo n
xargs -n 1 echo n <numbers >want
expect_same want
from /dev/null map echo
expect_status 0
expect_quiet
[ ! -s stdout ] || wrong "output from nothing"

case_is "a name that a file is given by"
fanmill map -a numbers echo n
expect_same want
fanmill map echo n :::: numbers
expect_same want
from numbers map echo n :::: -
expect_same want
printf '1\n2' >part1
printf '3\n' >part2
fanmill map -a part1 -a part2 echo
expect_stdout "$(seq 3)"

case_is "no items"
fanmill map false :::
expect_status 0
expect_quiet

case_is "a range"
fanmill map --range 1..1000 echo
seq 1000 >want
expect_same want
fanmill map --range 10..0..-5 echo
expect_stdout "$(printf '%s\n' 10 5 0)"

case_is "many items for one command: each word with a placeholder is repeated"
fanmill map -n 2 echo {} to {.}.bak ::: a.x b.x c.x
expect_stdout "$(printf '%s\n' 'a.x b.x to a.bak b.bak' 'c.x to c.bak')"
fanmill map -n 3 'printf "(%s)" {}; echo " {#}"' ::: 'a b' c '$(id)' d
printf '%s\n' '(a b)(c)($(id)) 1' '(d) 4' >want
expect_same want

case_is "-X spreads what is known over the slots, and takes as many as fit"
fanmill map -j 2 -X echo ::: 1 2 3 4 5
expect_stdout "$(printf '%s\n' '1 2 3' '4 5')"
seq 1 2500 >many
from many map -X 'echo $#; : {}'
expect_stdout "$(printf '%s\n' 1000 1000 500)"
# Items of 10,000 bytes: no command line is longer than 128 KiB, nothing is lost.
long=$(printf '%010000d' 0)
for i in $(seq 40); do echo "$i$long"; done >long
from long map -X 'echo $#; : {}'
expect_status 0
awk '$1 > 13 { bad = 1 } { n += $1 } END { exit bad || n != 40 }' stdout || wrong "$(cat stdout)"

case_is "names that shells stumble over are data"
mkdir names && cd names || exit 1
touch -- '$(touch pwned).jpg' '`touch pwned`.jpg' "it's \"quoted\".jpg" 'new
line.jpg' '-rf.jpg' '; touch pwned;.jpg' '& touch pwned.jpg' '*.jpg' '{}.jpg' '{1}.jpg' \
    '${HOME}.jpg' $'\xff\xfe.jpg' 'a\nb.jpg' '%s.jpg' '!x.jpg' ' .jpg' '~.jpg'
printf '%s\0' * >"$WORK/all"
for script in 'printf "%s\0" {}' 'printf "%s\0" "{}"' "printf '%s\\0' '{}'" 'x=$(printf "%s\0" {} | tr "\0" x); printf "%s\0" {}' \
    'printf "%s\0"'; do
    case_is "data in: $script"
    timeout "$LIMIT_S" "$bin" map "$script" ::: * >"$WORK/stdout" 2>"$WORK/stderr"
    STATUS=$?
    expect_status 0
    expect_same "$WORK/all"
    find . -name '*.jpg' -print0 | LC_ALL=C sort -z | sed -z 's,^\./,,' |
        timeout "$LIMIT_S" "$bin" map -0 "$script" >"$WORK/stdout"
    expect_same "$WORK/all"
done
timeout "$LIMIT_S" "$bin" map -n 4 'printf "%s\0" {}' ::: * >"$WORK/stdout"
expect_same "$WORK/all"
timeout "$LIMIT_S" "$bin" map printf '%s\0' ::: * >"$WORK/stdout"
expect_same "$WORK/all"
timeout "$LIMIT_S" "$bin" map -X printf '%s\0' {} ::: * >"$WORK/stdout"
expect_same "$WORK/all"
[ ! -e pwned ] && [ ! -e pwned.jpg ] || wrong "a name was run as code"
# A shell reads what --dry-run prints back into the same words.
timeout "$LIMIT_S" "$bin" map --dry-run printf '%s\0' {} ::: * >"$WORK/commands"
bash "$WORK/commands" >"$WORK/stdout"
expect_same "$WORK/all"
timeout "$LIMIT_S" "$bin" map --dry-run 'printf "%s\0" "{}"' ::: * >"$WORK/commands"
bash "$WORK/commands" >"$WORK/stdout"
expect_same "$WORK/all"
[ ! -e pwned ] || wrong "a name was run as code"
cd "$WORK" || exit 1

case_is "where an appended item could become code, nothing is appended"
for script in 'echo hi;' 'echo hi |' 'true &&' 'echo hi # end' $'echo hi\necho ho' 'true &' 'x=' 'true; !' '!' '('; do
    fanmill map "$script" ::: 'touch pwned' ./pwn
    expect_status 2
    expect_stderr "write {} where the item belongs in the script"
done

case_is "--dry-run runs nothing"
fanmill map --dry-run -n 2 touch {} ::: one 'two 2' three
expect_status 0
expect_stdout "$(printf '%s\n' "touch one 'two 2'" 'touch three')"
[ ! -e one ] || wrong "it ran"
fanmill map --dry-run 'gzip <{} >{.}.gz' ::: a.x
expect_stdout "/bin/sh -c 'gzip <\"\${1}\" >\"\${2}\".gz' fanmill a.x a"

case_is "--tag"
fanmill map --tag 'printf "1\n2"; : {}' ::: a 'b c'
printf 'a\t1\na\t2b c\t1\nb c\t2' >want
expect_same want

case_is "--retry-delay"
fanmill map --retry-delay 0.1 '[ -e tried-{} ] || { touch tried-{}; exit 1; }; echo {}' ::: a b
expect_status 0
expect_stdout "$(printf 'a\nb\n')"
fanmill map --retry-delay never true ::: a
expect_status 2
expect_stderr "--retry-delay: 'never' is not a duration"

case_is "exit statuses"
fanmill map 'exit {}' ::: 0 3 0
expect_status 1
expect_stderr "chunk 2 ('3') failed: the script ended with exit status 3"
expect_stderr "exit: 2 chunks ok, 1 failed"
fanmill map --propagate 'exit {}' ::: 0 3 4
expect_status 3
fanmill map --propagate 'kill -9 $$; : {}' ::: 1
expect_status 137
fanmill map --propagate true ::: 1
expect_status 0
fanmill map no-such-program x ::: 1
expect_status 127
expect_stderr "'no-such-program' was not found on the PATH"
touch plain
fanmill map ./plain x ::: 1
expect_status 126
fanmill map -j 1 --on-error stop 'exit {}' ::: 0 1 0
expect_status 4
fanmill map -j 1 --halt now,fail=1 --propagate 'exit {}' ::: 0 9 0
expect_status 9
fanmill map -j 1 --halt never 'exit {}' ::: 1 1 1
expect_status 1
fanmill map --halt soon,fail=2 -j 1 'exit 1; : {}' ::: $(seq 400)
expect_status 4
fanmill map --timeout 0.2 sleep ::: 60
expect_status 1
expect_stderr "took longer than 0.2 s"
fanmill map --retries 2 'echo try >>tries; test $FANMILL_ATTEMPT = 3 && echo {}' ::: a
expect_status 0
[ "$(wc -l <tries)" = 3 ] || wrong "not three runs"
"$bin" map echo ::: $(seq 3000) | head -n 1 >stdout
[ "${PIPESTATUS[0]}" = 141 ] || wrong "status of a run whose reader left"

case_is "letters together, values with and without a blank"
printf 'a\0b\0c\0' >zero
for flags in "-0n2" "-0 -n 2" "-n2 -0" "-n=2 --null" "--max-args=2 -0" "-0kqvvn 2"; do
    # shellcheck disable=SC2086
    from zero map $flags echo {}
    expect_status 0
    expect_stdout "$(printf '%s\n' 'a b' c)"
done
fanmill map -j 1 --halt 2 --propagate 'exit {}' ::: 0 8 0
expect_status 8

case_is "--env, --workdir"
export COLOUR=red
fanmill map --env COLOUR --env 'A=b c' --workdir 'sub/{}' 'echo "$COLOUR $A ${PWD##*/}"; : {}' ::: x
expect_stdout "red b c x"

case_is "sinks"
fanmill map -o whole echo ::: a b
cmp -s whole <(printf 'a\nb\n') || wrong "-o"
fanmill map --out-dir out echo ::: a b
cmp -s out/2.txt <(echo b) || wrong "--out-dir"
fanmill map --out-dir out --name '{/.}.new' cat ::: whole
cmp -s out/whole.new whole || wrong "--name"
fanmill map --json echo ::: a
grep -q '"item":"a".*"stdout":"a\\n"' stdout || wrong "--json: $(cat stdout)"

case_is "--progress json, --spool-limit"
fanmill map --progress=json --spool-limit 1MiB --spool-dir "$WORK" 'sleep 1.2; echo {}' ::: a
expect_status 0
expect_stdout a
expect_stderr '{"v":1,"progress":{"job":"sleep"'

case_is "--reduce"
fanmill map --reduce builtin:sum 'echo {}' ::: 1 2 -10
expect_stdout -7
fanmill map --reduce 'sort -rn | head -n 2' echo ::: $(seq 30)
expect_stdout "$(printf '%s\n' 30 29)"
fanmill map --reduce builtin:sum --fan-in 2 --range 1..100 echo
expect_stdout 5050

case_is "-k, --unordered"
fanmill map -k echo ::: 1 2
expect_stdout "$(seq 2)"
timeout "$LIMIT_S" "$bin" map -j 2 --unordered 'if [ {} = 1 ]; then until [ -e seen ]; do sleep 0.02; done; fi; echo {}' ::: 1 2 |
    while read -r line; do echo "$line" && touch seen; done >stdout
expect_stdout "$(printf '%s\n' 2 1)"

case_is "-j"
cpus=$(nproc)
fanmill map -j 100% --dry-run -X echo ::: $(seq $((cpus * 2)))
[ "$(wc -l <stdout)" = "$cpus" ] || wrong "100% is not $cpus"
fanmill map -j +1 --dry-run -X echo ::: $(seq $((cpus + 1)))
[ "$(wc -l <stdout)" = $((cpus + 1)) ] || wrong "+1"
fanmill map -j "-$cpus" --dry-run -X echo {} ::: a b
expect_stdout "echo a b"

case_is "flags before the subcommand, after it, and of the command"
fanmill -j 1 --tag map echo -j 7 ::: a
expect_stdout "$(printf 'a\t-j 7 a')"
fanmill --retries=1 map --tag -- -j {} ::: a
expect_status 127
expect_stderr "'-j' was not found"

expect_nothing_left

case_is "--dry-run counts items as a run does"
printf 'ok\na\0b\n' >nul
from nul map --dry-run echo
expect_stderr "fanmill: item 2 contains a NUL byte"
from nul map echo
expect_stderr "item 2 holds a NUL byte"

case_is "the same bytes from a coordinator, and from a detached job"
coordinator
worker one -j 2
until_workers 1
same() {
    FANMILL_CONNECT='' fanmill map "$@"
    cp stdout embedded
    local embedded=$STATUS
    fanmill map "$@"
    [ "$STATUS" = "$embedded" ] || wrong "status $STATUS, embedded $embedded: $*"
    cmp -s stdout embedded || wrong "other bytes with --connect: $*"
    local job
    job=$("$bin" submit map "$@" 2>stderr) || wrong "submit: $*"
    "$bin" wait -q "$job" 2>/dev/null
    fanmill results "$job"
    [ "$STATUS" = "$embedded" ] || wrong "status $STATUS of results, embedded $embedded: $*"
    cmp -s stdout embedded || wrong "other bytes of a detached job: $*"
}
same echo ::: $(seq 300)
same --tag -n 3 'printf "%s\n" {}' ::: 'a b' "it's" $'\xff' 'new
line' '$(id)'
same -j 2 -X echo ::: $(seq 57)
same --range 1..50 --reduce builtin:sum echo
same 'exit {}' ::: 0 2 0
same 'echo {} before; exit {}' ::: 0 2 0
same cat :::: numbers
job=$("$bin" submit map echo n <numbers)
"$bin" wait -q "$job"
fanmill results "$job"
xargs -n 1 echo n <numbers >want
expect_same want
fanmill submit --follow map echo ::: a b
expect_stdout "$(printf 'a\nb')"

case_is "what a command says before it fails is shown, in its place"
fanmill map -j 2 'echo {} says; test {} != 2 || kill -9 $$' ::: 1 2 3
expect_status 1
expect_stdout "$(printf '1 says\n2 says\n3 says')"
fanmill map --tag -n 2 -j 2 sh -c 'echo "$@"; exit 1' sh ::: a b c
expect_status 1
expect_stdout "$(printf 'a b\ta b\nc\tc')"
fanmill map -o said sh -c 'echo {}; exit {}' ::: 0 1
expect_status 1
printf '0\n1\n' | cmp -s - said || wrong "$(cat said)"
fanmill map --json 'echo out; exit 7' ::: x
grep -q '"exit":7,.*"stdout":"out\\n"' stdout || wrong "$(cat stdout)"
# What was to be reduced is no result.
fanmill map --reduce builtin:sum 'echo {}; test {} != 2' ::: 1 2 3
expect_status 1
expect_stdout 4
# In a job file a failed chunk has no result.
job fails <<'YAML'
source: {range: 1..3}
chunk: {items: 1}
stages: [{command: "echo {}; test {} != 2"}]
YAML
fanmill run fails.yaml
expect_stdout "$(printf '1\n3')"
fanmill run --json fails.yaml
grep -q '"item":"2","outcome":"exit".*"stdout":"2\\n"' stdout || wrong "$(cat stdout)"
stop "$WORKER"
stop "$COORDINATOR"
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
