# Who may come: fanmill keys, at any width.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
STATE=$WORK/state/fanmill/default
has() { grep -qE -- "$1" stdout || wrong "not in $(cat stdout): $1"; }

case_is "nobody yet"
fanmill keys
expect_status 0
[ ! -s stdout ] || wrong "$(cat stdout)"
expect_stderr "nobody was invited: fanmill invite ROLE NAME"

case_is "names in order, roles, when keys expire, fingerprints"
fanmill keygen
fanmill invite worker node1 --endpoint tcp://localhost:7117
fanmill invite client alice --valid 30d --endpoint tcp://localhost:7117
fanmill invite admin root --valid 1s --endpoint tcp://localhost:7117
sed -i 's/^expires .*/expires 1000000000/' "$STATE/peers/root.peer"
fanmill keys
expect_status 0
expect_quiet
[ "$(awk '{ print $1, $2 }' stdout | tr '\n' ,)" = "NAME ROLE,alice client,node1 worker,root admin," ] || wrong "$(cat stdout)"
has '^alice  client  in (29d23h|30d00h)  ([0-9a-f]{2}:){7}[0-9a-f]{2}$'
has '^node1  worker  never '
has '^root   admin   expired '
fanmill keys --json
has '^\{"v":1,"name":"alice","role":"client","public_key":"[^ ]{40,}","fingerprint":"[0-9a-f:]{23}","expires":[0-9]+,"expired":false\}$'
has '"name":"root",.*"expires":1000000000,"expired":true\}$'
if command -v script >/dev/null; then
    script -qec "stty cols 30; '$FANMILL_BIN' keys" /dev/null </dev/null | tr -d '\r' >stdout
    [ "$(wc -L <stdout)" -le 30 ] || wrong "too wide: $(cat stdout)"
    has '^alice  client  in '
fi

case_is "a file that can't be used is named, and a name that nobody has"
echo nonsense >"$STATE/peers/bad.peer"
chmod 600 "$STATE/peers/bad.peer"
fanmill keys
expect_status 2
expect_stderr "left out: '$STATE/peers/bad.peer': its first line is not 'fanmill-peer 1'"
has '^alice '
rm "$STATE/peers/bad.peer"
fanmill revoke node2
expect_status 2
expect_stderr "nobody was invited as 'node2': fanmill keys lists who was"
fanmill revoke node1
fanmill keys
grep -q node1 stdout && wrong "node1 is still there"
finish
