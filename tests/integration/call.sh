#!/bin/bash
# `fanmill call`: kernels from the command line.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
bin=$FANMILL_BIN

case_is "a range through a built-in kernel"
fanmill call builtin:noop --range 1..1000000
expect_status 0
expect_quiet
[ ! -s stdout ] || wrong "noop gives nothing"
fanmill call builtin:primes --range 1..100000 --reduce builtin:sum
expect_stdout 9592
fanmill call --range 1..10 -n 5 builtin:sum
expect_stdout "$(printf '%s\n' 15 40)"

case_is "items after :::, from a file, from standard input"
fanmill call builtin:find_primes ::: 1 2 3 4 5
expect_stdout "$(printf '%s\n' 2 3 5)"
seq 100 >numbers
fanmill call builtin:sum -n 100 -a numbers
expect_stdout 5050
seq 100 | timeout "$LIMIT_S" "$bin" call builtin:sum --items-per-chunk 50 >stdout
expect_stdout "$(printf '%s\n' 1275 3775)"

case_is "sum: whole numbers exactly, others as decimals"
fanmill call builtin:sum -n 9 ::: 9007199254740993 -1 ' 2 '
expect_stdout 9007199254740994
fanmill call builtin:sum -n 9 ::: 0.1 0.2 3
expect_stdout 3.3
fanmill call builtin:sum -n 9 ::: 9223372036854775807 1
expect_stdout 9.223372036854776e+18
fanmill call builtin:sum ::: 1 x
expect_status 1
expect_stderr "line 1: 'x' is not a number"

case_is "args"
fanmill call builtin:pi --arg points=1000 --range 1..200 --reduce builtin:sum
[ "$(cat stdout)" -gt 150000 ] && [ "$(cat stdout)" -lt 164000 ] || wrong "$(cat stdout) of 200000"
fanmill call builtin:fail --arg 'text=so {{}} it is' ::: 1
expect_status 1
expect_stderr "so {} it is"

case_is "--dry-run"
fanmill call --dry-run builtin:sum -n 2 ::: 1 'a b' 3
expect_stdout "$(printf '%s\n' "builtin:sum 1 'a b'" 'builtin:sum 3')"

case_is "a function of a library"
cat >twice.c <<'C'
#include <fanmill/kernel.h>
#include <stdlib.h>
int twice(fm_call *call);
int twice(fm_call *call)
{
    for (size_t i = 0; i < fm_item_count(call); i++) {
        size_t len;
        const char *item = fm_item(call, i, &len);
        if (fm_emit_text(call, "%ld\n", 2 * atol(item)) < 0)
            return -1;
    }
    return 0;
}
C
${CC:-cc} -shared -fPIC -I"$ROOT/include" -o twice.so twice.c || wrong "the kernel was not built"
fanmill call ./twice.so:twice ::: 1 2 30
expect_status 0
expect_stdout "$(printf '%s\n' 2 4 60)"
fanmill call ./twice.so:thrice ::: 1
expect_status 127
expect_stderr "has no function 'thrice'"
expect_nothing_left

case_is "the same bytes from a coordinator, and from a detached job"
coordinator
worker one -j 2
until_workers 1
fanmill call -n 10 ./twice.so:twice --range 1..1000
cp stdout connected
FANMILL_CONNECT='' fanmill call -n 10 ./twice.so:twice --range 1..1000
expect_same connected
job=$("$bin" submit call -n 10 ./twice.so:twice --range 1..1000)
"$bin" wait -q "$job"
fanmill results "$job"
expect_same connected
stop "$WORKER"
stop "$COORDINATOR"
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
