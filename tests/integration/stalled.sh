# Detached jobs with more results than may be kept: each ends, or says what it waits for and obeys.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
coordinator default --spool-limit 2MiB
worker w -j 2
until_workers 1
job none <<'YAML'
source: {range: 1..60}
chunk: {items: 1}
stages: [{command: "head -c 100000 /dev/zero | tr '\\0' x; echo {}"}]
sink: none
YAML
sed 's/^sink:.*/sink: {file: out.txt}/' none.yaml >file.yaml
sed 's/^sink:.*/sink: {dir: out, name: "{#}"}/' none.yaml >dir.yaml
grep -v '^sink:' none.yaml >kept.yaml
x=$(head -c 100000 /dev/zero | tr '\0' x)
for i in $(seq 60); do echo "$x$i"; done >want

case_is "what nobody wants is not kept"
fanmill submit none.yaml
fanmill wait
expect_status 0
case_is "what is in a file makes room"
fanmill submit file.yaml
fanmill wait
expect_status 0
cmp -s out.txt want || wrong "the file is not whole"
case_is "what is in a folder makes room"
fanmill submit dir.yaml
fanmill wait
expect_status 0
[ "$(ls out | wc -l)" = 60 ] || wrong "$(ls out | wc -l) files"
# shellcheck disable=SC2046
cat $(seq 60 | sed 's|^|out/|') | cmp -s - want || wrong "the files are not whole"

case_is "it says that it is stalled, others go on, and reading makes room"
fanmill submit kept.yaml
id=$(cat stdout)
is_stalled() { "$FANMILL_BIN" explain "$id" | grep -q 'stalled: its results fill the spool limit (2 MiB); read them with'; }
until_ok is_stalled
fanmill status "$id" --json
grep -q '"text":"stalled: ' stdout || wrong "$(cat stdout)"
fanmill submit map echo ::: y
fanmill wait
expect_status 0
fanmill results "$id" --follow
expect_status 0
cmp -s stdout want || wrong "results differ"
fanmill wait "$id"
expect_status 0
fanmill forget "$id"
expect_status 0

case_is "it obeys"
for how in "" --kill; do
    fanmill submit kept.yaml
    id=$(cat stdout)
    until_ok is_stalled
    fanmill cancel $how "$id"
    expect_status 0
    fanmill wait "$id"
    expect_status 4
    fanmill forget "$id"
    expect_status 0
done

case_is "kept jobs cost no descriptor"
fds() { ls "/proc/$COORDINATOR/fd" | wc -l; }
sed -i 's/1\.\.60/1..9/' kept.yaml
fanmill submit kept.yaml
fanmill wait
before=$(fds)
for _ in $(seq 20); do
    fanmill submit kept.yaml
done
fanmill wait all -q
[ "$(fds)" -le $((before + 2)) ] || wrong "it has $(fds) descriptors, $before before"

case_is "what is dropped is told"
stop "$COORDINATOR"
coordinator default --keep-jobs 2 --keep-age 1h
until_workers 1
for _ in 1 2 3 4; do
    fanmill submit map echo ::: y
    fanmill wait
done
fanmill status 1
expect_status 2
expect_stderr "job 1 was dropped on 20"
expect_stderr "to make room (limit --keep-jobs 2)"
fanmill results 2
expect_stderr "job 2 was dropped on 20"
grep -q 'an ended job was dropped.*job=1.*limit=keep-jobs' coordinator-default.log || wrong "the log does not say it"
fanmill forget 3
fanmill wait 3
expect_status 2
expect_stderr "job 3 was forgotten on 20"
end_all
finish
