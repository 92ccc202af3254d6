# Input is whole: whatever a file is and however it is read, everything in it arrives once.
. tests/support/lib.sh

{ echo '>a'; head -c 9000000 /dev/zero | tr '\0' A; echo; echo '>b'; echo T; } >e.fa

case_is "a piece in which no record begins starts no process"
for cut in '--block 100KB' '--parts 40' '-N 1'; do
    # shellcheck disable=SC2086
    fanmill pipe $cut --record-start '>' 'echo x >>ran; grep -c ">"' :::: e.fa
    expect_status 0
    expect_stdout "$(printf '%s\n' 1 1)"
    [ "$(wc -l <ran)" = 2 ] || wrong "$cut: $(wc -l <ran) processes"
    rm ran
done
{ echo 123456789ab; head -c 500 /dev/zero | tr '\0' 2; } >lines.txt
fanmill pipe --parts 50 'wc -c' :::: lines.txt
expect_stdout "$(printf '%s\n' 12 500)"
seq 5 >header.txt
job header <<'EOF'
source: {data: header.txt, record: {header: 5}}
chunk: {bytes: 2B}
stages: [{pipe: 'echo ran'}]
EOF
fanmill run header.yaml
expect_status 0
[ ! -s stdout ] || wrong "a header alone is no record"

case_is "and a kernel, a later step and a reduction get nothing of it"
job later <<'EOF'
source: {data: e.fa, record: {start: ">", end: ""}}
chunk: {bytes: 100KB}
stages:
  - pipe: 'grep -c ">"'
  - {command: 'printf "got %s" {}', chunk: {items: 1}}
EOF
fanmill run later.yaml
expect_status 0
expect_stdout "$(printf 'got %s\n' 1 1)"
fanmill pipe --block 100KB --record-start '>' --reduce 'wc -l' 'grep -c ">"' :::: e.fa
expect_stdout 2
job kernel <<'EOF'
source: {data: e.fa, record: {start: ">", end: ""}}
chunk: {bytes: 100KB}
stages: [{kernel: "builtin:identity"}]
sink: stdout
EOF
fanmill run --json kernel.yaml
expect_status 0
[ "$(grep -vc '"stdout":""' stdout)" = 2 ] || wrong "other results than those of two records"

case_is "empty records without their ends are records"
printf '\n\n\n\n' >empty
job ends <<'EOF'
source: {data: empty, record: {keep: false}}
chunk: {records: 2}
stages: [{pipe: 'wc -c'}]
EOF
fanmill run ends.yaml
expect_stdout "$(printf '%s\n' 0 0)"

case_is "compressed files of every kind, with several members, known by their contents"
seq 100000 >plain
for tool in gzip zstd xz bzip2 lz4; do
    { head -n 60000 plain | $tool -qc; tail -n +60001 plain | $tool -qc; } >packed
    fanmill pipe --block 100KB cat :::: packed
    expect_status 0
    expect_same plain
    fanmill map -X echo :::: packed
    tr ' ' '\n' <stdout | cmp -s - plain || wrong "$tool: other items"
done

case_is "of a cut-off or damaged file all that comes before the damage is run, then status 4"
for tool in gzip zstd xz bzip2 lz4; do
    { head -n 60000 plain | $tool -qc; tail -n +60001 plain | $tool -qc; } >whole
    head -c $(($(stat -c %s whole) - 1000)) whole >cut
    $tool -dc <cut >want 2>tool || true
    fanmill pipe --block 100KB cat :::: cut
    expect_status 4
    expect_same want
    expect_stderr "'cut' is truncated: its compressed data end too early, after byte"
    expect_stderr "Test it with '$tool -t'"
    head -n 70000 plain | $tool -qc >damaged
    echo 'this is not compressed' >>damaged
    fanmill pipe --block 100KB cat :::: damaged
    expect_status 4
    head -n 70000 plain >want
    expect_same want
    expect_stderr "'damaged': its compressed data are damaged near byte"
done
gzip -c plain | head -c 50000 >cut.gz
fanmill map -n 1000 echo :::: cut.gz
expect_status 4
tr ' ' '\n' <stdout >got
head -n "$(wc -l <got)" plain | cmp -s - got || wrong "half an item was given to a command"
[ "$(wc -l <got)" -gt 20000 ] || wrong "only $(wc -l <got) items"

case_is "files whose size is no size"
wc -l </proc/filesystems >want
fanmill pipe wc -l :::: /proc/filesystems
expect_status 0
expect_same want
fanmill map printf '%s\n' :::: /proc/filesystems
cat /proc/filesystems >want
expect_same want
cat /sys/class/net/lo/mtu >want
fanmill pipe cat :::: /sys/class/net/lo/mtu
expect_status 0
expect_same want
: >nothing
fanmill pipe --parts 3 'echo ran' :::: nothing plain
[ "$(wc -l <stdout)" = 3 ] || wrong "an empty file is a piece"
fanmill map echo :::: nothing /dev/null
expect_status 0
[ ! -s stdout ] || wrong "something of nothing"

case_is "pipes are opened once, as a list, a table and as data"
printf 'n,v\na,1\nb,2\n' >t.csv
mkfifo pipe
for round in 1 2 3; do
    (seq 3 >pipe) &
    fanmill map echo :::: pipe
    expect_stdout "$(seq 3)"
    (seq 3 >pipe) &
    fanmill map -a ./pipe echo
    expect_stdout "$(seq 3)"
    (cat t.csv >pipe) &
    fanmill map --csv --header echo '{n}{v}' :::: pipe
    expect_stdout "$(printf '%s\n' a1 b2)"
    (cat t.csv >pipe) &
    fanmill map -C , --header echo '{n}{v}' :::: pipe
    expect_stdout "$(printf '%s\n' a1 b2)"
    (seq 9 >pipe) &
    fanmill pipe -N 5 wc -l :::: pipe
    expect_stdout "$(printf '%s\n' 5 4)"
    (seq 2 >pipe) &
    fanmill map echo :::: pipe ::: a b
    expect_stdout "$(printf '%s\n' '1 a' '1 b' '2 a' '2 b')"
done
wait

case_is "a check leaves a pipe alone"
job lines <<'EOF'
source: {lines: pipe}
stages: [{command: [echo, "{}"]}]
EOF
job table <<'EOF'
source: {csv: pipe, header: true}
stages: [{command: [echo, "{}"]}]
EOF
(cat t.csv >pipe) &
fanmill check lines.yaml
expect_status 0
fanmill check table.yaml
expect_status 0
fanmill run table.yaml
expect_stdout "$(printf '%s\n' a,1 b,2)"
wait

case_is "descriptors of this process: /dev/stdin, /dev/fd/N, <(...)"
from plain map -X echo :::: /dev/stdin
tr ' ' '\n' <stdout | cmp -s - plain || wrong "other items"
from plain pipe wc -l :::: /dev/stdin
expect_stdout 100000
seq 3 >three
fanmill map echo :::: <(seq 2) <(seq 3)
expect_stdout "$(printf '%s\n' 1 2 1 2 3)"
fanmill pipe wc -l :::: /dev/fd/7 7<plain
expect_stdout 100000
fanmill map echo :::: /dev/fd/7 7<three
expect_stdout "$(seq 3)"
fanmill map --csv --header echo '{v}{n}' :::: <(cat t.csv)
expect_stdout "$(printf '%s\n' 1a 2b)"

case_is "what can be read once is named once"
for words in ':::: - -' ':::: - :::: /dev/stdin' '-a - -a /dev/stdin'; do
    # shellcheck disable=SC2086
    case $words in -a*) from three map $words echo ;; *) from three map echo $words ;; esac
    expect_status 2
    expect_stderr "standard input is named twice, but it can be read only once"
done
fanmill map echo :::: pipe ./pipe
expect_status 2
expect_stderr "is named twice, but it can be read only once"
fanmill map echo :::: three three
expect_stdout "$(seq 3; seq 3)"
job twice <<'EOF'
source: {data: [pipe, pipe]}
stages: [{pipe: cat}]
EOF
fanmill run twice.yaml
expect_status 2
expect_stderr "'pipe' is named twice, but it can be read only once"

case_is "records as large as a chunk may be, from every source"
{ head -c 40000000 /dev/zero | tr '\0' x; echo; echo small; } >large
gzip -1 -k large
for input in large large.gz /dev/stdin; do
    from large pipe --block 10MB 'wc -c' :::: "$input"
    expect_status 0
    [ "$(head -n 1 stdout)" -ge 40000001 ] || wrong "$input: $(head -n 3 stdout)"
done
from large pipe --block 30MB 'wc -c'
expect_status 0
from large pipe --record-start xs 'wc -c'
expect_status 0
from plain pipe --block 300MiB 'wc -c'
expect_status 2
expect_stderr "can have 256 MiB at most"
from large map 'wc -c'
expect_status 4
expect_stderr "standard input: item 1 is longer than 16 MiB"
fanmill map echo "$(head -c 100000 large){}{}" ::: "$(head -c 60000 large)"
expect_status 1
expect_stderr "item 1 makes a word of 220 KB; a command argument may hold 128 KiB"

finish
