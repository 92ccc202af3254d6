# What programs read: records of chunks, and every command's --json.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

has() { grep -qE -- "$1" "$WORK/stdout" || wrong "not in $(head -c 600 "$WORK/stdout"): $1"; }
number='[0-9]+\.[0-9]+'

case_is "run --json: a line for each chunk, whatever the job's sink is"
job mixed <<'EOF'
source: {items: [a, bad, killed, gone]}
stages:
  - command: "case {} in bad) echo why >&2; exit 4 ;; killed) kill -9 $$ ;; gone) sleep 300 ;; esac; echo out-{}"
    timeout: 500ms
    retries: 1
sink: {file: out.txt}
EOF
before=$(date +%s)
fanmill run --json -q mixed.yaml
after=$(date +%s)
expect_status 1
expect_quiet
[ ! -e out.txt ] || wrong "the file was written all the same"
[ "$(wc -l <stdout)" = 4 ] || wrong "not four lines"
has '^\{"v":1,"seq":1,"offset":0,"step":0,"chunk":0,"item":"a","outcome":"ok","exit":0,"signal":null,"attempts":1,"start":'"$number"',"seconds":'"$number"',"maxrss":[0-9]+,"worker":"local","stdout":"out-a\\n","stderr":""\}$'
has '"seq":2,.*"outcome":"exit","exit":4,"signal":null,"error":"the script ended with exit status 4","attempts":2,.*"stdout":"","stderr":"why\\n"\}$'
has '"seq":3,.*"outcome":"signal","exit":null,"signal":9,"error":'
has '"seq":4,.*"outcome":"timeout","exit":null,"signal":null,"error":'
sed -n 's/.*"start":\([0-9]*\)\..*/\1/p' stdout >starts
[ "$(wc -l <starts)" = 4 ] || wrong "not four starts"
while read -r start; do
    [ "$start" -ge $((before - 1)) ] && [ "$start" -le "$after" ] ||
        wrong "start $start is not within $before..$after"
done <starts

case_is "chunks of several items: seq is the chunk's number, first_item what {#} was"
# shellcheck disable=SC2016
fanmill map -n 2 --json -q 'echo {#} $FANMILL_SEQ $FANMILL_CHUNK; test {#} != 3' ::: a b c d e
has '^\{"v":1,"seq":1,"offset":0,"step":0,"chunk":0,"outcome":.*"stdout":"1 1 0\\n"'
has '^\{"v":1,"seq":2,"offset":1,"step":0,"chunk":1,"first_item":3,"outcome":.*"stdout":"3 3 1\\n"'
has '^\{"v":1,"seq":3,"offset":2,"step":0,"chunk":2,"first_item":5,"outcome":.*"stdout":"5 5 2\\n"'
fanmill map -n 2 --out-dir numbered 'test {#} != 3' ::: a b c d e
expect_stderr "fanmill: chunk 2 failed:"
[ "$(ls numbered)" = "$(printf '1.txt\n2.txt\n3.txt')" ] || wrong "$(ls numbered)"

case_is "bytes that are no text come back"
printf '\377\000x' >bytes
job bytes <<EOF
source: {range: 1..1}
stages: [{command: [cat, $WORK/bytes]}]
EOF
fanmill run --json bytes.yaml
has '"stdout_base64":"/wB4","stderr":""\}$'
sed 's/.*"stdout_base64":"\([^"]*\)".*/\1/' stdout | base64 -d | cmp -s - bytes || wrong "other bytes"

case_is "a run and kept results are the same records"
job numbers <<'EOF'
source: {range: 1..5}
stages: [{command: "echo out {}; echo err {} >&2; test {} != 4"}]
EOF
plain() { sed 's/"start":[^,]*,"seconds":[^,]*,"maxrss":[^,]*,"worker":"[^"]*"/TIMES/' "$1"; }
fanmill run --json -q numbers.yaml
plain stdout >from-run
coordinator
worker one -j 2
until_workers 1
fanmill submit --json numbers.yaml
expect_stdout '{"v":1,"id":1}'
fanmill wait --json
expect_status 1
has '^\{"v":1,"id":1,"name":"numbers","state":"failed",.*"ok":4,"failed":1'
fanmill results --json
plain stdout | cmp -s from-run - || wrong "they differ: $(plain stdout)"

case_is "commands"
fanmill status --json
has '^\{"v":1,"id":1,"name":"numbers","state":"failed","owner":"","priority":0,"held":false,"ended":true,"detached":true,"created_ms":[0-9]+,"seconds":'"$number"',"total":5,'
fanmill workers --json
has '^\{"v":1,"id":[0-9]+,"name":"one","host":'
fanmill top --json
has '^\{"v":1,"workers":\[\{"v":1,"id":[0-9]+,"name":"one",.*\}\],"jobs":\[\{"v":1,"id":1,.*\}\]\}$'
[ "$(wc -l <stdout)" = 1 ] || wrong "top is not one line"
fanmill service --json
has '^\{"v":1,"workers":1,.*\}$'
fanmill logs --json
[ "$(wc -l <stdout)" = 5 ] || wrong "not five logs"
has '^\{"v":1,"seq":4,"offset":3,"step":0,"chunk":3,"attempts":1,"error":"the script ended with exit status 1","stderr":"err 4\\n"\}$'
fanmill explain --json
has '^\{"v":1,"job":1,"step":0,"text":"the job has ended"\}$'
fanmill retry 1 --json
expect_stdout '{"v":1,"id":2}'
fanmill wait 2 -q
fanmill cancel 2 --json
expect_stdout '{"v":1,"jobs":0}'
fanmill forget 2 --json
expect_stdout '{"v":1,"jobs":1}'
fanmill drain one --json
expect_stdout '{"v":1,"workers":1}'

case_is "keys"
fanmill keygen --state "$WORK/state/keys" --json
has '^\{"v":1,"public_key":"'
fanmill invite worker n1 --state "$WORK/state/keys" --endpoint tcp://h:1 -o "$WORK/n1.access" --json
expect_stdout '{"v":1,"name":"n1","role":"worker","file":"'"$WORK"'/n1.access","endpoint":"tcp://h:1"}'
fanmill invite worker n2 --state "$WORK/state/keys" --endpoint tcp://h:1 -o - --json
expect_status 2
fanmill revoke n1 --state "$WORK/state/keys" --json
expect_stdout '{"v":1,"name":"n1"}'
finish
