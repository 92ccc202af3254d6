#!/bin/bash
# `fanmill pipe`, compared with the plain program.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
bin=$FANMILL_BIN
seq 1 200000 >big
seq 7 90000 >other

case_is "standard input in pieces, in order"
from big pipe cat
expect_status 0
expect_same big
from big pipe --block 64KiB 'tr 1 x'
tr 1 x <big >want
expect_same want
from big pipe --block 100K -- tr 1 x
expect_same want

case_is "files after ::::, one after another"
fanmill pipe --block 50KB cat :::: big other
cat big other >want
expect_same want
from other pipe --block 50KB cat :::: big -
expect_same want

case_is "--lines, -N, --parts"
from big pipe --lines 60000 -- wc -l
expect_stdout "$(printf '%s\n' 60000 60000 60000 20000)"
fanmill pipe -N 60000 -- wc -l :::: big
expect_stdout "$(printf '%s\n' 60000 60000 60000 20000)"
fanmill pipe --parts 5 -- wc -l :::: big
[ "$(wc -l <stdout)" = 5 ] || wrong "not five parts"
[ "$(awk '{ n += $1 } END { print n }' stdout)" = 200000 ] || wrong "lines are missing"
fanmill pipe -j 3 --parts 200% -- wc -l :::: big
[ "$(wc -l <stdout)" = 6 ] || wrong "not six parts"

case_is "--reduce"
from big pipe --block 100K --reduce builtin:sum -- wc -l
expect_stdout 200000
fanmill pipe --block 100K --reduce 'sort -n | head -n 3' -- sort -n :::: big other
expect_stdout "$(sort -n big other | head -n 3)"

case_is "records that end with another byte"
printf 'a\0bb\0c' >records
from records pipe --record-end '\0' -N 2 'wc -c'
expect_stdout "$(printf '%s\n' 5 1)"

case_is "names with characters of patterns mean themselves"
mkdir odd && cd odd || exit 1
for name in 'a*b' '[x]' '!no' '-rf' 'a b' 'q?' 'back\slash' $'\xff'; do echo "in $name" >"./$name"; done
touch x axb # what the patterns would mean
rm -f axb && echo wrong >axb
timeout "$LIMIT_S" "$bin" pipe cat :::: 'a*b' '[x]' '!no' -rf 'a b' 'q?' 'back\slash' $'\xff' >"$WORK/stdout" 2>"$WORK/stderr"
STATUS=$?
cd "$WORK" || exit 1
expect_status 0
printf 'in %s\n' 'a*b' '[x]' '!no' '-rf' 'a b' 'q?' 'back\slash' $'\xff' >want
expect_same want

case_is "--dry-run"
fanmill pipe --dry-run --parts 2 -- grep -c 'a b' :::: big
expect_stdout "$(printf "grep -c 'a b' # big: %s\n" '644447 bytes from 0 on' '644448 bytes from 644447 on')"

case_is "no data, and a failing command"
from /dev/null pipe wc -l
expect_status 0
[ ! -s stdout ] || wrong "output from nothing"
from big pipe --propagate 'exit 7'
expect_status 7
expect_nothing_left

case_is "the same bytes from a coordinator, and from a detached job"
coordinator
worker one -j 2
until_workers 1
FANMILL_CONNECT='' fanmill pipe --block 100K tr 1 x :::: big
cp stdout embedded
fanmill pipe --block 100K tr 1 x :::: big
expect_same embedded
from big pipe --block 100K tr 1 x
expect_same embedded
job=$("$bin" submit pipe --block 100K tr 1 x :::: big)
"$bin" wait -q "$job"
fanmill results "$job"
expect_same embedded
from big submit pipe wc -l
expect_status 2
expect_stderr "fanmill submit pipe: a submitted job can't read standard input; give files: :::: FILE"
stop "$WORKER"
stop "$COORDINATOR"
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
