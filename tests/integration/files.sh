#!/bin/bash
# A worker that does not see the files of a job gets their bytes, and nothing else differs.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
mkdir "$WORK/data"
seq 200000 >"$WORK/data/numbers"
job count <<YAML
source: {data: $WORK/data/numbers}
chunk: {bytes: 64KiB}
stages: [{pipe: "grep 7 || true"}]
YAML
job all <<YAML
source: {data: $WORK/data/numbers}
chunk: {bytes: 64KiB}
stages: [{pipe: cat}]
YAML
grep 7 "$WORK/data/numbers" >"$WORK/expected"

case_is "everybody sees the file"
coordinator
worker seeing -j 2
until_workers 1
fanmill run count.yaml
expect_status 0
expect_same "$WORK/expected"

if ! unshare -m true 2>/dev/null; then
    echo "no mount namespaces here: workers without the files are not tried"
    finish
fi
stop "$WORKER"
until_workers 0
case_is "a worker without the file: run --connect sends it"
begin worker-blind unshare -m sh -c "mount -t tmpfs none '$WORK/data' && exec '$FANMILL_BIN' worker -v --name blind -j 2"
BLIND=$LAST
until_workers 1
fanmill run count.yaml
expect_status 0
expect_same "$WORK/expected"
[ "$(count retries)" = 0 ] || wrong "it cost attempts"

case_is "a detached job: the coordinator reads it"
fanmill submit --wait count.yaml
expect_status 0
fanmill results
expect_same "$WORK/expected"

case_is "with a worker that has the file beside it"
worker seeing -j 1
until_workers 2
fanmill run count.yaml
expect_status 0
expect_same "$WORK/expected"

case_is "a worker without the job's folder starts programs in its home"
stop "$WORKER"
crash "$BLIND"
until_workers 0
mkdir -p "$WORK/hidden/job" "$WORK/home"
job where <<'YAML'
source: {items: [a]}
stages: [{command: [pwd]}, {pipe: "cat; pwd"}]
YAML
mv where.yaml "$WORK/hidden/job"
fanmill submit "$WORK/hidden/job/where.yaml"
begin worker-far env HOME="$WORK/home" unshare -m sh -c "mount -t tmpfs none '$WORK/hidden' && exec '$FANMILL_BIN' worker -v --name far -j 2"
BLIND=$LAST
fanmill wait
expect_status 0
fanmill results
expect_stdout "$(printf '%s\n' "$WORK/home" "$WORK/home")"

case_is "another file of the same name, size and time"
sed '1s/1/X/' "$WORK/data/numbers" >"$WORK/other"
touch -r "$WORK/data/numbers" "$WORK/other"
crash "$BLIND"
until_workers 0
begin worker-fooled unshare -m sh -c "mount --bind '$WORK/other' '$WORK/data/numbers' && exec '$FANMILL_BIN' worker -v --name fooled -j 2"
BLIND=$LAST
until_workers 1
fanmill run all.yaml
expect_status 0
expect_same "$WORK/data/numbers"
[ "$(count retries)" = 0 ] || wrong "it cost attempts"
worker seeing -j 1
until_workers 2

case_is "chunks of lines"
sed 's/bytes: 64KiB/lines: 1000/' count.yaml >lines.yaml
fanmill run lines.yaml
expect_status 0
expect_same "$WORK/expected"
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
