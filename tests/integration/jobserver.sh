# GNU make's jobserver: what runs at once under make, and below us, is never more than -j says.
. tests/support/lib.sh
if ! command -v make >/dev/null; then
    echo "skipped: no make"
    finish
fi

# A job that counts how many of its kind are on; the first ones wait until $MOST are, so that the
# count is known to be reached. More than that would show in the counts.
cat >count <<'EOF'
#!/bin/sh
: >"on/$$"
n=$(ls on | wc -l)
echo "$n" >>counts
[ "$n" -lt "$MOST" ] || : >reached
until [ -e reached ]; do sleep 0.02; done
sleep 0.05
rm "on/$$"
EOF
chmod +x count
begin() {
    rm -rf on counts reached
    mkdir on
    export MOST=$1
}
# most_at_once N JOBS: N ran, and never more at once than $MOST.
most_at_once() {
    [ "$(sort -n counts | tail -n 1)" = "$MOST" ] || wrong "$(sort -n counts | uniq -c | tr '\n' ';') at once, expected $MOST"
    [ "$(wc -l <counts)" = "$1" ] || wrong "$(wc -l <counts) jobs, expected $1"
}
# run_make ARGUMENT...: a make that lost a token says so when it ends.
run_make() {
    timeout -k 5 "$LIMIT_S" make --no-print-directory "$@" >stdout 2>stderr
    STATUS=$?
    grep -q 'INTERNAL\|jobserver unavailable' stderr && wrong "make: $(cat stderr)"
}
job counted <<'EOF'
source: {range: 1..8}
stages: [{command: [./count]}]
EOF
export FANMILL_BIN

case_is "make -j3 and one run of eight slots: three at once"
cat >one.mk <<'EOF'
all:
	+$(FANMILL_BIN) run -j 8 counted.yaml
EOF
begin 3
run_make -j3 -f one.mk
expect_status 0
most_at_once 8

case_is "make -j2 and two runs: together two"
cat >two.mk <<'EOF'
all: a b
a b:
	+$(FANMILL_BIN) run -j 4 counted.yaml
EOF
begin 2
run_make -j2 -f two.mk
expect_status 0
most_at_once 16

case_is "make, a run, and make below it: together two"
cat >sub.mk <<'EOF'
all: 1 2 3 4
1 2 3 4:
	@./count
EOF
job makes <<'EOF'
source: {range: 1..3}
stages: [{command: [make, --no-print-directory, -f, sub.mk]}]
EOF
cat >nested.mk <<'EOF'
all:
	+$(FANMILL_BIN) run -j 4 makes.yaml
EOF
begin 2
run_make -j2 -f nested.mk
expect_status 0
most_at_once 12

case_is "--jobserver: makes below share the slots"
begin 2
fanmill run -j 2 --jobserver makes.yaml
expect_status 0
expect_quiet
most_at_once 12

case_is "chunks and executors that die give their token back"
job dying <<'EOF'
source: {range: 1..6}
stages:
  - command: "case {} in 1|2) kill -9 $PPID ;; 3) kill -9 $$ ;; 4) sleep 300 ;; esac; true"
    timeout: 300ms
crash_limit: 2
EOF
cat >dying.mk <<'EOF'
all:
	-+$(FANMILL_BIN) run -q -j 4 dying.yaml
	+$(FANMILL_BIN) run -j 8 counted.yaml
EOF
begin 3
run_make -j3 -f dying.mk
expect_status 0
grep -q 'Error 1 (ignored)' stderr || wrong "make: $(cat stderr)"
most_at_once 8

case_is "a run that is killed gives them back: its worker outlives it long enough"
job stays <<EOF
source: {range: 1..6}
stages: [{command: "echo on >>$WORK/began; sleep 300"}]
EOF
cat >killed.mk <<'EOF'
all:
	-+$(FANMILL_BIN) run -q -j 4 stays.yaml & echo $$! >run-pid; wait $$!
	@until test -e gone; do sleep 0.02; done
EOF
rm -f began gone
timeout -k 5 "$LIMIT_S" make --no-print-directory -j3 -f killed.mk >stdout 2>stderr &
make_pid=$!
until_lines 3 began
kill -KILL "$(cat run-pid)"
no_fanmill() {
    local pid
    for pid in $(marked); do
        case $(command_of "$pid") in *fanmill\ run*) return 1 ;; esac
    done
}
until_ok no_fanmill
touch gone
wait "$make_pid"
STATUS=$?
expect_status 0
grep -q INTERNAL stderr && wrong "make: $(cat stderr)"

case_is "a jobserver with a name"
mkfifo tokens
exec 9<>tokens
printf '+-' >&9
begin 3
MAKEFLAGS=" -j3 --jobserver-auth=fifo:$WORK/tokens" fanmill run -j 8 counted.yaml
expect_status 0
most_at_once 8
read -r -N 2 -t 10 left <&9 || wrong "a token is missing"
case $left in +- | -+) ;; *) wrong "the tokens are '$left'" ;; esac
exec 9>&-

case_is "--jobserver is for this machine"
fanmill run --jobserver --connect tcp://127.0.0.1:1 counted.yaml
expect_status 2
expect_stderr "fanmill run: --jobserver is only for runs on this machine, not with --connect"

case_is "a jobserver that is out of reach"
begin 2
MAKEFLAGS="-j2 --jobserver-auth=98,99" fanmill run -v -j 2 counted.yaml
expect_status 0
expect_stderr "can't reach make's jobserver"
most_at_once 8
expect_nothing_left
finish
