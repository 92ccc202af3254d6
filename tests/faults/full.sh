# A machine that refuses processes: nothing fails for it.
. tests/support/lib.sh

yes 0.2 | head -n 200 >naps
all_good() {
    [ "$STATUS" = 0 ] || wrong "exit status $STATUS"
    [ "$(grep -c 'failed' stderr)" = 0 ] || wrong "chunks failed"
}
# told_once: the message, however long it lasts.
told_once() {
    [ "$(grep -c 'the machine refuses more processes' stderr)" = 1 ] || wrong "told $(grep -c 'refuses more processes' stderr) times"
    grep -q '32 -> [0-9]' stderr || wrong "how many slots are left is not told"
}

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    # A user that nobody else is, so that others' processes don't count.
    uid=$((70000 + $$ % 5000))
    mkdir home && chmod 777 home "$WORK" && chmod 711 "$WORK/run"
    cp "$FANMILL_BIN" home/fanmill && chmod 755 home/fanmill
    mkdir home/run && chown "$uid" home home/run && chmod 700 home/run
    as_user() { # PROCESSES ARGUMENT...
        local most=$1
        shift
        timeout -k 5 "$LIMIT_S" setpriv --reuid "$uid" --regid "$uid" --clear-groups \
            env XDG_RUNTIME_DIR="$WORK/home/run" HOME="$WORK/home" TMPDIR="$WORK/home" \
            bash -c "ulimit -u $most; exec \"\$@\"" bash ./home/fanmill "$@" >stdout 2>stderr
        STATUS=$?
    }
    for most in 45 20; do
        case_is "a user with $most processes: all 200 chunks are well"
        as_user "$most" map -j 32 sleep :::: naps
        all_good
        told_once
    done
    case_is "several programs in a chunk, and a chunk that began is not begun anew"
    job two <<'YAML'
source: {range: 1..60}
chunk: {items: 3}
stages: [{command: [sh, -c, "echo $0 >>ran; exec sleep 0.05", "{}"]}, {pipe: cat}]
YAML
    chmod 666 two.yaml && : >ran && chmod 666 ran
    as_user 20 run -j 32 two.yaml
    all_good
    [ "$(sort -n ran | uniq -c | awk '$1 != 1' | wc -l)" = 0 ] || wrong "some ran twice"
    case_is "too few to begin at all: words and a status"
    for most in 1 2 3 4 5; do
        as_user "$most" map sleep ::: 0
        case $STATUS in
        0) ;;
        134 | 139) wrong "$most processes: it aborted" ;;
        *) grep -q 'fanmill: .' stderr || wrong "$most processes: no word" ;;
        esac
    done
else
    echo "not root, or no setpriv: a user of its own is not tried"
fi

group=
for top in /sys/fs/cgroup/pids /sys/fs/cgroup; do
    [ -z "$group" ] && mkdir "$top/fanmill-test-$$" 2>/dev/null &&
        { [ -e "$top/fanmill-test-$$/pids.max" ] && group=$top/fanmill-test-$$ || rmdir "$top/fanmill-test-$$"; }
done
if [ -n "$group" ]; then
    trap 'rmdir "$group" 2>/dev/null; rm -rf "$WORK"' EXIT
    in_group() { # PROCESSES ARGUMENT...
        echo "$1" >"$group/pids.max"
        shift
        timeout -k 5 "$LIMIT_S" sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" "$FANMILL_BIN" "$@" >stdout 2>stderr
        STATUS=$?
    }
    for most in 45 20; do
        case_is "a group of $most processes: all 200 chunks are well"
        in_group "$most" map -j 32 sleep :::: naps
        all_good
        told_once
    done
    case_is "a group of 3: words and a status, no abort"
    in_group 3 map sleep ::: 0
    case $STATUS in
    134 | 139) wrong "it aborted" ;;
    0) wrong "it ran" ;;
    esac
    grep -q 'fanmill: .*refuses' stderr || wrong "no word"
else
    echo "no group of processes with a limit can be made here: not tried"
fi
expect_nothing_left
finish
