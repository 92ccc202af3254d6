# Results and output of gigabytes: `man parallel_alternatives` calls it 4GB.
. tests/support/lib.sh
mkdir tmp
export TMPDIR=$WORK/tmp

case_is "more than 4 GiB of output"
job large <<'EOF'
source: {range: 1..21}
stages: [{command: "head -c 209715200 /dev/zero"}]
EOF
timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 large.yaml 2>stderr | wc -c >stdout
STATUS=${PIPESTATUS[0]}
expect_status 0
expect_quiet
expect_stdout 4404019200
expect_nothing_left

if [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt 6000000 ]; then
    case_is "one result may have 1 GiB, and says so"
    job larger <<'EOF'
source: {items: [a, b]}
stages: [{command: "if test {} = a; then head -c 1073741825 /dev/zero; else echo well; fi"}]
EOF
    fanmill run -j 2 larger.yaml
    expect_status 1
    expect_stderr "chunk 1 ('a') failed: its output is larger than 1024 MiB"
    expect_stdout well
    expect_nothing_left
else
    echo "skipped: a result over 1 GiB (little memory)"
fi
[ -z "$(ls -A "$TMPDIR")" ] || wrong "left in TMPDIR: $(ls -A "$TMPDIR")"
finish
