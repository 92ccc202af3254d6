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

finish
