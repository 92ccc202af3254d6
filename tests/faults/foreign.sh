# Code of a job that runs within an executor can change anything there; nothing of it reaches the
# next job. Two clients, one worker of one slot, a kernel that spoils its process in every way known.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
CC=${CC:-cc}

cat >spoil.c <<'CODE'
#define _GNU_SOURCE
#include <fcntl.h>
#include <fanmill/kernel.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static int hangs;
static void hang(void) { while (hangs) pause(); }
__attribute__((destructor)) static void at_unload(void) { hang(); }
static void *spin(void *arg) { for (;;) sched_yield(); return arg; }
static void limit(int what) { struct rlimit none = {0, 0}; setrlimit(what, &none); }

int spoil(fm_call *call)
{
    const char *kind = fm_arg(call, "kind");
    sigset_t all;
    pthread_t thread;
    cpu_set_t one;
    struct itimerval soon = {.it_value = {.tv_usec = 200000}};
    sigfillset(&all);
    if (!strcmp(kind, "umask")) umask(0777);
    else if (!strcmp(kind, "folder")) return chdir("/");
    else if (!strcmp(kind, "mask")) sigprocmask(SIG_SETMASK, &all, NULL);
    else if (!strcmp(kind, "ignore")) { for (int i = 1; i < 32; i++) signal(i, SIG_IGN); }
    else if (!strcmp(kind, "nofile")) limit(RLIMIT_NOFILE);
    else if (!strcmp(kind, "fsize")) limit(RLIMIT_FSIZE);
    else if (!strcmp(kind, "environment")) { clearenv(); setenv("PATH", "/nowhere", 1); }
    else if (!strcmp(kind, "descriptors")) { while (open("/dev/null", O_RDONLY) >= 0) ; }
    else if (!strcmp(kind, "nice")) setpriority(PRIO_PROCESS, 0, 19);
    else if (!strcmp(kind, "affinity")) { CPU_ZERO(&one); CPU_SET(sched_getcpu(), &one); sched_setaffinity(0, sizeof(one), &one); }
    else if (!strcmp(kind, "thread")) pthread_create(&thread, NULL, spin, NULL);
    else if (!strcmp(kind, "memory")) memset(malloc(64 << 20), 1, 64 << 20);
    else if (!strcmp(kind, "timer")) { signal(SIGALRM, SIG_DFL); setitimer(ITIMER_REAL, &soon, NULL); }
    else if (!strcmp(kind, "dumpable")) { prctl(PR_SET_DUMPABLE, 0); prctl(PR_SET_CHILD_SUBREAPER, 0); prctl(PR_SET_NO_NEW_PRIVS, 1); prctl(PR_SET_TIMERSLACK, 1000000000); }
    else if (!strcmp(kind, "hang")) { hangs = 1; atexit(hang); }
    else if (!strcmp(kind, "children")) { signal(SIGCHLD, SIG_IGN); }
    return fm_emit(call, "spoilt\n", 7);
}
CODE
$CC -shared -fPIC -pthread -I"$ROOT/include" spoil.c -o spoil.so || wrong "the kernel does not build"

cat >look <<'SCRIPT'
#!/bin/sh
umask
pwd
echo "$PATH" | tr ':' '\n' | grep -c .
grep -E '^(SigBlk|SigIgn|NoNewPrivs|Cpus_allowed_list)' /proc/self/status
ulimit -n
ulimit -f
awk '{ print $19 }' /proc/self/stat
: >made.$$ && stat -c %a made.$$ && rm -f made.$$
echo x >made.$$ && cat made.$$ && rm -f made.$$
SCRIPT
chmod +x look
ulimit -c 0
coordinator
worker one -j 1
until_workers 1

# What the next job sees of its process, within a bound: a spoilt one would hang.
look() { timeout 60 "$FANMILL_BIN" run next.yaml >"$1" 2>&1 || echo "status $?" >>"$1"; }
job next <<'YAML'
source: {items: [a]}
stages: [{command: [./look]}]
YAML
look clean
grep -q 0022 clean || wrong "$(cat clean)"

for kind in umask folder mask ignore nofile fsize environment descriptors nice affinity thread \
    memory timer dumpable hang children; do
    case_is "$kind: the next job sees nothing of it"
    fanmill call "$PWD/spoil.so:spoil" --arg "kind=$kind" ::: 1
    expect_status 0
    look after
    cmp -s clean after || wrong "$(diff clean after | head -n 5)"
    # The same library in another job, and a kernel that is built in.
    fanmill call "$PWD/spoil.so:spoil" --arg kind=none ::: 1
    expect_status 0
    [ "$(seq 9 | timeout 60 "$FANMILL_BIN" call builtin:sum -n 9)" = 45 ] || wrong "builtin:sum"
done

case_is "two jobs at once on one slot: neither sees the other"
(seq 200 | timeout 120 "$FANMILL_BIN" call "$PWD/spoil.so:spoil" --arg kind=umask -n 1 >spoilt 2>&1) &
spoiler=$!
for _ in 1 2 3 4 5; do
    look after
    cmp -s clean after || wrong "$(diff clean after | head -n 5)"
done
wait "$spoiler"
[ "$(grep -c spoilt spoilt)" = 200 ] || wrong "$(tail -n 3 spoilt)"

case_is "an executor that ran only commands and built-in kernels stays"
pids() { "$FANMILL_BIN" map 'echo $PPID; : {}' ::: 1; }
first=$(pids)
[ "$(seq 9 | "$FANMILL_BIN" call builtin:sum -n 9)" = 45 ] || wrong "builtin:sum"
[ "$(pids)" = "$first" ] || wrong "it was replaced"

case_is "a library that is replaced during a job, and executors that die: the job's bytes run"
version() {
    printf '#include <fanmill/kernel.h>\n#include <stdlib.h>\n#include <unistd.h>\nint say(fm_call *c) { usleep(2000); if (c->chunk %% 50 == 7 && c->attempt == 1) abort(); return fm_emit(c, "%s\\n", 3); }\n' "$1" >say.c
    $CC -shared -fPIC -I"$ROOT/include" say.c -o "$2" || wrong "the kernel does not build"
}
version v1 say.so
version v2 other.so
(seq 400 | timeout 120 "$FANMILL_BIN" call "$PWD/say.so:say" -n 1 >said 2>said.err) &
caller=$!
until_lines 20 said
mv other.so say.so
wait "$caller" || wrong "status $?: $(cat said.err)"
[ "$(sort said | uniq -c | tr -s ' ')" = ' 400 v1' ] || wrong "$(sort said | uniq -c)"
# Rewritten in place, which changes what is mapped of a file.
version v3 other.so
rm said
(seq 400 | timeout 120 "$FANMILL_BIN" call "$PWD/say.so:say" -n 1 >said 2>said.err) &
caller=$!
until_lines 20 said
cat other.so >say.so
wait "$caller" || wrong "status $?: $(cat said.err)"
[ "$(sort said | uniq -c | tr -s ' ')" = ' 400 v2' ] || wrong "$(sort said | uniq -c)"

end_all
finish
