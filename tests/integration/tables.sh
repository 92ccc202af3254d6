# csv: rows as items, their fields in commands and in names of files, and what is wrong with them.
. tests/support/lib.sh

# Rows with everything that a csv may hold, and what plain fields they have, one a line.
{
    printf 'id,name,"the text"\r\n'
    printf '1,Ann,plain\r\n'
    printf '2,"Bob, jr.","say ""hi"" $(touch evil)"\r\n'
    printf '3,,"two\nlines"\r\n'
    printf "4,-rf,\"it's; touch evil\"\r\n"
} >rows.csv
fields() {
    printf '<%s>\n' Ann plain 'Bob, jr.' 'say "hi" $(touch evil)' '' "two
lines" -rf "it's; touch evil"
}

case_is "fields by name, by number, with forms, in a script and in an argv"
job csv <<'YAML'
source: {csv: rows.csv}
stages: [{command: "printf '<%s>\\n' {name} {3}"}]
YAML
fields >want
fanmill run csv.yaml
expect_status 0
expect_quiet
expect_same want
job argv <<'YAML'
source: {csv: rows.csv}
stages: [{command: [printf, "<%s>\\n", "{2}", "{the text}"]}]
YAML
fanmill run argv.yaml
expect_same want
[ ! -e evil ] || wrong "a field was run as code"

case_is "many rows to a chunk"
fanmill check csv.yaml
expect_status 0
sed 's/^stages/chunk: {items: 3}\n&/' csv.yaml >items.yaml
fanmill run items.yaml
expect_same want

case_is "the row as it is written, its number, and quoted text for a second shell"
job row <<'YAML'
source: {csv: rows.csv}
stages: [{command: 'printf "%s=%s\n" {#} {}; sh -c "printf \"[%s]\\n\" {the text@q}"'}]
YAML
fanmill run row.yaml
expect_status 0
expect_stdout '1=1,Ann,plain
[plain]
2=2,"Bob, jr.","say ""hi"" $(touch evil)"
[say "hi" $(touch evil)]
3=3,,"two
lines"
[two
lines]
4=4,-rf,"it'\''s; touch evil"
[it'\''s; touch evil]'
[ ! -e evil ] || wrong "a quoted field was run as code"

case_is "standard input: the header is read first"
sed 's/rows.csv/"-"/' csv.yaml >stdin.yaml
fanmill check stdin.yaml </dev/null
expect_status 0
fanmill run stdin.yaml <rows.csv
expect_same want
cat rows.csv | timeout "$LIMIT_S" "$FANMILL_BIN" run stdin.yaml >stdout 2>stderr
expect_same want
mkfifo slow
(exec >slow; printf 'id,na'; printf 'me,"the'; read -r _ <go; printf ' text"\n1,x,y\n2,"z'; printf 'z",""\n') &
mkfifo go
timeout "$LIMIT_S" "$FANMILL_BIN" run stdin.yaml <slow >stdout 2>stderr &
pid=$!
echo go >go
wait "$pid"
expect_stdout "$(printf '<%s>\n' x y zz '')"
fanmill run stdin.yaml </dev/null
expect_status 0
[ ! -s stdout ] || wrong "output from nothing"

case_is "a path's forms, a workdir and a file for each row"
mkdir -p in/a in/b
echo 1 >in/a/x.txt && echo 2 >in/b/y.txt
printf 'file;dir\nin/a/x.txt;one\nin/b/y.txt;t w o\n' >files.csv
job out <<YAML
source: {csv: files.csv, delimiter: ;}
stages:
  - command: echo {file/} {file/.} {file//} {1.} "\$(basename "\$PWD")"; cat $WORK/{file}
    workdir: "runs/{dir}"
sink: {dir: out, name: "{dir}/{file/.}-{#}.log"}
YAML
fanmill run out.yaml
expect_status 0
printf 'x.txt x in/a in/a/x one\n1\n' | cmp -s - out/one/x-1.log || wrong "$(cat out/one/x-1.log)"
printf 'y.txt y in/b in/b/y t w o\n2\n' | cmp -s - "out/t w o/y-2.log" || wrong "the second file"

case_is "without a header; several files with the same one"
printf '1\t2\n3\t4\n' >tabs
job tabs <<'YAML'
source: {csv: tabs, header: false, delimiter: "\t"}
stages: [{command: [echo, "{2}{1}", "{three}"]}]
YAML
fanmill run tabs.yaml
expect_stdout "$(printf '21 {three}\n43 {three}')"
printf 'id,name,the text\n5,x,y\n' >more.csv
sed 's/rows.csv/[rows.csv, more.csv]/' csv.yaml >two.yaml
fanmill run two.yaml
{ fields; printf '<x>\n<y>\n'; } >want2
expect_same want2

case_is "compressed tables and lines"
gzip -c rows.csv >rows.gz
zstd -q -c more.csv >more.zst
sed 's/rows.csv/[rows.gz, more.zst]/' csv.yaml >packed.yaml
fanmill check packed.yaml
expect_status 0
fanmill run packed.yaml
expect_same want2
printf 'one\ntwo' | gzip -c >lines.gz
job lines <<'YAML'
source: {lines: [lines.gz, tabs]}
stages: [{command: [echo, "<{}>"]}]
YAML
fanmill run lines.yaml
expect_stdout "$(printf '<%s>\n' one two '1	2' '3	4')"

case_is "a row with other fields ends the job at its line, and what is before it is done"
printf 'id,name,the text\n1,a,b\n\n2,c\n' >bad.csv
sed 's/rows.csv/bad.csv/' csv.yaml >bad.yaml
fanmill run bad.yaml
expect_status 4
expect_stdout "$(printf '<a>\n<b>')"
expect_stderr "bad.csv:4: 2 fields, header has 3"
printf 'id,name,the text\n1,"a,b\n' >bad.csv
fanmill run bad.yaml
expect_status 4
expect_stderr "bad.csv:2: a quote is never closed"
printf 'id,"name' >bad.csv
fanmill check bad.yaml
expect_status 2
expect_stderr "source.csv: bad.csv:1: a quote is never closed"

case_is "a million rows equal their lines"
seq 1 1000000 | sed 's/.*/&,x&,"y"/' >want
{ echo a,b,c; cat want; } >big.csv
job big <<'YAML'
source: {csv: big.csv}
chunk: {items: 20000}
stages: [{pipe: cat}]
YAML
fanmill run -q big.yaml
expect_status 0
expect_same want

case_is "an item too long for a command is reported, and a pipe takes it"
{ echo a,b; head -c 140000 /dev/zero | tr '\0' x; echo ,2; } >long.csv
job long <<'YAML'
source: {csv: long.csv}
stages: [{command: [echo, "{a}"]}]
YAML
fanmill run long.yaml
expect_status 1
expect_stderr "item 1 is 140 KB; a command argument may hold 128 KiB; use pipe"
sed 's/command:.*/pipe: wc -c}]/' long.yaml >longpipe.yaml
fanmill run -q longpipe.yaml
expect_stdout 140003

expect_nothing_left
finish
