# Signals as they were when the program was started: what was ignored stays so, here and in commands.
. tests/support/lib.sh

# start: a run that ends when the file "go" is there.
start() {
    rm -f on go
    "$@" "$FANMILL_BIN" map 'echo on >>on; until test -e go; do sleep 0.01; done; echo {}' ::: a \
        >stdout 2>stderr &
    pid=$!
    until_file on
}
for signal in HUP INT TERM; do
    case_is "SIG$signal that was ignored is not heard"
    start env --default-signal --ignore-signal=$signal
    kill -$signal $pid
    kill -$signal $pid
    touch go
    wait $pid
    STATUS=$?
    expect_status 0
    expect_stdout a
    expect_quiet
done

case_is "nohup"
start nohup env --default-signal=INT,TERM
kill -HUP $pid
touch go
wait $pid
STATUS=$?
expect_status 0
grep -qx a stdout || wrong "no result"

case_is "a signal that was not ignored is heard beside one that was"
start env --default-signal --ignore-signal=HUP
kill -TERM $pid
wait $pid
STATUS=$?
expect_status 143
expect_nothing_left

mask() { awk -v name="$1:" '$1 == name { print $2; seen = 1 } END { if (!seen) print "ffffffff" }'; }
# Bits of signals: HUP 1, INT 2, QUIT 4, USR1 200, PIPE 1000, TERM 4000.
case_is "commands get what the program got"
env --default-signal --ignore-signal=HUP,PIPE,USR1 --block-signal=USR2,TERM \
    "$FANMILL_BIN" map cat ::: /proc/self/status >status
[ $((0x$(mask SigIgn <status) & 0x1201)) = $((0x1201)) ] || wrong "ignored: $(mask SigIgn <status)"
[ $((0x$(mask SigBlk <status) & 0x4800)) = $((0x4800)) ] || wrong "blocked: $(mask SigBlk <status)"
env --default-signal "$FANMILL_BIN" map cat ::: /proc/self/status >status
[ $((0x$(mask SigIgn <status))) = 0 ] || wrong "ignored, though nothing was: $(mask SigIgn <status)"
[ $((0x$(mask SigBlk <status))) = 0 ] || wrong "blocked, though nothing was: $(mask SigBlk <status)"

case_is "SIGCHLD that was ignored hides no end"
env --default-signal --ignore-signal=CHLD "$FANMILL_BIN" map 'exit {}' ::: 0 3 >stdout 2>stderr
STATUS=$?
expect_status 1
expect_stderr "ended with exit status 3"

finish
