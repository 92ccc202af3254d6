#!/usr/bin/env bash
# scripts/frames: hexadecimal lines and what strace writes, in text.
set -euo pipefail
build=$(cd "$(dirname "$FANMILL_BIN")/.." && pwd)
export FRAMES=$build/tests/frames/frames
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect() {
    diff "$1" - || { echo "FAIL: scripts/frames printed other lines than these" >&2; exit 1; }
}

cat >"$work/hex" <<'END'
# the bytes are those of tests/unit/proto/samples.h
92 0a cd 01 2c
9a04a26e33a4686f7374cd04d20408cd0fa0009192a3737364cd03e809
930807ce000000029a010001644000cd03e80acd0668c09a01020307020109020b920301
94090705ce000000019f01020307c2c201ff0a0b0004a36f6f70c4026572920103
951b0302c2ce000000019401a16e02a174
9304ce00100000
930500ce00000000ff
930cff03
95630102
END
scripts/frames "$work/hex" >"$work/out"
expect "$work/out" <<'END'
ACK seq=300
REGISTER name="n3" host="host" pid=1234 slots=4 memory_bytes=8 cpus=4000 gpus=0 labels=[{name="ssd" milli=1000}] ends_in_ns=9
LEASE epoch=7 count=2 entries=[{job=1 step=0 attempt=1 first=100 count=64 kind=0 item_first=1000 items_per_chunk=10 item_end=1640 lens=nil} {job=1 step=2 attempt=3 first=7 count=2 kind=1 item_first=9 items_per_chunk=2 item_end=11 lens=[3,1]}]
RESULT epoch=7 first_seq=5 count=1 entries=[{job=1 step=2 attempt=3 chunk=7 more=false is_stderr=false outcome=1 code=-1 run_ns=10 cpu_ns=11 maxrss_bytes=0 leftovers=4 error="oop" stderr_text=6572 item_lens=[1,3]}]
INFO request=3 what=2 more=false count=1 entries=[{job=1 name="n" value=2 text="t"}]
REGISTER BAD: a field is missing or of a wrong type
CREDIT window_items=0 window_bytes=0 BAD: 1 bytes after its end
CANCEL job= BAD: a field is missing or of a wrong type
message of no known form
END
printf '%s' '93 0c 05 03' | scripts/frames >"$work/out"
expect "$work/out" <<<'CANCEL job=5 mode=3!'
if echo 'no frame' | scripts/frames >/dev/null 2>&1; then
    echo "FAIL: words were taken for a frame" >&2
    exit 1
fi

# Two streams, a greeting, a command, a part of a message, an interrupted call, a foreign socket.
greeting=$(printf '\\xff'; printf '\\x00%.0s' {1..63})
cat >"$work/trace" <<END
13925 sendto(17, "$greeting", 64, 0, NULL, 0) = 64
13925 sendto(17, "\\x04\\x01\\x05", 3, 0, NULL, 0) = 3
13931 recvfrom(14, 0x7fe7080018d2, 2, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
13925 sendto(17, "\\x00\\x03\\x92\\x0a", 4, 0, NULL, 0 <unfinished ...>
13931 sendto(4, "\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00", 8, MSG_DONTWAIT, NULL, 0) = 8
13925 <... sendto resumed>) = 4
13925 sendto(17, "\\x07\\x00\\x03", 3, 0, NULL, 0) = 2
[pid 13931] recvfrom(14,  <unfinished ...>
[pid 13931] <... recvfrom resumed>"\\x01\\x08\\x93\\x08\\x07\\xce\\x00\\x00\\x00\\x00\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x61\\x62", 8192, 0, NULL, NULL) = 21
13931 +++ exited with 0 +++
END
scripts/frames "$work/trace" >"$work/out"
expect "$work/out" <<'END'
13925 17> ACK seq=7
13931 14< LEASE epoch=7 count=0 entries=[] body=2
END
