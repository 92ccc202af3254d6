#!/bin/bash
# The contract of result streams, S1 to S15, by name; and what else the library promises.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
BUILD=$(dirname "$(dirname "$FANMILL_BIN")")
coordinator
worker one -j 4
until_workers 1
export WORK
KERNELS=$(ls "$BUILD"/tests/client/libclient_kernels.so)
export KERNELS
for name in $("$BUILD/tests/client/client_contract"); do
    case_is "$name"
    [ -z "${ONLY:-}" ] || [ "$ONLY" = "$name" ] || continue
    timeout "$LIMIT_S" "$BUILD/tests/client/client_contract" "$name" 2>"$WORK/stderr" ||
        wrong "exit status $? of $name: $(tail -n 2 "$WORK/stderr")"
done
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
