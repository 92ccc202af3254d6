#!/bin/bash
# Kernels' libraries that a worker does not have are sent to it, by content.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
if ! unshare -m true 2>/dev/null; then
    echo "no mount namespaces here: workers without the library are not tried"
    finish
fi
: "${CC:=cc}"
mkdir lib
build() { # VERSION
    printf '%s\n' '#include <fanmill/kernel.h>' \
        "int say(fm_call *call) { size_t len; const char *item = fm_item(call, 0, &len);" \
        "return fm_emit_text(call, \"$1 %.*s\\n\", (int)len, item); }" >say.c
    $CC -shared -fPIC -I"$ROOT/include" say.c -o lib/say.so || wrong "the kernel does not build"
}
blind_worker() { # NAME [OPTION...]: sees another library, or none, in ./lib
    local name=$1
    shift
    begin "worker-$name" unshare -m sh -c \
        "mount -t tmpfs none '$WORK/lib' && { test ! -e '$WORK/other.so' || cp '$WORK/other.so' '$WORK/lib/say.so'; } &&
        exec '$FANMILL_BIN' worker -v --name $name -j 2 $*"
    WORKER=$LAST
}
sends() { grep -c "a kernel's library was sent to a worker" coordinator-default.log; }
job say <<YAML
source: {range: 1..50}
chunk: {items: 1}
stages: [{kernel: "$WORK/lib/say.so:say"}]
YAML

case_is "everybody sees it: nothing is sent"
build one
coordinator default --listen tcp://127.0.0.1:0
for peer in "worker w" "client alice"; do
    # shellcheck disable=SC2086
    fanmill invite $peer
done
worker seeing -j 2
until_workers 1
fanmill run say.yaml
expect_status 0
seq 50 | sed 's/^/one /' >expected
expect_same expected
[ "$(sends)" = 0 ] || wrong "it was sent"
stop "$WORKER"
until_workers 0

case_is "a worker without it, a job of this machine"
blind_worker blind
until_workers 1
fanmill run say.yaml
expect_status 0
expect_same expected
[ "$(sends)" = 1 ] || wrong "sent $(sends) times"

case_is "once is enough"
fanmill run say.yaml
expect_status 0
expect_same expected
fanmill submit --wait say.yaml
expect_status 0
fanmill results
expect_same expected
[ "$(sends)" = 1 ] || wrong "sent $(sends) times"

case_is "another library at the same path"
build two
sed 's/one/two/' expected >expected-two
fanmill run say.yaml
expect_status 0
expect_same expected-two
[ "$(sends)" = 2 ] || wrong "sent $(sends) times"
stop "$WORKER"
until_workers 0
cp lib/say.so other.so
build three
sed 's/one/three/' expected >expected-three
blind_worker other # what it sees is the second one
until_workers 1
fanmill run say.yaml
expect_status 0
expect_same expected-three
[ "$(sends)" = 3 ] || wrong "sent $(sends) times"

case_is "over TCP: the client sends it, and both wait"
stop "$WORKER"
until_workers 0
rm -f other.so
blind_worker far --connect "$WORK/w.access"
until_workers 1
build four
sed 's/one/four/' expected >expected-four
fanmill run --connect alice.access say.yaml
expect_status 0
expect_same expected-four
fanmill submit --connect alice.access say.yaml
rm lib/say.so # the coordinator has it
fanmill wait
expect_status 0
fanmill results
expect_same expected-four
fanmill retry last
fanmill wait last
expect_status 0

case_is "gone before anybody wanted it"
build five
fanmill drain far
until_workers 0
fanmill submit say.yaml
rm lib/say.so
blind_worker late
until_workers 1
fanmill wait
expect_status 127
fanmill logs
grep -q "say.so': No such file or directory" stdout || wrong "$(head -n 3 stdout)"

end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
