#!/bin/bash
# What services log: one form with the time, and a line with the reason for each worker that comes,
# drains, leaves or dies.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

# all_lines FILE: each is a log line, and there are some.
all_lines() {
    [ -s "$1" ] || wrong "$1 is empty"
    grep -vE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z (error|warn|info|debug) [a-z]' "$1" >odd
    [ ! -s odd ] || wrong "no log line: $(head -n 1 odd)"
}
# until_logged FILE TEXT
has_line() { grep -qE -- "$2" "$1"; }
until_logged() { until_ok has_line "$WORK/$1.log" "$2"; }
# Without -v: what is logged by default.
quiet_worker() { begin "worker-$1" "$FANMILL_BIN" worker --name "$@"; }

case_is "a worker that comes, drains and leaves"
STATE=$WORK/state/fanmill/default
begin coordinator "$FANMILL_BIN" coordinator --state "$STATE"
COORDINATOR=$LAST
until_ok test -s "$STATE/access"
quiet_worker one -j 2
until_logged coordinator 'info worker registered .*name=one .*slots=2'
until_logged worker-one 'info registered with the coordinator'
stop "$LAST"
until_logged coordinator 'info worker drains .*name=one'
until_logged coordinator 'info worker left .*name=one .*reason="drained: '
until_logged worker-one 'info the worker drains .*reason=.*SIGTERM'
until_logged worker-one 'info the worker leaves status=0'

case_is "a worker that is asked to leave"
quiet_worker two
until_workers 1
fanmill drain two
until_logged coordinator 'info worker is asked to drain .*name=two'
until_logged coordinator 'info worker left .*name=two'
until_logged worker-two 'info the worker drains .*reason="the coordinator asks for it"'

case_is "a worker that dies"
quiet_worker three
until_workers 1
crash "$LAST"
until_logged coordinator 'warn worker lost .*name=three .*reason="'

case_is "names steer no terminal"
quiet_worker "$(printf 'a\033[31mb\302\233c\nd')"
until_workers 1
fanmill workers
grep -q 'a?\[31mb' "$WORK/stdout" || wrong "$(cat -v "$WORK/stdout")"
LC_ALL=C grep -q "$(printf '\033')" "$WORK/stdout" coordinator.log && wrong "a raw escape"
stop "$LAST"

case_is "a second coordinator says in the same form why it can't start"
begin second "$FANMILL_BIN" coordinator --state "$STATE"
wait "$LAST"
[ $? = 2 ] || wrong "its status"
until_logged second 'error the coordinator can.t start reason=".*used by another coordinator'
stop "$COORDINATOR"
[ "$STATUS" = 0 ] || wrong "status of the coordinator"
for file in coordinator worker-one worker-two worker-three second; do
    all_lines "$WORK/$file.log"
done

case_is "JSON"
begin json "$FANMILL_BIN" coordinator --log-format json --state "$STATE"
until_ok test -s "$STATE/access"
begin worker-json "$FANMILL_BIN" worker --log-format=json --name 'with "quotes" in it'
until_workers 1
stop "$LAST"
until_logged json '"text":"worker left",.*"name":"with \\"quotes\\" in it".*"reason":"drained: '
until_logged worker-json '"text":"the worker leaves","status":0,'
if command -v jq >/dev/null; then
    for file in json worker-json; do
        jq -e '.time and .level and .text' "$file.log" >jq.out 2>&1 || wrong "$file.log: $(tail -n 1 jq.out)"
    done
fi

case_is "a form that there is not"
fanmill coordinator --log-format xml
expect_status 2
expect_stderr "text"

case_is "commands speak to people"
job one <<'YAML'
source: {range: 1..1}
stages: [{command: [echo, "{}"]}]
YAML
MAKEFLAGS=' -j2 --jobserver-auth=97,98' fanmill run -v one.yaml
expect_stderr "fanmill: can't reach make's jobserver"
grep -q '^[0-9]*-' stderr && wrong "a log line of a service: $(cat stderr)"
end_all
finish
