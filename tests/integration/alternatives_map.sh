#!/bin/bash
# The rest of the list of `man parallel_alternatives`: what concerns commands, their words and their
# items. Each line is one that some tool gets wrong.
. tests/support/lib.sh

case_is "SPCCHAR: items with characters that shells, YAML or the tool itself might take for theirs"
cat >items <<'ITEMS'
My brother's 12" records
a  b	c
$HOME ${HOME} $(touch pwned) `touch pwned` $$ $1
* ? [a-z] ~ {} {.} {1} {{}} %{x} ${{ x }}
& && | || ; > pwned < pwned # no comment
-n
--help
!x ^y \n \\ \' '
{a: b} - c: "d" !tag &anchor *alias
ITEMS
printf '\303\244 \377\376 \033[31m\n' >>items
fanmill map printf '%s\n' <items
expect_status 0
expect_same items
fanmill map "printf '%s\\n' {}" <items
expect_status 0
expect_same items
fanmill map "printf '%s\\n' \"{}\" | cat" :::: items
expect_status 0
expect_same items
[ ! -e pwned ] || wrong "an item was run as code"
tr '\n' '\0' <items >items0
fanmill map -0 -d '' printf '%s\n' <items0
expect_status 2
fanmill map -0 printf '%s\n' <items0
expect_same items
fanmill map -0 -X printf '%s\n' <items0
expect_same items
printf 'two\nlines\0and one\0' >newlines
fanmill map -0 printf '<%s>' <newlines
expect_status 0
printf '<two\nlines><and one>' >expected
expect_same expected

case_is "COMPOSED: a composed command is one command for each item"
fanmill map 'echo {}; echo {} | tr a-z A-Z && (exit 0) || echo never' ::: a b
expect_status 0
expect_stdout "$(printf '%s\n' a A b B)"
fanmill map 'for i in 1 2; do echo {} $i; done >{}.list; wc -l <{}.list' ::: x y
expect_status 0
expect_stdout "$(printf '2\n2')"
[ "$(cat x.list y.list)" = "$(printf 'x 1\nx 2\ny 1\ny 2')" ] || wrong "$(cat x.list y.list)"
fanmill map 'cd / && pwd; test {} = a && echo yes' ::: a
expect_stdout "$(printf '/\nyes')"
fanmill map 'cat <<END
item {}
END
' ::: 'a b' '$(id)'
expect_status 0
expect_stdout "$(printf 'item a b\nitem $(id)')"

case_is "ONEREP: the item as often as one likes, with and without its folder and ending"
fanmill map echo {} {.} {/} {//} {/.} x{}y {}{} ::: dir/name.tar.gz
expect_status 0
expect_stdout "dir/name.tar.gz dir/name.tar name.tar.gz dir name.tar xdir/name.tar.gzy dir/name.tar.gzdir/name.tar.gz"
fanmill map 'echo {} {.} {} "{}" '"'{}'" ::: 'a b.c'
expect_stdout "a b.c a b a b.c a b.c a b.c"

case_is "INPUTSIZE: items as long as an argument may be, and longer"
for len in 1000 100000 131000; do
    head -c "$len" /dev/zero | tr '\0' x >long
    fanmill map "printf %s {} | wc -c" <long
    expect_status 0
    expect_stdout "$len"
done
head -c 200000 /dev/zero | tr '\0' x >long
fanmill map echo <long
expect_status 1
expect_stderr "item 1 is 200 KB; a command argument may hold 128 KiB; use pipe"
fanmill pipe wc -c <long
expect_status 0
expect_stdout 200000
# Of many long ones as many as fit are given to one command.
for i in 1 2 3 4 5 6 7 8 9 10; do
    head -c 100000 /dev/zero | tr '\0' "$((i % 10))"
    echo
done >many
fanmill map -X 'printf "%s\n" {} | wc -l' <many
expect_status 0
[ "$(awk '{ n += $1 } END { print n }' stdout)" = 10 ] || wrong "$(cat stdout)"
fanmill map -X printf '%s\n' <many
expect_same many

case_is "NUMWORDS: many words in an item, and many words for one command"
seq 20000 | tr '\n' ' ' >words
echo >>words
fanmill map 'echo {} | wc -w' <words
expect_status 0
expect_stdout 20000
fanmill map echo <words
tr -s ' ' <words | sed 's/ $//' | cmp -s - <(sed 's/ $//' stdout) || wrong "words were changed"
seq 20000 >numbers
fanmill map -X echo <numbers
expect_status 0
tr ' ' '\n' <stdout | cmp -s - numbers || wrong "not all numbers, or not in order"
fanmill map -n 7 'echo {} | wc -w' <numbers
[ "$(sort -u stdout | tr '\n' ' ')" = "1 7 " ] || wrong "$(sort -u stdout)"

case_is "a reader that goes away, and a slow first one"
"$FANMILL_BIN" map echo <numbers 2>stderr | head -n 1 >stdout
[ "${PIPESTATUS[0]}" = 141 ] || wrong "status when the reader is gone"
expect_stdout 1
mkfifo gate
{ fanmill map -j 3 'test {} != 1 || cat gate; echo {}' <numbers; } &
echo open >gate
wait $!
{ echo open; cat numbers; } | cmp -s - stdout || wrong "the order with a slow first one"
expect_nothing_left
finish
