#!/bin/bash
# Chunks that wait at a busy worker go to where a slot idles.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

# Each chunk says that it is on, and ends when N are. With fewer at once they would wait for ever;
# a generous limit ends that.
mkdir "$WORK/on"
cat >"$WORK/together" <<'SH'
#!/bin/sh
echo "$FANMILL_ATTEMPT" >"$2/$3"
limit=1200
until [ "$(ls "$2" | wc -l)" -ge "$1" ]; do
    limit=$((limit - 1))
    [ $limit -gt 0 ] || exit 9
    sleep 0.1
done
echo "$3"
SH
chmod +x "$WORK/together"
leases() { [ "$("$FANMILL_BIN" workers --json | grep -c "\"running\":$1,\"leased\":$2,")" = 1 ]; }

case_is "a worker that joins takes what waits at another"
coordinator
worker one -j 2
until_workers 1
fanmill submit map "$WORK/together" 4 "$WORK/on" ::: a b c d
until_ok leases 2 2
worker two -j 2
fanmill wait
expect_status 0
fanmill results last
printf '%s\n' a b c d >"$WORK/expected"
expect_same "$WORK/expected"
[ "$(cat "$WORK/on"/*)" = "$(printf '1\n1\n1\n1')" ] || wrong "a chunk that had not begun cost an attempt"
fanmill results last --json
grep -c '"attempts":1,' "$WORK/stdout" | grep -qx 4 || wrong "attempts: $(cat "$WORK/stdout")"

case_is "no matter how they are handed out"
rm "$WORK/on"/*
fanmill submit map "$WORK/together" 4 "$WORK/on" ::: a b c d
fanmill wait
expect_status 0

case_is "a slot that becomes free, behind short chunks that made the other read ahead"
rm "$WORK/on"/*
cat >"$WORK/mixed" <<'SH'
#!/bin/sh
case $3 in
[0-9]*) ;;
*) exec "$WORK/together" "$@" ;;
esac
SH
sed -i "s|\$WORK|$WORK|" "$WORK/mixed"
chmod +x "$WORK/mixed"
# shellcheck disable=SC2046
fanmill submit map "$WORK/mixed" 4 "$WORK/on" ::: $(seq 400) a b c d
fanmill wait
expect_status 0
fanmill status --json
grep -q '"chunks":404,"waiting":0,"leased":0,"running":0,"ok":404,' "$WORK/stdout" ||
    wrong "$(tail -n 1 "$WORK/stdout")"

case_is "a worker that leaves gives back what has not begun, at no attempt's cost"
rm "$WORK/on"/*
fanmill drain two
until_workers 1
fanmill submit map "$WORK/together" 4 "$WORK/on" ::: a b c d
until_ok leases 2 2
fanmill drain one
worker three -j 2
fanmill wait
expect_status 0
[ "$(cat "$WORK/on"/*)" = "$(printf '1\n1\n1\n1')" ] || wrong "attempts: $(cat "$WORK/on"/*)"
finish
