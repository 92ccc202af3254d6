# Commands, pipes and kernels: what they get, and what they give.
. tests/support/lib.sh

case_is "argv without a shell"
job argv <<'EOF'
source: {items: ["a b", "$HOME"]}
stages: [{command: [printf, "<%s>\n", "{}", "x{}y"]}]
EOF
fanmill run argv.yaml
printf '<%s>\n' 'a b' 'xa by' '$HOME' 'x$HOMEy' >want
expect_same want

case_is "environment and numbers"
job env <<'EOF'
name: named
env: {COLOUR: blue, SHAPE: "a b"}
source: {items: [x]}
stages:
  - command: 'echo "$COLOUR/$SHAPE/$FANMILL_SEQ/$FANMILL_CHUNK/$FANMILL_ATTEMPT/$FANMILL_ITEM"'
EOF
fanmill run env.yaml
expect_stdout "blue/a b/1/0/1/x"

case_is "workdir is made, and commands start in it"
job workdir <<'EOF'
source: {items: [one, two]}
stages: [{command: [pwd], workdir: "runs/{}"}]
EOF
fanmill run workdir.yaml
printf '%s\n' "$WORK/runs/one" "$WORK/runs/two" >want
expect_same want

case_is "a relative job starts in its own folder"
mkdir -p sub
cp argv.yaml sub/here.yaml
sed -i 's/command: .*/command: [pwd]}]/' sub/here.yaml
fanmill run sub/here.yaml
printf '%s\n' "$WORK/sub" "$WORK/sub" >want
expect_same want

case_is "outputs are whole, never interleaved"
job whole <<'EOF'
source: {range: 1..40}
stages: [{command: "for i in 1 2 3 4 5 6 7 8; do printf %s {}; done; echo"}]
EOF
for i in $(seq 40); do printf '%s\n' "$i$i$i$i$i$i$i$i"; done >want
fanmill run -j 4 whole.yaml
expect_same want

case_is "a pipe of many megabytes in both directions"
head -c 24000000 /dev/zero | tr '\0' x | fold -w 99 >big
job big <<'EOF'
source: {data: big}
chunk: {bytes: 9MiB}
stages: [{pipe: [cat]}]
EOF
fanmill run big.yaml
expect_status 0
expect_same big

case_is "a program that does not read its input"
job deaf <<'EOF'
source: {data: big}
chunk: {bytes: 9MiB}
stages: [{pipe: [echo, deaf]}]
EOF
fanmill run deaf.yaml
expect_status 0
expect_stdout "$(printf '%s\n' deaf deaf deaf)"

case_is "fused stages"
job fused <<'EOF'
source: {range: 1..1000}
chunk: {items: 100}
stages:
  - pipe: grep 7
  - pipe: [sed, "s/^/n/"]
  - kernel: count_lines
EOF
fanmill run fused.yaml
for i in 0 1 2 3 4 5 6 7 8 9; do
    seq $((i * 100 + 1)) $((i * 100 + 100)) | grep -c 7
done >want
expect_same want

case_is "a failed stage is named"
job named <<'EOF'
source: {items: [x]}
stages:
  - name: first
    command: [echo, hi]
  - name: second
    pipe: "exit 9"
EOF
fanmill run named.yaml
expect_status 1
expect_stderr "stage 2 (second): the script ended with exit status 9"

case_is "stderr of a failed chunk is shown"
job stderr <<'EOF'
source: {items: [x]}
stages: [{command: "echo oh no >&2; exit 4"}]
EOF
fanmill run stderr.yaml
expect_status 1
expect_stderr "chunk 1 ('x') failed: the script ended with exit status 4"
grep -qx "oh no" "$WORK/stderr" || wrong "what it said does not arrive"

case_is "a timeout ends the whole process group"
job timeout <<'EOF'
source: {items: [x]}
stages: [{command: "sleep 300 & sleep 300", timeout: 200ms}]
EOF
fanmill run timeout.yaml
expect_status 1
expect_stderr "the script took longer than 0.2 s"
expect_nothing_left

case_is "a kernel's timeout"
job ktimeout <<'EOF'
source: {items: [x, y]}
stages: [{kernel: sleep, args: {time: 300s}, timeout: 200ms}]
EOF
fanmill run ktimeout.yaml
expect_status 1
expect_stderr "the kernel was killed: it ran longer than its timeout"

case_is "retries with what changes"
job retry <<EOF
source: {items: [a, b, c]}
stages:
  - command: 'test "\$FANMILL_ATTEMPT" -ge 3 && echo {} \$FANMILL_ATTEMPT'
    retries: {limit: 2, delay: 10ms}
EOF
fanmill run retry.yaml
expect_status 0
expect_stdout "$(printf '%s\n' 'a 3' 'b 3' 'c 3')"

case_is "a user's kernel"
if command -v cc >/dev/null; then
    cat >mine.c <<'EOF'
#include <fanmill/kernel.h>
#include <string.h>
int twice(fm_call *call);
int twice(fm_call *call)
{
    for (size_t i = 0; i < fm_item_count(call); i++) {
        size_t len;
        const char *item = fm_item(call, i, &len);
        if (len == 3 && memcmp(item, "bad", 3) == 0)
            return fm_fail(call, "item %zu is bad", i);
        if (fm_emit_text(call, "%s%s%s\n", fm_arg(call, "before"), item, item) < 0)
            return -1;
    }
    return 0;
}
EOF
    cc -shared -fPIC -I"$ROOT/include" -o libmine.so mine.c 2>stderr || wrong "the kernel does not build"
    job mine <<'EOF'
source: {items: [a, bad, c]}
stages: [{kernel: "./libmine.so:twice", args: {before: "="}}]
EOF
    fanmill run mine.yaml
    expect_status 1
    expect_stdout "$(printf '%s\n' '=aa' '=cc')"
    expect_stderr "item 0 is bad"
    job nosymbol <<'EOF'
source: {items: [a]}
stages: [{kernel: "./libmine.so:thrice"}]
EOF
    fanmill run nosymbol.yaml
    expect_status 127
    expect_stderr "thrice"
fi

expect_nothing_left
finish
