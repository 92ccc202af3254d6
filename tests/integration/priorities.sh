#!/bin/bash
# Which job comes first: priorities, jobs that are held, jobs that need others.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

# Says that it is on, in the log and by a file of its own, and ends when it is let go.
cat >"$WORK/step" <<SH
#!/bin/sh
echo "\$1" >>"$WORK/order"
echo on >"$WORK/on-\$1"
until [ -e "$WORK/go-\$1" ] || [ -e "$WORK/go" ]; do sleep 0.02; done
case \$1 in bad*) exit 3 ;; esac
SH
chmod +x "$WORK/step"
begun() { grep -qx "$1" "$WORK/order" 2>/dev/null; }
state_is() { "$FANMILL_BIN" status "$1" --json | grep -q "\"state\":\"$2\""; }

coordinator
case_is "without a worker"
fanmill submit map "$WORK/step" ::: none
until_ok state_is 1 "waiting for a worker"
fanmill explain 1
grep -q "no worker is connected" "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
fanmill cancel 1
fanmill wait -q 1

case_is "a higher priority comes before what waits at a worker already"
worker one -j 1
until_workers 1
fanmill submit map "$WORK/step" ::: low1 low2 low3
until_ok begun low1
fanmill submit --priority 10 map "$WORK/step" ::: high
expect_status 0
fanmill status last --json
grep -q '"priority":10,' "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
chunk_waits() { "$FANMILL_BIN" status 3 --json | grep -q '"leased":1,'; }
until_ok chunk_waits
touch "$WORK/go"
fanmill wait 2-3
expect_status 0
printf '%s\n' low1 high low2 low3 >"$WORK/expected"
cmp "$WORK/order" "$WORK/expected" || wrong "$(tr '\n' ' ' <"$WORK/order")"
rm "$WORK/go" "$WORK/order"

case_is "mistakes"
fanmill submit --priority 1001 map true ::: a
expect_status 2
expect_stderr "--priority '1001': a number from -1000 to 1000"
fanmill submit --needs 3,x map true ::: a
expect_status 2
expect_stderr "--needs '3,x'"
fanmill submit --needs 99 map true ::: a
expect_status 2
expect_stderr "there is no job 99 to wait for"

case_is "a job that is held from the start"
fanmill submit --hold map "$WORK/step" ::: held
fanmill submit map "$WORK/step" ::: other
held=$(($(cat "$WORK/stdout") - 1))
until_ok begun other
fanmill status "$held" --json
grep -q '"state":"held",.*"held":true' "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
fanmill explain "$held"
grep -q "the job is held" "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
touch "$WORK/go-other"
fanmill wait last
begun held && wrong "it began while it was held"
fanmill release "$held"
expect_status 0
until_ok begun held
touch "$WORK/go-held"
fanmill wait "$held"
expect_status 0

case_is "a job that is held while it runs: what runs goes on, nothing else begins"
fanmill submit map "$WORK/step" ::: h1 h2 h3
until_ok begun h1
fanmill hold last
expect_status 0
touch "$WORK/go-h1"
one_done() { "$FANMILL_BIN" status last --json | grep -q '"waiting":2,"leased":0,"running":0,"ok":1,'; }
until_ok one_done
begun h2 && wrong "it went on"
fanmill release last
touch "$WORK/go"
fanmill wait last
expect_status 0
rm "$WORK/go"

case_is "a job that needs another"
fanmill submit map "$WORK/step" ::: first
first=$(cat "$WORK/stdout")
fanmill submit --needs "$first" map "$WORK/step" ::: second
second=$(cat "$WORK/stdout")
fanmill submit --needs "$second,any:$first" map "$WORK/step" ::: third
until_ok begun first
fanmill status last --json
grep -q "\"state\":\"waiting for jobs\"" "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
grep -q "\"needs\":\"$second any:$first\"" "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
begun second && wrong "it did not wait"
touch "$WORK/go"
fanmill wait last
expect_status 0
[ "$(grep -xE 'first|second|third' "$WORK/order" | tr '\n' ' ')" = "first second third " ] || wrong "$(cat "$WORK/order")"

case_is "a need that fails"
rm "$WORK/go"
fanmill submit map "$WORK/step" ::: bad
bad=$(cat "$WORK/stdout")
fanmill submit --needs "$bad" map "$WORK/step" ::: after
after=$(cat "$WORK/stdout")
fanmill submit --needs "any:$bad" map "$WORK/step" ::: anyhow
anyhow=$(cat "$WORK/stdout")
fanmill submit --needs "$after" map "$WORK/step" ::: chain
touch "$WORK/go"
fanmill wait "$after"
expect_status 4
fanmill status "$after" --json
grep -q "\"state\":\"not run\",.*not run: job $bad (step), which it needs, did not end well" "$WORK/stdout" ||
    wrong "$(cat "$WORK/stdout")"
fanmill wait last
expect_status 4
fanmill wait "$anyhow"
expect_status 0
begun after && wrong "it ran"
begun chain && wrong "the next one ran"
fanmill submit --wait --needs "$bad" map "$WORK/step" ::: late
expect_status 4
fanmill submit --wait --needs "any:$bad" map true ::: late
expect_status 0

case_is "single chunks are cancelled, waiting or running, and run again"
rm "$WORK/go" "$WORK/order"
fanmill submit map "$WORK/step" ::: c1 c2 c3 c4 c5
until_ok begun c1
one_runs() { "$FANMILL_BIN" status last --json | grep -q '"running":1,'; }
until_ok one_runs
fanmill cancel last --chunks 1,4-5 --json
expect_stdout '{"v":1,"chunks":3}'
until_ok begun c2
touch "$WORK/go"
fanmill wait last
expect_status 1
printf '%s\n' c1 c2 c3 >"$WORK/expected"
cmp "$WORK/order" "$WORK/expected" || wrong "$(tr '\n' ' ' <"$WORK/order")"
fanmill status last --json
grep -q '"chunks":5,"waiting":0,"leased":0,"running":0,"ok":2,"failed":3,' "$WORK/stdout" || wrong "$(cat "$WORK/stdout")"
fanmill results last --json
[ "$(grep -c '"outcome":"cancelled"' "$WORK/stdout")" = 3 ] || wrong "$(cat "$WORK/stdout")"
fanmill cancel last --chunks 2
expect_status 2
expect_stderr "has ended"
fanmill cancel last --chunks 0-3
expect_status 2
expect_stderr "numbers from 1"
job=$("$FANMILL_BIN" status last --json | sed 's/.*"id":\([0-9]*\),.*/\1/')
fanmill retry "$job" --chunks 2
expect_stderr "none of these chunks of job $job has failed"
fanmill retry "$job" --chunks 4
fanmill wait last
expect_status 0
printf '%s\n' c1 c2 c3 c4 >"$WORK/expected"
cmp "$WORK/order" "$WORK/expected" || wrong "$(tr '\n' ' ' <"$WORK/order")"

finish
