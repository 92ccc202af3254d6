# Names of files that a shell or a program could take for something else: they are data everywhere.
. tests/support/lib.sh

mkdir photos && cd photos || exit 1
newline='two
lines.jpg'
for name in '$(touch pwned).jpg' '`touch pwned`.jpg' 'a b.jpg' "it's.jpg" 'a"b.jpg' "$newline" \
    '-rf' '--help.jpg' '; touch pwned.jpg' 'a&b|c.jpg' 'back\slash.jpg' '*.jpg' '~' '#x.jpg' \
    '{}.jpg' '{1}' '%s%n.jpg' "$(printf 'bad\377utf8.jpg')" '!x.jpg'; do
    printf '%s' "$name" >"./$name"
done
cd ..
sub=$(printf 'photos/%.0s' 1)
# What `files` gives: sorted by bytes.
find photos -type f -print0 | LC_ALL=C sort -z >names0
tr '\0' '\n' <names0 >want

each() {
    job each <<YAML
source: {files: "photos/*"}
stages: [{command: $1}]
YAML
    fanmill run each.yaml
    expect_status 0
    expect_quiet
}
case_is "an argv gets each name as it is"
each '[printf, "%s\\n", "{}"]'
expect_same want

case_is "a script gets each name as it is, whatever quotes stand around it"
each "'printf \"%s\\n\" {}'"
expect_same want
each "\"printf '%s\\\\n' \\\"{}\\\"\""
expect_same want
each "\"printf '%s\\\\n' '{}'\""
expect_same want
each "\"printf '%s\\\\n' \\\"\$(printf '%s' {})\\\"\""
expect_same want
each '"sh -c \"printf \\\"%s\\\\\\\\n\\\" {@q}\""'
expect_same want
each "'cat {} >/dev/null && printf \"%s\\n\" \"\$FANMILL_ITEM\"'"
expect_same want

case_is "files are opened, not options: a name that begins with a dash"
cd photos || exit 1
job dash <<'YAML'
source: {files: ["-*", "!--help*"]}
stages: [{command: [cat, "{}"]}]
YAML
mv ../dash.yaml .
fanmill run dash.yaml
expect_status 0
printf '%s' -rf | cmp -s - ../stdout || wrong "cat got something else"
sed 's/cat, "{}"/echo, "{}", "{\/}", "{\/\/}"/' dash.yaml >dash2.yaml
fanmill run dash2.yaml
expect_stdout "./-rf -rf ."
rm dash.yaml dash2.yaml
cd ..

case_is "a file for each name, named by it"
job copy <<'YAML'
source: {files: "photos/*"}
stages: [{command: [cat, "{}"]}]
sink: {dir: copies, name: "{/}"}
YAML
fanmill run copy.yaml
expect_status 0
expect_quiet
diff -r photos copies >diff 2>&1 || wrong "$(cat diff)"

case_is "lines that are read as NUL-ended names"
job nul <<'YAML'
source: {lines: "-", delimiter: "\0"}
stages: [{command: "printf '%s\\n' {}"}]
YAML
fanmill run nul.yaml <names0
expect_same want

case_is "excludes: a pattern, a folder at any depth, a name that begins with !"
mkdir -p tree/a/thumbs tree/b/c/thumbs tree/.hidden
for name in tree/1.jpg tree/a/2.jpg tree/a/2.thumb.jpg tree/a/thumbs/3.jpg tree/b/c/4.jpg \
    tree/b/c/thumbs/5.jpg 'tree/!6.jpg' tree/.hidden/7.jpg tree/b/8.png; do
    echo "$name" >"$name"
done
job tree <<'YAML'
source: {files: ["tree/**/*.jpg", "!**/*.thumb.jpg", "!tree/**/thumbs/**", "!tree/b/c/4.jpg"]}
stages: [{command: [echo, "{}"]}]
YAML
fanmill run tree.yaml
expect_status 0
expect_stdout "$(printf '%s\n' 'tree/!6.jpg' tree/1.jpg tree/a/2.jpg)"
job bang <<'YAML'
source: {files: ["./tree/!6.jpg", "tree/b/*", "tree/1.jpg", "tree/*.jpg"]}
stages: [{command: [echo, "{}"]}]
YAML
fanmill run bang.yaml
expect_stdout "$(printf '%s\n' './tree/!6.jpg' 'tree/!6.jpg' tree/1.jpg tree/b/8.png)"
job none <<'YAML'
source: {files: ["tree/1.jpg", "!**"]}
stages: [{command: [echo, "{}"]}]
YAML
fanmill run none.yaml
expect_status 2
expect_stderr "source.files: excludes leave no file (searched from $WORK)"

case_is "items of just under and just over 128 KiB"
{
    head -c 131071 /dev/zero | tr '\0' a
    echo
    head -c 131072 /dev/zero | tr '\0' b
    echo
} >long
job long <<'YAML'
source: {lines: long}
stages: [{command: "printf '%s' {} | wc -c"}]
YAML
fanmill run long.yaml
expect_status 1
expect_stdout 131071
expect_stderr "item 2 is 131 KB; a command argument may hold 128 KiB; use pipe"
sed 's/command:.*/pipe: wc -c}]/' long.yaml >pipe.yaml
fanmill run -q pipe.yaml
expect_status 0
[ "$(awk '{ s += $1 } END { print s }' stdout)" = 262145 ] || wrong "a pipe: $(cat stdout)"

[ ! -e pwned ] && [ ! -e photos/pwned ] || wrong "a name was run as code"
expect_nothing_left
finish
