# kill -9 of each part in the middle of a job.
. tests/support/lib.sh

# start OPTION... JOB: in the background; $pid. Waits until a chunk says that it is on.
start() {
    rm -f "$WORK/on"
    "$FANMILL_BIN" run "$@" >stdout 2>stderr &
    pid=$!
    until_file "$WORK/on"
}
finished() {
    wait "$pid"
    STATUS=$?
}
children_of() { cat /proc/"$1"/task/*/children 2>/dev/null; }
first_child() { children_of "$1" | tr ' ' '\n' | grep . | head -n 1; }
worker_of() { first_child "$1"; }
keeper_of() { first_child "$(worker_of "$1")"; } # it forks the zygote
zygote_of() { first_child "$(keeper_of "$1")"; }

job long <<EOF
source: {range: 1..1000}
stages: [{command: "if test {} -le 3; then echo {}; else echo on >>$WORK/on; sleep 300; fi"}]
EOF

# The first three are finished, and two more are on.
start_long() {
    start -j 2 long.yaml
    until_lines 3 stdout
}

case_is "the worker is killed: a message, status 3, finished results kept, nothing left"
start_long
kill -KILL "$(worker_of $pid)"
finished
expect_status 3
expect_stdout "$(seq 1 3)"
expect_stderr "the worker process"
expect_stderr "killed by signal 9 (SIGKILL)"
expect_nothing_left

case_is "the zygote and its keeper are killed: a message, status 3, nothing left"
start_long
kill -KILL "$(keeper_of $pid)"
finished
expect_status 3
expect_stdout "$(seq 1 3)"
expect_stderr "zygote"
expect_nothing_left

case_is "the zygote is killed: a new one runs again what ran"
job again <<YAML
source: {range: 1..20}
stages: [{command: "[ -e $WORK/let ] || { echo on >>$WORK/on; sleep 300; }; echo {}"}]
YAML
rm -f "$WORK/let"
start -j 2 again.yaml
until_lines 2 "$WORK/on"
touch "$WORK/let"
kill -KILL "$(zygote_of $pid)"
finished
expect_status 0
expect_stdout "$(seq 1 20)"
expect_stderr "the zygote, which forks executors, was killed: going on with a new one"
expect_nothing_left

case_is "code of a job that kills the zygote: blamed, and nothing else is lost"
cat >parent.c <<'CODE'
#include <fanmill/kernel.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int parent(fm_call *call)
{
    size_t len;
    const char *item = fm_item(call, 0, &len);
    if (item[0] == 'k') {
        kill(getppid(), SIGKILL);
        for (;;)
            pause();
    }
    usleep(20000);
    return fm_emit(call, item, len);
}
CODE
${CC:-cc} -shared -fPIC -I"$ROOT/include" parent.c -o parent.so || wrong "the kernel does not build"
fanmill call -j 1 -n 1 "$PWD/parent.so:parent" ::: a b c d k e f g h
expect_status 1
[ "$(tr -d '\n' <stdout)" = abcdefgh ] || wrong "stdout is $(tr '\n' ' ' <stdout)"
expect_stderr "was killed while this chunk ran"
expect_stderr "8 chunks ok, 1 failed"
expect_nothing_left
# Chunks that run beside it at each death can't be told from it, and may fail with it.
fanmill call -j 3 -n 1 "$PWD/parent.so:parent" ::: a b c d k e f g h
expect_status 1
grep -qx k stdout && wrong "it has a result"
expect_stderr "was killed while this chunk ran"
expect_nothing_left
fanmill map -j 1 'case {} in k) kill -9 $(cut -d" " -f4 /proc/$PPID/stat); exec sleep 300 ;; esac; echo {}' ::: a k b
expect_status 1
expect_stdout "$(printf 'a\nb\n')"
expect_nothing_left

case_is "the coordinator is killed: nothing left"
start -j 2 long.yaml
{
    kill -KILL $pid
    finished
} 2>/dev/null
expect_status 137
expect_nothing_left

case_is "an executor is killed: its chunk runs again, every result is there once"
job once <<EOF
source: {range: 1..300}
stages:
  - command: |
      if test {} = 150 && test "\$FANMILL_ATTEMPT" = 1; then
        echo \$PPID >>$WORK/on; sleep 300
      fi
      echo {}
EOF
start -j 2 once.yaml
kill -KILL "$(cat on)"
finished
expect_status 0
expect_stdout "$(seq 1 300)"
expect_nothing_left

case_is "an executor is killed at every chunk of a stretch"
job often <<EOF
source: {range: 1..120}
chunk: {items: 1}
crash_limit: 5
stages:
  - command: |
      if test "\$FANMILL_ATTEMPT" -le 2; then kill -KILL \$PPID; sleep 300; fi
      echo {}
EOF
fanmill run -j 2 often.yaml
expect_status 0
expect_stdout "$(seq 1 120)"
expect_nothing_left

case_is "kernels: a crash costs the chunk that ran, not those sent ahead with it"
job ahead <<'EOF'
source: {range: 1..20000}
chunk: {items: 1}
stages:
  - kernel: crash
    args: {attempts: "0"}
EOF
fanmill run ahead.yaml
expect_status 0
job ahead2 <<'EOF'
source: {range: 1..300}
chunk: {items: 1}
stages: [{kernel: crash, args: {attempts: "1"}}]
EOF
fanmill run -v ahead2.yaml
expect_status 0
expect_stderr "300 chunks ok, 300 retried"

case_is "stopped and continued, the coordinator goes on"
start -j 2 once.yaml
kill -STOP $pid
kill -KILL "$(cat on)"
kill -CONT $pid
finished
expect_status 0
expect_stdout "$(seq 1 300)"
expect_nothing_left
finish
