# Placeholders as GNU parallel has them, mistakes in them, and what must stay text.
. tests/support/lib.sh

case_is "extensions, folders and places from the end"
fanmill map echo '{..} {...} {/..} {+/} {+.} {+..} {1..} {1+.}' ::: a/b.c.tar.gz
expect_stdout "a/b.c a/b b.c a gz tar.gz a/b.c gz"
fanmill map 'echo {-1} {-1/.} {1}' ::: a/x.y
expect_stdout "a/x.y x a/x.y"
fanmill map echo '{-1} {-2} {1/} {2.}' ::: a/b c ::: d.x
expect_stdout "$(printf '%s\n' 'd.x a/b b d' 'd.x c c d')"
printf 'a,b,c\nd,e\n' >rows
fanmill map -C , echo '{-1}{-2}{1}' :::: rows
expect_stdout "$(printf '%s\n' cba edd)"

case_is "what means nothing is a mistake with a hint, and runs nothing"
for words in '{2}' '{0}' '{-9}' '{....}' '{///}' '{2/.}'; do
    fanmill map echo "$words" ::: a
    expect_status 2
    expect_stderr "$words means nothing here"
    expect_stderr "for the text itself write {$words}"
    [ ! -s stdout ] || wrong "$words: something ran"
done
fanmill map echo '{3}' ::: a ::: b
expect_status 2
expect_stderr "{3} means nothing here: items have 2 columns"
fanmill map echo '{##}' ::: a
expect_status 2
expect_stderr "how many chunks there will be is not known beforehand"
job yaml <<'EOF'
source: {items: [a]}
stages: [{command: [echo, "{2}"]}]
EOF
fanmill check yaml.yaml
expect_status 2
expect_stderr "{2} means nothing here: an item has no columns; it is {}"
sed -i 's/{2}/{1} {-1} {+.}/' yaml.yaml
fanmill run yaml.yaml
expect_stdout "a a "

case_is "words in braces, regular expressions of a pipe and shells' own braces stay"
echo 'one two' >text
fanmill map "awk '{print}' {}; awk '{print \$2}' {1}; echo a{1,3} {1..9} \${HOME:+home} {{2}}" ::: text
expect_status 0
expect_quiet
expect_stdout "$(printf '%s\n' 'one two' two 'a{1,3} {1..9} home {2}')"
echo abbc >text
from text pipe "sed -E 's/b{2}/x/'"
expect_status 0
expect_stdout axc
from text pipe awk '{print}'
expect_stdout abbc
fanmill map grep -E 'b{{2}}' ::: text
expect_stdout abbc

case_is "words of GNU parallel stay with a hint"
for word in uniq choose_k slot seq host; do
    fanmill map echo "{$word}" {} ::: a
    expect_status 0
    expect_stdout "{$word} a"
    expect_stderr "'{$word}' is unknown and left as it is"
    expect_stderr "hint: "
done
fanmill map 'echo "{= s/a/b/ =}" {}' ::: a
expect_stderr "Perl expressions are not run"

case_is "lists that are empty"
fanmill map echo '{1}{2}' ::: a b :::
expect_status 0
fanmill map -n 2 echo '{1}' '{2}' </dev/null
expect_status 0

finish
