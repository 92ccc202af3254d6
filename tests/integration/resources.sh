#!/bin/bash
# Resources are matched and never taken twice.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

# Each chunk says when it begins and ends; most at once: what the file shows.
most_at_once() { awk '{ n += $1; if (n > most) most = n } END { print most + 0 }' "$1"; }
chunk='echo 1 >>$0; sleep 0.05; echo -1 >>$0'
job wide <<YAML
source: {range: 1..12}
chunk: {items: 1}
stages:
  - command: [sh, -c, '$chunk', $WORK/wide, "{}"]
    resources: {cpus: 2}
YAML

case_is "two slots for each, on four"
fanmill run -j 4 wide.yaml
expect_status 0
[ "$(grep -c '^1$' wide)" = 12 ] || wrong "not all ran"
[ "$(most_at_once wide)" = 2 ] || wrong "$(most_at_once wide) chunks of 2 cpus at once on 4 slots"
sed -i 's/cpus: 2/cpus: 8/' wide.yaml
fanmill run -j 4 wide.yaml
expect_status 2
expect_stderr "step 1 needs 8 CPUs for a chunk, but this machine has 4 slots (-j)"
sed -i 's/cpus: 8/gpus: 1/' wide.yaml
fanmill run wide.yaml
expect_status 2
expect_stderr "step 1 needs GPUs: only workers started with --gpus have them"

case_is "gpus and labels of different workers"
coordinator
worker plain -j 4
worker gpu -j 4 --gpus 2 --labels ssd,license=1
until_workers 2
fanmill workers --json
grep -q '"resources":"cpus=4 gpus=2 ssd=1 license=1"' stdout || wrong "resources: $(cat stdout)"
rm -f wide
fanmill submit --wait wide.yaml
expect_status 0
[ "$(most_at_once wide)" = 2 ] || wrong "$(most_at_once wide) chunks with a gpu each at once; the worker has 2"
fanmill results --json
[ "$(grep -c '"worker":"gpu"' stdout)" = 12 ] || wrong "chunks ran where no gpu is"
sed 's/gpus: 1/labels: {license: 1}/; s|/wide|/one|' wide.yaml >one.yaml
fanmill submit --wait one.yaml
expect_status 0
[ "$(most_at_once one)" = 1 ] || wrong "a licence was used twice"
sed 's/gpus: 1/labels: {ssd: 0}/; s|/wide|/ssd|' wide.yaml >ssd.yaml
fanmill submit --wait ssd.yaml
expect_status 0
fanmill results --json
[ "$(grep -c '"worker":"gpu"' stdout)" = 12 ] || wrong "chunks ran where no ssd is"

case_is "no worker has it: explain"
sed 's/gpus: 1/gpus: 3/' wide.yaml >never.yaml
fanmill submit never.yaml
never=$(cat stdout)
fanmill explain "$never"
expect_status 0
grep -q 'step 1: no worker can ever run it: worker .* has \(1 gpu\|[02-9] gpus\), 3 needed' stdout || wrong "$(cat stdout)"
grep -q 'no connected worker can run this job' coordinator-default.log || wrong "not logged"
# It does not hold up others.
job plain <<'YAML'
source: {range: 1..20}
chunk: {items: 1}
stages: [{command: [echo, "{}"]}]
YAML
fanmill run plain.yaml
expect_status 0
# And it runs when a worker comes that can.
worker large -j 1 --gpus 3
fanmill wait "$never"
expect_status 0
fanmill results --json
[ "$(grep -c '"worker":"large"' stdout)" = 12 ] || wrong "it ran elsewhere"

case_is "both kinds at once: neither starves"
sed 's/gpus: 1/cpus: 4/; s|/wide|/four|' wide.yaml >four.yaml
job many <<'YAML'
source: {range: 1..400}
chunk: {items: 1}
stages: [{command: [sleep, "0.01"]}]
YAML
fanmill submit many.yaml
fanmill submit --wait four.yaml
expect_status 0
fanmill wait all
expect_status 0
fanmill explain
grep -q 'the job has ended' stdout || wrong "$(cat stdout)"

case_is "mistakes"
fanmill worker --labels 'A B'
expect_status 2
expect_stderr "--labels takes names and amounts"
sed 's/gpus: 1/labels: {SSD: 1}/' wide.yaml >bad.yaml
fanmill check bad.yaml
expect_status 2
expect_stderr "'SSD' is not a name"
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
