# Results that wait for an earlier one, or for a slow consumer: in memory, then in one file without a
# name, within a limit. A full disk is reported and loses nothing.
. tests/support/lib.sh
mkdir spool

# The first chunk waits until all others are done, so 64 MiB of them wait in memory, the rest not.
job slow-first <<EOF
source: {range: 1..100}
stages:
  - command: |
      if test {} = 1; then
          until test "\$(cat $WORK/done 2>/dev/null | wc -l)" -ge 99; do sleep 0.02; done
          echo first
      else
          yes {} | head -c 1048576
          echo on >>$WORK/done
      fi
EOF
{
    echo first
    for i in $(seq 2 100); do yes "$i" | head -c 1048576; done
} | cksum >expected

case_is "a slow first chunk, large results, 64 open files"
rm -f done
(
    ulimit -n 64
    timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 --spool-dir spool slow-first.yaml 2>stderr | cksum >sum
    echo "${PIPESTATUS[0]}" >status
)
STATUS=$(cat status)
expect_status 0
expect_quiet
cmp -s expected sum || wrong "other bytes"
expect_nothing_left
[ -z "$(ls -A spool)" ] || wrong "left in the spool: $(ls -A spool)"

case_is "a slow consumer"
rm -f done go
touch done
job plenty <<EOF
source: {range: 1..160}
stages: [{command: "yes {} | head -c 1048576; echo on >>$WORK/done"}]
EOF
{

    for i in $(seq 160); do yes "$i" | head -c 1048576; done
} | cksum >expected-plenty
{
    timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 --spool-limit 40MiB --spool-dir spool plenty.yaml 2>stderr
    echo $? >status
} | {
    until_lines 60 done
    cksum >sum
}
STATUS=$(cat status)
expect_status 0
cmp -s expected-plenty sum || wrong "other bytes"

# The first chunk waits until a message says that the disk is full.
job until-reported <<EOF
source: {range: 1..100}
stages:
  - command: |
      if test {} = 1; then
          until grep -q "can't grow" $WORK/stderr; do sleep 0.02; done
          echo first
      else
          yes {} | head -c 1048576
      fi
EOF
case_is "a spool that may not grow is reported; nothing is lost"
: >stderr
(
    ulimit -f 4096
    timeout "$LIMIT_S" "$FANMILL_BIN" run -j 2 --spool-dir "$WORK/spool" until-reported.yaml 2>stderr | cksum >sum
    echo "${PIPESTATUS[0]}" >status
)
STATUS=$(cat status)
expect_status 0
expect_stderr "fanmill: the spool in '$WORK/spool' can't grow (File too large): "
expect_stderr "nothing is lost; no new chunk starts until results are read. More room: --spool-dir DIR"
[ "$(wc -l <stderr)" = 1 ] || wrong "more than one message"
cmp -s expected sum || wrong "other bytes"
expect_nothing_left

full() { unshare -rm sh -c "mount -t tmpfs -o size=1m none '$WORK/spool' && $1"; }
if full true 2>/dev/null; then
    case_is "a full disk: the spool"
    : >stderr
    full "timeout $LIMIT_S '$FANMILL_BIN' run -j 2 --spool-dir '$WORK/spool' until-reported.yaml 2>stderr >out; echo \$? >status"
    STATUS=$(cat status)
    expect_status 0
    expect_stderr "fanmill: the spool in '$WORK/spool' can't grow (No space left on device): "
    cksum <out | cmp -s expected - || wrong "other bytes"
    rm -f out

    case_is "a full disk: the sink"
    job sink <<EOF
source: {range: 1..10}
stages: [{command: "head -c 1048576 /dev/zero"}]
sink: {file: $WORK/spool/out}
EOF
    full "timeout $LIMIT_S '$FANMILL_BIN' run -j 2 sink.yaml >stdout 2>stderr; echo \$? >status; ls -A '$WORK/spool' >left"
    STATUS=$(cat status)
    expect_status 5
    expect_stderr "output could not be written: '$WORK/spool/out': No space left on device"
    [ ! -s left ] || wrong "left on the disk: $(cat left)"
else
    echo "skipped: a full disk (no mount namespace)"
fi

case_is "killed with much in the spool: nothing stays"
rm -f done
job endless <<EOF
source: {range: 1..100}
stages: [{command: "if test {} = 1; then sleep 600; fi; head -c 1048576 /dev/zero; echo on >>$WORK/done"}]
EOF
"$FANMILL_BIN" run -j 2 --spool-dir spool endless.yaml >stdout 2>stderr &
pid=$!
until_lines 99 done
kill -KILL "$pid"
wait "$pid" 2>/dev/null
expect_nothing_left
[ -z "$(ls -A spool)" ] || wrong "left in the spool: $(ls -A spool)"

case_is "mistakes"
fanmill run --spool-limit 1gb plenty.yaml
expect_status 2
expect_stderr "fanmill run: --spool-limit takes a size like 512MiB, not '1gb'"
fanmill run --spool-dir "$WORK/none" plenty.yaml
expect_status 2
expect_stderr "fanmill run: --spool-dir '$WORK/none': No such file or directory"
fanmill coordinator --spool-dir "$WORK/plenty.yaml"
expect_status 2
expect_stderr "fanmill coordinator: --spool-dir '$WORK/plenty.yaml' is not a directory"
finish
