#!/usr/bin/env bash
# The context switch for aarch64, and then the whole runtime on it, in an emulator. Exit status 77: one of the tools is not there.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
cc=aarch64-linux-gnu-gcc
qemu=
for name in qemu-aarch64 qemu-aarch64-static; do
    [ -n "$qemu" ] || qemu=$(command -v "$name" || true)
done
command -v $cc >/dev/null || { echo "skipped: no $cc"; exit 77; }
[ -n "$qemu" ] || { echo "skipped: no qemu-aarch64"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # PROGRAM FLAG...
    $cc -std=gnu17 -D_GNU_SOURCE -DEMULATED -Wall -Wextra -Werror -static "${@:2}" -I"$root" \
        "$root"/tests/unit/async/ctx.c "$root"/tests/unit/async/ctx_regs.S "$root"/async/ctx.c \
        "$root"/async/switch_aarch64.S -o "$work/$1"
    timeout 60 "$qemu" "$work/$1"
}
build plain -O1
build optimised -O2 -fno-omit-frame-pointer
build protected -O2 -mbranch-protection=standard
build ucontext -O1 -DFM_UCONTEXT

# Had a register not been kept, would it have been seen?
for mutant in 's/ldp d8, d9/ldp d9, d8/' 's/ldp d14, d15.*$//' 's/ldp x27, x28.*$//' \
    's/mov x0, x20/mov x0, x19/' 's/mov w0, w2//'; do
    sed "$mutant" "$root/async/switch_aarch64.S" >"$work/mutant.S"
    $cc -std=gnu17 -D_GNU_SOURCE -DEMULATED -static -O1 -I"$root" "$root"/tests/unit/async/ctx.c \
        "$root"/tests/unit/async/ctx_regs.S "$root"/async/ctx.c "$work/mutant.S" -o "$work/mutant"
    ! timeout 60 "$qemu" "$work/mutant" 2>/dev/null || { echo "not noticed: $mutant"; exit 1; }
done

# The scenes of the unit tests, each also without memory (nomem.c says how).
$cc -std=gnu17 -D_GNU_SOURCE -static -O1 -I"$root" -I"$root/tests/unit/async" -pthread \
    "$root"/tests/unit/async/{nomem,parts}.c "$root"/async/{,operators/}*.c "$root"/async/*.S "$root"/base/{clock,heap,signals}.c \
    -Wl,--wrap=calloc,--wrap=reallocarray,--wrap=mmap -o "$work/scenes"
timeout 120 "$qemu" "$work/scenes"
