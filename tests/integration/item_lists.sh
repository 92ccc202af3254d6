# Flags of GNU parallel about lists and items: names, order, blanks, separators, tags.
. tests/support/lib.sh

printf 'h\nx\ny\n' >named
seq 20 >twenty

case_is "--header names lists by their first item, with parallel's colon or without"
fanmill map --header : echo '{name}-{age}' ::: name a b ::: age 1 2
expect_stdout "$(printf '%s\n' a-1 a-2 b-1 b-2)"
fanmill map --header echo '{h}{2}' :::: named ::: k 1
expect_stdout "$(printf '%s\n' x1 y1)"
fanmill map --header echo '{h/}' :::: named
expect_stdout "$(printf '%s\n' x y)"
from named map --header : echo '{h}'
expect_stdout "$(printf '%s\n' x y)"

case_is "--trim of items and columns, from words and from files"
printf '  a b  \n c\t\n' >blanks
fanmill map --trim lr echo '<{}>' ::: ' a ' 'b  '
expect_stdout "$(printf '%s\n' '<a>' '<b>')"
fanmill map --trim lr echo '<{}>' :::: blanks
expect_stdout "$(printf '%s\n' '<a b>' '<c>')"
fanmill map --trim r echo '<{}>' :::: blanks
expect_stdout "$(printf '%s\n' '<  a b>' '< c>')"
fanmill map --trim n echo '<{}>' ::: ' a '
expect_stdout '< a >'
fanmill map --trim rl -C , echo '<{1}><{2}>' ::: ' a , b ' 'c , d'
expect_stdout "$(printf '%s\n' '<a><b>' '<c><d>')"
fanmill map --trim x echo ::: a
expect_status 2
expect_stderr "--trim takes n, l, r or lr, not 'x'"

case_is "--shuf: every item once, the same order for the same seed"
fanmill map --shuf --seed 7 echo :::: twenty
cp stdout first
sort -n first | cmp -s - twenty || wrong "not every item once"
cmp -s first twenty && wrong "the order is the file's"
from twenty map -q --shuf --seed 7 echo
expect_same first
expect_quiet
fanmill map --shuf echo :::: twenty
expect_status 0
seed=$(sed -n 's/.*--seed //p' stderr | head -n 1)
cp stdout first
fanmill map --shuf --seed "$seed" echo :::: twenty
expect_same first
fanmill map --shuf echo ::: a ::: b
expect_status 2
expect_stderr "--shuf takes one list"

case_is "--range keeps leading zeros"
fanmill map --range 098..101 echo
expect_stdout "$(printf '%s\n' 098 099 100 101)"
fanmill map --range 01..10 -X echo
[ "$(tr ' ' '\n' <stdout | head -n 1)" = 01 ] || wrong "$(cat stdout)"
fanmill map --range 001..9999999 echo
expect_status 2
expect_stderr 'printf %03d {}'
fanmill map --range 001..x echo
expect_status 2

case_is "--link, --xapply and other separators"
fanmill map --link echo '{1}{2}' ::: a b ::: 1 2
expect_stdout "$(printf '%s\n' a1 b2)"
fanmill map --xapply echo ::: a b ::: 1 2
expect_stdout "$(printf '%s\n' 'a 1' 'b 2')"
fanmill map --arg-sep ,, echo ,, a ::: b
expect_stdout "$(printf '%s\n' a ::: b)"
fanmill map --arg-file-sep=@@ echo @@ named ::: z
expect_stdout "$(printf '%s\n' 'h z' 'x z' 'y z')"

case_is "-C by a regular expression"
printf 'a  b c\n d\n' >spaced
fanmill map -C ' +' echo '{1}-{2}-{3}' :::: spaced
expect_stdout "$(printf '%s\n' a-b-c -d-)"
fanmill map -C '[,;]' echo '{1}-{-1}' ::: 'a,b;c'
expect_stdout a-c
fanmill map -C ', *' echo '{1}-{2}' ::: 'a,   b'
expect_stdout a-b
fanmill map -C '\s+' --header echo '{n}-{v}' :::: <(printf 'n  v\na\t1\n')
expect_stdout a-1
fanmill map -C '|' echo '{1}-{2}' ::: 'a|b'
expect_stdout a-b
fanmill map -C '||' echo '{1}-{2}' ::: 'a||b'
expect_stdout a-b
fanmill map -C 'a[' echo ::: b
expect_status 2
expect_stderr "is no regular expression"

case_is "--tag names all items of a command"
fanmill map --tag -n 2 echo ::: a b c
expect_stdout "$(printf '%s\n' 'a b	a b' 'c	c')"

case_is "pipe: header lines, and records without their ends"
fanmill pipe --header 1 -N 1 cat :::: named
expect_stdout "$(printf '%s\n' h x h y)"
from named pipe --header : -N 1 cat
expect_stdout "$(printf '%s\n' h x h y)"
fanmill pipe -N 1 --remove-rec-sep 'cat; echo ,' :::: named
expect_stdout "$(printf '%s,\n' h x y)"
fanmill pipe --header x cat :::: named
expect_status 2
expect_stderr "--header: 'x' is not a whole number"

case_is "attached forms"
fanmill map -P2 -n1 -d, echo :::: <(printf 'a,b')
expect_stdout "$(printf '%s\n' a b)"
from twenty map -N10 echo
expect_stdout "$(seq 10 | paste -sd' '; seq 11 20 | paste -sd' ')"
fanmill map -I{} echo ::: a
expect_status 2
expect_stderr "the placeholder is {}"

case_is "a job is named after its program, not after a word of the shell"
while IFS='|' read -r script name; do
    fanmill map "$script" ::: x
    expect_stderr "fanmill: $name: "
done <<'EOF'
for i in 1; do false {}; done|false
a=1 b=2 false {}|false
if true; then false {}; fi|false
(cd / && false {})|false
{ false {}; }|false
((0)) {}|map
"$x" {}|map
./Run--All.SH {}|run-all-sh
EOF

finish
