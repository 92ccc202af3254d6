# Files of submitted jobs: a job has ended when its sink is whole and has failed when it is not, and
# no file holds up the coordinator.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
# An attendant that may read nothing can't read what the leak checker reads of its own process.
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"

job sweep <<EOF
source: {range: 1..5}
stages: [{command: "echo {}"}]
sink: {file: $WORK/sweep.csv}
EOF
job folder <<EOF
source: {range: 1..5}
stages: [{command: "echo {}"}]
sink: {dir: $WORK/folder, name: "{#}.txt"}
EOF
job slow <<EOF
source: {range: 1..2}
stages: [{command: "echo {}; until [ -e $WORK/go ]; do sleep 0.05; done"}]
sink: {file: $WORK/slow.csv}
EOF
seq 5 >five

rounds() {
    local i
    for i in $(seq 30); do
        rm -rf sweep.csv folder
        "$FANMILL_BIN" submit sweep.yaml >id 2>stderr && "$FANMILL_BIN" wait -q "$(cat id)" || wrong "round $i: wait"
        cmp -s five sweep.csv || wrong "round $i: the file is not whole after wait"
        "$FANMILL_BIN" submit --wait folder.yaml >id 2>stderr || wrong "round $i: submit --wait"
        [ "$(ls folder | wc -l)" = 5 ] || wrong "round $i: the folder is not whole after submit --wait"
    done
}
mkdir open closed
coordinator default --listen 'tcp://127.0.0.1:*' --jobs-may-write "$WORK" --jobs-may-read "$WORK/open"
worker one -j 2
until_workers 1
case_is "the sink is whole when the job has ended: socket"
rounds
case_is "the sink is whole when the job has ended: TCP"
fanmill invite client anna --state "$STATE"
FANMILL_CONNECT=$WORK/anna.access rounds

case_is "from another machine: only below the folders that the operator named"
seq 5 >open/five
seq 5 >closed/five
ln -s ../closed/five open/link
mkdir "$WORK/../fanmill-out.$$"
reading() {
    job reading <<EOF
source: {lines: $1}
stages: [{command: "echo {}"}]
EOF
}
reading "$WORK/open/five"
fanmill submit --connect anna.access --follow reading.yaml
expect_status 0
fanmill results last
expect_same five
for path in "$WORK/closed/five" "$WORK/open/link" "$WORK/open/../closed/five" "$STATE/coordinator.key"; do
    reading "$path"
    fanmill submit --connect anna.access --wait reading.yaml
    expect_status 2
    expect_stderr "--jobs-may-read"
    sed -e 's/lines:/data:/' -e 's/{}/x/' -e 's/command/pipe/' reading.yaml >data.yaml
    fanmill submit --connect anna.access --wait data.yaml
    expect_status 2
done
sed "s,$WORK/sweep.csv,$WORK/../fanmill-out.$$/x," sweep.yaml >out.yaml
fanmill submit --connect anna.access --wait out.yaml
expect_status 5
expect_stderr "--jobs-may-write"
[ -z "$(ls "$WORK/../fanmill-out.$$")" ] || wrong "it wrote outside"
rmdir "$WORK/../fanmill-out.$$"

case_is "nobody's job touches the coordinator's own folders, here or elsewhere"
for where in anna.access "$STATE"; do
    sed "s,$WORK/sweep.csv,$STATE/peers/evil.peer," sweep.yaml >evil.yaml
    fanmill submit --connect "$where" --wait evil.yaml
    expect_status 5
    [ ! -e "$STATE/peers/evil.peer" ] || wrong "a job made a key"
    ln -sfn "$STATE/peers" peers
    sed "s|file: $WORK/sweep.csv|dir: $WORK/peers, name: '{#}.peer'|" sweep.yaml >evil.yaml
    fanmill submit --connect "$where" --wait evil.yaml
    expect_status 5
    [ "$(ls "$STATE/peers")" = anna.peer ] || wrong "a job made a key by a link: $(ls "$STATE/peers")"
done
reading "$STATE/coordinator.key"
fanmill submit --wait reading.yaml
expect_status 2
expect_stderr "may not touch"
expect_end_agrees() {
    fanmill wait last
    expect_status "$1"
    fanmill status last --json
    grep -q "\"state\":\"$2\"" stdout || wrong "status: $(cat stdout)"
}

case_is "a sink that can't be opened: nothing runs, and all say why"
sed "s,$WORK/sweep.csv,/proc/out.txt," sweep.yaml >proc.yaml
fanmill submit --wait proc.yaml
expect_status 5
expect_stderr "'/proc/out.txt': No such file or directory"
expect_end_agrees 5 "sink failed"
fanmill wait last
expect_stderr "'/proc/out.txt': No such file or directory"
fanmill status last
grep -q "'/proc/out.txt': No such file" stdout || wrong "status does not say why"
fanmill logs last
grep -q "'/proc/out.txt': No such file" stdout || wrong "logs do not say why"
fanmill submit --follow proc.yaml
expect_status 5

case_is "a folder that goes away in the middle: failed, not cancelled, and the results are kept"
job gone <<EOF
source: {range: 1..3}
stages: [{command: "rm -rf $WORK/gone; : >$WORK/gone; echo {}"}]
sink: {dir: $WORK/gone, name: "{}.txt"}
EOF
rm -rf gone
fanmill submit --wait gone.yaml
expect_status 5
expect_end_agrees 5 "sink failed"
fanmill results last
grep -q '^1$' stdout || wrong "its results are not kept"

case_is "it is not told as ended before"
fanmill submit slow.yaml
fanmill status last --json
grep -q '"state":"running"' stdout || wrong "$(cat stdout)"
[ ! -e slow.csv ] || wrong "the file is there before the job has ended"
: >go
fanmill wait last
expect_status 0
[ -s slow.csv ] || wrong "the file is not there"

case_is "a FIFO without a reader as the sink holds up nobody, and cancel ends it"
mkfifo fifo
sed "s,$WORK/sweep.csv,$WORK/fifo," sweep.yaml >fifo.yaml
fanmill submit fifo.yaml
fifo=$(cat stdout)
fanmill submit --wait sweep.yaml
expect_status 0
fanmill explain "$fifo"
grep -q "is being opened" stdout || wrong "explain: $(cat stdout)"
fanmill cancel "$fifo"
fanmill wait "$fifo"
expect_status 4
case_is "a FIFO with a reader gets it all"
fanmill submit fifo.yaml
cat fifo >from-fifo
fanmill wait last
expect_status 0
cmp -s five from-fifo || wrong "the FIFO got: $(cat from-fifo)"

case_is "a FIFO as the source waits for its writer"
job reads <<EOF
source: {lines: $WORK/fifo}
stages: [{command: "echo {}"}]
sink: {file: $WORK/sweep.csv}
EOF
fanmill submit reads.yaml
expect_status 0
cat five >fifo
fanmill wait last
expect_status 0
cmp -s five sweep.csv || wrong "from the FIFO: $(cat sweep.csv)"

case_is "an attendant that is killed fails its job with the reason"
rm -f go slow.csv
fanmill submit slow.yaml
slow=$(cat stdout)
attendants() { ps -o pid= --ppid "$(ps -o pid= --ppid "$COORDINATOR" | tr -d ' ')" 2>/dev/null; }
is_attended() { [ -n "$(attendants)" ]; }
until_ok is_attended
# shellcheck disable=SC2046
kill -KILL $(attendants)
fanmill wait "$slow"
expect_status 5
expect_stderr "(SIGKILL)"
: >go

case_is "a wrong name of a source is told at once"
sed "s,$WORK/fifo,$WORK/nowhere," reads.yaml >nowhere.yaml
fanmill submit nowhere.yaml
expect_status 2
expect_stderr "nowhere': No such file or directory"

case_is "what only its submitter has is refused"
sed "s,$WORK/sweep.csv,/dev/stdout," sweep.yaml >own.yaml
fanmill submit own.yaml
expect_status 2
expect_stderr "a detached job can't write to /dev/stdout of its submitter"

case_is "no attendant outlives a coordinator that is killed"
rm -f go
fanmill submit slow.yaml
until_ok is_attended
attendant=$(attendants | tr -d ' ')
are_gone() { ! kill -0 "$attendant" 2>/dev/null; }
crash "$WORKER"
crash "$COORDINATOR"
until_ok are_gone

case_is "without leave nothing is read or written for other machines"
coordinator other --listen 'tcp://127.0.0.1:*'
fanmill invite client bert --state "$STATE"
fanmill submit --connect bert.access sweep.yaml
expect_status 2
expect_stderr "--jobs-may-write DIR"
reading "$WORK/open/five"
fanmill submit --connect bert.access reading.yaml
expect_status 2
expect_stderr "--jobs-may-read DIR"
stop "$COORDINATOR"
finish
