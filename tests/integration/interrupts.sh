# Ctrl-C once and twice, and the other ways to ask for an end.
. tests/support/lib.sh

stop() { kill -"$1" "$pid"; }
finished() {
    wait "$pid"
    STATUS=$?
}
# start OPTION... JOB: in the background; $pid. Such a process of a script begins with SIGINT
# ignored, which env undoes.
start() {
    rm -f "$WORK/on"
    env --default-signal=INT,TERM,HUP "$FANMILL_BIN" run "$@" >stdout 2>stderr &
    pid=$!
    until_file "$WORK/on"
}

job polite <<EOF
source: {range: 1..1000}
stages: [{command: "echo on >>$WORK/on; sleep 300"}]
EOF
job stubborn <<EOF
source: {range: 1..1000}
stages: [{command: "trap '' TERM INT HUP; echo on >>$WORK/on; sleep 300; sleep 300"}]
EOF

for signal in INT TERM HUP; do
    case_is "SIG$signal once"
    start -j 2 polite.yaml
    stop $signal
    finished
    expect_status $((128 + $(kill -l $signal)))
    expect_stderr "interrupted: ending running chunks; once more to kill them"
    expect_stderr "ended early"
    expect_nothing_left
done

case_is "SIGINT once, and commands that don't listen: TERM, then KILL"
start -j 2 stubborn.yaml
stop INT
finished
expect_status 130
expect_nothing_left

case_is "SIGINT twice kills at once"
start -j 2 stubborn.yaml
began=$SECONDS
stop INT
until_ok grep -q interrupted stderr
stop INT
finished
expect_status 130
expect_stderr "killing running chunks"
expect_nothing_left

case_is "finished results are kept when interrupted"
mkdir kept
job kept <<EOF
source: {range: 1..1000}
stages: [{command: "if test {} -le 3; then echo {}; else echo on >>$WORK/on; sleep 300; fi"}]
EOF
start -j 1 kept.yaml
stop INT
finished
expect_status 130
expect_stdout "$(seq 1 3)"
expect_nothing_left

case_is "Ctrl-C in a terminal reaches only the coordinator"
if script -qec true /dev/null >/dev/null 2>&1; then
    rm -f on
    (until_file "$WORK/on" && printf '\003') |
        timeout "$LIMIT_S" script -qec "$FANMILL_BIN run -j 2 $WORK/polite.yaml" /dev/null >stdout 2>stderr
    STATUS=$?
    expect_status 130
    grep -q "ending running chunks" stdout || wrong "no word about it"
    expect_nothing_left
fi
finish
