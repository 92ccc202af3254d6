# fanmill top on terminals of several sizes: what is seen, keys, and the terminal given back.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
command -v tmux >/dev/null || { echo "skipped: no tmux"; exit 0; }

term() { env -u FANMILL_TEST_MARK -u TMUX tmux -S "$WORK/tmux" -f /dev/null "$@"; }
trap 'term kill-server 2>/dev/null; end_all; rm -rf "$WORK"' EXIT
term new-session -d -s keep "sleep 600"
# terminal COLUMNS ROWS COMMAND: then it says how it ended and how the terminal is.
terminal() {
    term kill-session -t shown 2>/dev/null
    term new-session -d -s shown -x "$1" -y "$2" "env LC_ALL=C bash -c '$3; echo status=\$?; stty -a | grep -o \".icanon\\|.echo \" | tr -d \"\\n\"; sleep 600'"
}
screen() { term capture-pane -t shown -p; }
shows() { screen | grep -qE -- "$1"; }
until_shown() { until_ok shows "$1" || wrong "no '$1' on the screen: $(screen)"; }
keys() { term send-keys -t shown "$@"; }
# The terminal is as it was: the picture is gone, lines and echo are back.
expect_given_back() {
    until_shown "^status=$1\$"
    until_shown '^ icanon echo'
    shows 'slots' && wrong "the picture is still there: $(screen)"
    return 0
}

coordinator
worker one -j 2
worker two -j 2
until_workers 2
job ended <<'EOF'
name: ended
source: {range: 1..1}
stages: [{command: "false"}]
EOF
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    fanmill submit ended.yaml
done
fanmill wait -q all
job slow <<EOF
name: slow
source: {range: 1..4}
stages: [{command: "until test -e $WORK/go; do sleep 0.02; done"}]
EOF
fanmill submit slow.yaml
until_ok sh -c "[ \$('$FANMILL_BIN' status last --running --json | wc -l) = 4 ]"

for size in "80 24" "40 12" "40 10"; do
    case_is "$size: workers, what runs, failures; the last line on the last row"
    # shellcheck disable=SC2086
    terminal $size "$FANMILL_BIN top"
    until_shown '^ *(13 +)?slow +running|^ 13 +slow +running'
    screen >picture
    [ "$(wc -l <picture)" = "${size#* }" ] || wrong "$(wc -l <picture) lines"
    sed -n 1p picture | grep -q 'slots 4/4 live 1 bad 12 done 0' || wrong "the first line: $(cat picture)"
    sed -n '$p' picture | grep -q '^q quit ' || wrong "the last line: $(cat picture)"
    for name in one two; do
        grep -qE "$name +ready +2/2" picture || wrong "no worker $name: $(cat picture)"
    done
    grep -qE 'ended +failed' picture || wrong "no failure: $(cat picture)"
    keys q
    expect_given_back 0
done

case_is "a terminal that changes its size"
terminal 80 24 "$FANMILL_BIN top"
until_shown 'q quit  arrows move'
term resize-window -t shown -x 40 -y 11
until_shown '^q quit  tab:live'
[ "$(screen | sed -n '$p' | cut -c 1-6)" = "q quit" ] || wrong "the last line: $(screen)"
[ "$(screen | wc -L)" -le 40 ] || wrong "too wide: $(screen)"

case_is "tab and arrows move, s sorts, p pauses"
keys Tab
until_shown 'tab:bad'
shows '^ *12 +ended' || wrong "the newest failure: $(screen)"
keys Down
until_shown '^ *11 +ended'
shows '^ *12 +ended' && wrong "it did not move: $(screen)"
keys s
until_shown 's:failed'
keys p
until_shown '^PAUSED'
keys p
until_shown '^[0-9:]{8} slots'
keys q
expect_given_back 0

case_is "Ctrl-C, and a signal"
terminal 80 24 "$FANMILL_BIN top"
until_shown 'q quit'
keys C-c
expect_given_back 0
terminal 80 24 "$FANMILL_BIN top & pid=\$!; until test -e $WORK/end; do sleep 0.02; done; kill \$pid; wait \$pid"
touch end
expect_given_back 143
rm end

case_is "Ctrl-Z gives the terminal back, fg takes it again"
term kill-session -t shown
term new-session -d -s shown -x 80 -y 24 "env LC_ALL=C PS1='prompt> ' bash --norc --noprofile -i"
until_shown '^prompt>'
keys "'$FANMILL_BIN' top" Enter
until_shown 'q quit'
keys C-z
until_shown 'Stopped'
shows 'q quit' && wrong "the picture is still there: $(screen)"
keys fg Enter
until_shown 'q quit'
keys q
until_ok sh -c "! tmux -S '$WORK/tmux' capture-pane -t shown -p | grep -q 'q quit'"
keys 'stty -a | grep -o ".icanon"' Enter
until_shown '^ icanon'

case_is "NO_COLOR"
escapes() { term capture-pane -t shown -e -p | grep -c "$(printf '\033')"; }
terminal 80 24 "NO_COLOR=1 $FANMILL_BIN top"
until_shown 'q quit'
[ "$(escapes)" = 0 ] || wrong "escape sequences"
terminal 80 24 "$FANMILL_BIN top"
until_shown 'q quit'
[ "$(escapes)" -gt 0 ] || wrong "no colors"

case_is "in a pipe: once, whole"
fanmill top
expect_status 0
grep -qE '^ +[0-9]+  one +ready +2/2' stdout || wrong "$(cat stdout)"
[ "$(grep -c ' ended ' stdout)" = 12 ] || wrong "$(cat stdout)"
touch go
finish
