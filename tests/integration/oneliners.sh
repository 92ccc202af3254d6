#!/bin/bash
# The table of docs/guide/one-liners.md, line by line: what others write with GNU parallel, as we
# write it, compared with a loop. Lines that need --host or a journal are not here.
. tests/support/lib.sh
mkdir bin
PATH="$(dirname "$FANMILL_BIN"):$WORK/bin:$PATH"
# runs COMMAND LINE: by a shell, as it is typed; $WORK/stdout, $WORK/stderr, $STATUS.
runs() {
    CASE=$1
    timeout -k 5 "$LIMIT_S" bash -c "$1" >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
    STATUS=$?
}
# tool NAME <<EOF: a program that stands in for one that may not be installed.
tool() { { echo '#!/bin/sh'; cat; } >"$1" && chmod +x "$1"; }

mkdir logs && cd logs || exit 1
for i in 1 2 3; do seq "$i" 2000 >"$i.log"; done
cp 1.log './-rf $(id).log'
runs 'fanmill map gzip -9 -- {} ::: *.log'
expect_status 0
expect_quiet
[ ! -s "$WORK/stdout" ] || wrong "gzip writes nothing"
for i in 1 2 3; do seq "$i" 2000 | cmp -s - <(gzip -dc "$i.log.gz") || wrong "$i.log"; done
seq 1 2000 | cmp -s - <(gzip -dc './-rf $(id).log.gz') || wrong 'the odd name'
cd ..

tool bin/convert <<'EOF'
[ "$2 $3" = "-resize 50%" ] && { echo small; cat "$1"; } >"$4"
EOF
mkdir pictures && cd pictures || exit 1
for i in a 'b c'; do echo "$i" >"$i.jpg"; done
runs 'fanmill map convert {} -resize 50% {.}_s.jpg ::: *.jpg'
expect_status 0
printf 'small\nb c\n' | cmp -s - 'b c_s.jpg' || wrong "ls: $(ls)"
rm ./*_s.jpg
runs "ls *.jpg | fanmill map convert {} -resize 50% {.}_s.jpg"
expect_status 0
printf 'small\na\n' | cmp -s - a_s.jpg || wrong "ls: $(ls)"
cd ..

mkdir -p xml/deep && cd xml || exit 1
tool fix <<'EOF'
for file; do echo fixed >>"$file"; done
echo "$#"
EOF
for i in $(seq 30); do echo "$i" >"deep/$i
x.xml"; done
runs "find . -name '*.xml' -print0 | fanmill map -0 -X ./fix"
expect_stdout 30
[ "$(grep -lZ fixed deep/* | tr -dc '\0' | wc -c)" = 30 ] || wrong "not all are fixed"
cd ..

for i in 1 2 3; do seq "$i" 30 | sed 's/3/foo/' >"f $i"; done
ls f* >list
runs "fanmill map -j8 'grep -c foo {} | tr -d \" \"' :::: list"
for i in 1 2 3; do grep -c foo "f $i"; done >want
expect_same want

seq 1 900000 >big
runs "fanmill pipe --block 4M -- wc -l < big | awk '{s+=\$1}END{print s}'"
expect_stdout 900000
runs 'fanmill pipe --block 4M --reduce builtin:sum -- wc -l < big'
expect_stdout 900000

runs 'fanmill pipe --parts 100% -- grep 77 :::: big'
grep 77 big >want
expect_same want

tool a <<'EOF'
awk 'NR % 4 == 2 { n += length } END { print n, NR }'
EOF
for i in $(seq 2500); do printf '@%s\nACGT%s\n+\nIIII\n' "$i" "$i"; done >x.fq
runs 'fanmill pipe --lines 4000 -- ./a < x.fq'
split -l 4000 --filter=./a x.fq >want
[ "$(wc -l <want)" = 3 ] || wrong "the test itself"
expect_same want

printf 'name,age\n"Smith, J",41\nX,7\n' >p.csv
runs 'fanmill map --csv --header echo {name} {age} :::: p.csv'
expect_stdout "$(printf '%s\n' 'Smith, J 41' 'X 7')"

tool sim <<'EOF'
echo "sim $1 $2"
EOF
runs 'fanmill map ./sim {1} {2} ::: 1 2 3 ::: a b'
for i in 1 2 3; do for k in a b; do echo "sim $i $k"; done; done >want
expect_same want

runs 'fanmill map echo {1} {2} ::: 1 2 :::+ a b'
expect_stdout "$(printf '%s\n' '1 a' '2 b')"

mkdir tests && cd tests || exit 1
touch 1 2 3
tool ../t <<'EOF'
echo "$1" >>"$WORK/tried"
[ "$1" != 2 ]
EOF
export WORK
runs 'fanmill map -j1 --on-error stop --retries 3 --timeout 60 ../t ::: *'
expect_status 4
[ "$(grep -c 2 "$WORK/tried")" = 4 ] || wrong "not four runs of 2: $(tr '\n' ' ' <"$WORK/tried")"
rm "$WORK/tried"
runs 'fanmill map -j1 --halt now,fail=1 --retries 3 --timeout 60 ../t ::: *'
expect_status 4
cd ..

tool bin/ping <<'EOF'
echo "ping of $2"
echo again
EOF
printf '%s\n' alpha beta >hosts
runs 'fanmill map --tag --out-dir out ping -c1 {} :::: hosts'
expect_status 0
printf 'beta\tping of beta\nbeta\tagain\n' | cmp -s - out/2.txt || wrong "$(ls out; cat out/*)"

runs 'fanmill call builtin:noop --range 1..1000000'
expect_status 0
[ ! -s stdout ] || wrong "noop gives nothing"

runs 'fanmill map --dry-run gzip -9 ::: 1.log "2 .log"'
expect_stdout "$(printf '%s\n' 'gzip -9 1.log' "gzip -9 '2 .log'")"

# ---- several lists, as parallel combines and links them
runs 'fanmill map echo {1}{2}{3} ::: a b ::: 1 2 ::: x y z'
for i in a b; do for k in 1 2; do for l in x y z; do echo "$i$k$l"; done; done; done >want
expect_same want
runs 'fanmill map echo ::: a b ::: 1 2'
for i in a b; do for k in 1 2; do echo "$i $k"; done; done >want
expect_same want
runs 'fanmill map echo {2} {1} ::: a b ::: 1 2 3 :::+ x y z'
for i in a b; do for k in 1 2 3; do echo "$k $i"; done; done >want
expect_same want
runs 'fanmill map echo {1}-{2} :::: list ::: 1 2'
while read -r i; do for k in 1 2; do echo "$i-$k"; done; done <list >want
expect_same want
runs 'fanmill map echo {1}-{2} :::: list ::::+ hosts'
expect_stdout "$(printf '%s\n' 'f 1-alpha' 'f 2-beta')"
runs "fanmill map 'echo {1.} \"{2/}\"' ::: a.b 'c d.e' ::: x/y"
expect_stdout "$(printf '%s\n' 'a y' 'c d y')"
runs "fanmill map printf '<%s>' {1} ::: a 'b c'"
printf '<%s>' a 'b c' >want
expect_same want
runs 'fanmill map -a list printf "<%s>" {1}'
printf '<%s>' 'f 1' 'f 2' 'f 3' >want
expect_same want
runs 'fanmill map echo {1}{2} ::: a b :::'
expect_status 0
[ ! -s stdout ] || wrong "a list without items combines to nothing"
runs "fanmill map --tag -n 2 echo {1}+{2} ::: a b c ::: '\$(id)'"
expect_stdout "$(printf '%s\n' $'a $(id) b $(id)\ta+$(id) b+$(id)' $'c $(id)\tc+$(id)')"

# ---- a list taken by twos, as parallel -N 2
runs "fanmill map -n 2 printf '<%s|%s>' {2} {1} ::: a 'b c' '\$(id)' d e"
printf '<%s|%s>' 'b c' a d '$(id)' '' e >want
expect_same want
runs "seq 7 | fanmill map -n 3 'echo {3}-{2}-{1}'"
expect_stdout "$(printf '%s\n' 3-2-1 6-5-4 --7)"
runs 'fanmill map -n 2 echo {1} {2} -- {} :::: hosts'
expect_stdout 'alpha beta -- alpha beta'
runs 'fanmill map -n 2 echo {1} {2} :::'
expect_status 0
runs 'fanmill map -n 2 echo {1} ::: a b ::: 1 2'
expect_stdout "$(printf '%s\n' 'a a' 'b b')"
runs 'fanmill map echo :::: <(seq 2) ::: x'
expect_stdout "$(printf '%s\n' '1 x' '2 x')"
runs 'fanmill map -a <(seq 2) echo; fanmill pipe cat :::: <(seq 2)'
expect_stdout "$(printf '%s\n' 1 2 1 2)"

# ---- columns
printf 'a\tb c\nd\t$(id)\n' >t.tsv
runs "fanmill map -C '\\t' printf '%s,%s;' {2} {1} :::: t.tsv"
printf '%s,%s;' 'b c' a '$(id)' d >want
expect_same want
runs 'fanmill map -C , echo {2} ::: a,b c,d,e f'
printf '%s\n' b d '' >want
expect_same want
runs "fanmill map -C '\\t' --header 'echo {b c} {a}' < t.tsv"
expect_stdout '$(id) d'
printf 'n;m\n1;"2;""3"""\n' >semicolon.csv
runs "fanmill map --csv -C ';' --header echo {m} {n} < semicolon.csv"
expect_stdout '2;"3" 1'
runs 'cat p.csv | fanmill map --csv --header --tag --name x echo {age}'
expect_status 2
runs 'cat p.csv | fanmill map --csv --header --out-dir byname --name "{name}.txt" echo {age}'
expect_status 0
echo 41 | cmp -s - 'byname/Smith, J.txt' || wrong "$(ls byname)"
runs 'fanmill call builtin:count_lines --csv -n 9 :::: p.csv'
expect_stdout 3

expect_nothing_left
finish
