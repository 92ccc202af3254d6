# Every source, in order, complete, and its mistakes.
. tests/support/lib.sh

case_is "range with a step, downwards"
job range <<'EOF'
source: {range: 10..-10..-5}
stages: [{command: [echo, "{}", "{#}"]}]
EOF
fanmill run range.yaml
expect_stdout "$(printf '%s\n' '10 1' '5 2' '0 3' '-5 4' '-10 5')"

case_is "items with spaces, quotes and shell words"
job items <<'EOF'
source:
  items: ["a b", "it's", '"', "$(touch evil)", "`touch evil`", "; touch evil", "*", "-n", "é"]
stages: [{command: "printf '%s\\n' {}"}]
EOF
fanmill run items.yaml
expect_status 0
printf '%s\n' 'a b' "it's" '"' '$(touch evil)' '`touch evil`' '; touch evil' '*' '-n' 'é' >want
expect_same want
[ ! -e evil ] || wrong "an item was run as code"

case_is "files: sorted, with exclusion"
mkdir -p tree/a tree/b
for name in tree/z tree/a/2 tree/a/1 tree/b/skip tree/b/3; do echo "$name" >"$name.txt"; done
job files <<'EOF'
source: {files: ["tree/**/*.txt", "!**/skip.txt"]}
stages: [{command: [cat, "{}"]}]
EOF
fanmill run files.yaml
expect_status 0
expect_stdout "$(printf '%s\n' tree/a/1 tree/a/2 tree/b/3 tree/z)"

case_is "files: none matches"
job nofiles <<'EOF'
source: {files: "tree/*.jpg"}
stages: [{command: [cat, "{}"]}]
EOF
fanmill run nofiles.yaml
expect_status 2
expect_stderr "no file matches"
expect_stderr "tree/*.jpg"

case_is "lines of two files, the last line without its end"
printf 'one\ntwo\n' >l1
printf 'three\nfour' >l2
job lines <<'EOF'
source: {lines: [l1, l2]}
stages: [{command: [echo, "<{}>"]}]
EOF
fanmill run lines.yaml
expect_stdout "$(printf '<%s>\n' one two three four)"

case_is "lines from standard input, ended by NUL, that comes in pieces"
job nul <<'EOF'
source: {lines: "-", delimiter: "\0"}
stages: [{command: [echo, "{}"]}]
EOF
mkfifo slow
( exec >slow; printf 'a\0b'; read -r _ <go; printf 'c\0d\0' ) &
mkfifo go
timeout "$LIMIT_S" "$FANMILL_BIN" run nul.yaml <slow >stdout 2>stderr &
pid=$!
echo go >go
wait "$pid"
STATUS=$?
expect_status 0
expect_stdout "$(printf '%s\n' a bc d)"

case_is "data of many files equals their contents"
job data <<'EOF'
source: {data: "/usr/share/common-licenses/*"}
chunk: {bytes: 4KiB}
stages: [{pipe: [cat]}]
EOF
cat /usr/share/common-licenses/* >want
fanmill run data.yaml
expect_status 0
expect_same want

case_is "data from standard input equals it"
job stdin <<'EOF'
source: {data: "-"}
chunk: {bytes: 10KB}
stages: [{pipe: [cat]}]
EOF
seq 1 50000 >want
timeout "$LIMIT_S" "$FANMILL_BIN" run stdin.yaml <want >stdout 2>stderr
STATUS=$?
expect_status 0
expect_same want
cat want | timeout "$LIMIT_S" "$FANMILL_BIN" run stdin.yaml >stdout 2>stderr
expect_same want

case_is "an empty standard input is an empty job"
fanmill run stdin.yaml </dev/null
expect_status 0
[ ! -s stdout ] || wrong "output from nothing"

case_is "a missing file is named"
job missing <<'EOF'
source: {lines: no-such-file}
stages: [{command: [echo, "{}"]}]
EOF
fanmill run missing.yaml
expect_status 2
expect_stderr "no-such-file"
expect_stderr "No such file"

case_is "a file that can't be read"
if [ "$(id -u)" != 0 ]; then
    echo x >closed && chmod 000 closed
    job closed <<'EOF'
source: {data: closed}
stages: [{pipe: [cat]}]
EOF
    fanmill run closed.yaml
    expect_status 2
    expect_stderr "Permission denied"
fi

case_is "a directory is no data"
job folder <<'EOF'
source: {data: tree}
stages: [{pipe: [cat]}]
EOF
fanmill run folder.yaml
[ "$STATUS" = 2 ] || [ "$STATUS" = 4 ] || wrong "exit status $STATUS"
expect_stderr "tree"

expect_nothing_left
finish
