# The progress line: on a terminal only, never on standard output, gone before anything else.
. tests/support/lib.sh

job gated <<EOF
source: {range: 1..5}
stages:
  - command: |
      test {} -le 3 || { echo on >>$WORK/on; until test -e $WORK/go; do sleep 0.02; done; }
      echo result {}
EOF
seq -f 'result %.0f' 5 >expected
# at_gate OPTION...: a run whose last two chunks wait for $WORK/go, as soon as they do.
at_gate() {
    rm -f go on
    env TERM=xterm "$FANMILL_BIN" run -j 2 "$@" gated.yaml >stdout 2>stderr &
    pid=$!
    until_lines 2 on
}
open_gate() {
    touch go
    wait "$pid"
    STATUS=$?
}

case_is "without a terminal no line is shown"
at_gate
open_gate
expect_status 0
expect_quiet
expect_same expected

case_is "SIGUSR1 prints the line once, also without a terminal, and also with -q"
at_gate -q
asked() {
    kill -USR1 "$pid"
    grep -qx 'gated  3/5  60%  2 running.*' stderr
}
until_ok asked
open_gate
expect_status 0
expect_same expected

case_is "SIGUSR2 turns it on and off"
at_gate
until_ok asked
: >stderr
kill -USR2 "$pid"
until_lines 2 stderr
kill -USR2 "$pid"
open_gate
expect_status 0

case_is "--progress json: objects on standard error, the last one says that it ended"
at_gate --progress json
until_ok grep -q '"done":3,"total":5,"running":2,"ok":3,"failed":0,' stderr
open_gate
expect_status 0
expect_same expected
[ "$(grep -cv '^{"v":1,"progress":{"job":"gated","id":1,"seconds":[0-9.]*,"done":.*}}$' stderr)" = 0 ] ||
    wrong "not an object: $(cat stderr)"
tail -n 1 stderr | grep -q '"done":5,.*"ended":true' || wrong "the end: $(tail -n 1 stderr)"

case_is "--progress always without a terminal: a line each second"
at_gate --progress always
until_ok grep -qx 'gated  3/5  60%  2 running.*' stderr
open_gate
grep -q "$(printf '\r')" stderr && wrong "it is drawn over"

case_is "--progress takes four words"
fanmill run --progress sometimes gated.yaml
expect_status 2
expect_stderr "fanmill run: --progress is one of auto, always, never, json, not 'sometimes'"

case_is "| head -1"
job many <<'EOF'
source: {range: 1..100000}
stages: [{command: [echo, "{}"]}]
EOF
"$FANMILL_BIN" run many.yaml 2>stderr | head -n 1 >stdout
[ "${PIPESTATUS[0]}" = 141 ] || wrong "status ${PIPESTATUS[0]}"
expect_stdout 1
expect_quiet
expect_nothing_left

if ! command -v tmux >/dev/null; then
    echo "skipped: what a terminal shows (no tmux)"
    finish
fi

# ---- on a terminal

term() { env -u FANMILL_TEST_MARK -u TMUX tmux -S "$WORK/tmux" -f /dev/null "$@"; }
trap 'term kill-server 2>/dev/null; rm -rf "$WORK"' EXIT
# A server whose last session ends goes away, perhaps while the next one is begun.
term new-session -d -s keep "sleep 600"
# terminal COLUMNS COMMAND: a shell that runs it and then waits.
terminal() {
    rm -f go ended
    term new-session -d -s shown -x "$1" -y 20 "env LC_ALL=C bash -c '$2; echo \$? >ended; sleep 600'"
}
screen() { term capture-pane -t shown -p | sed '/^$/d'; }
shows() { screen | grep -qE -- "$1"; }
until_shown() { until_ok shows "$1" || wrong "the screen: $(screen)"; }
ended() {
    until_file ended
    STATUS=$(cat ended)
    expect_status "$1"
}

# only_end_line PATTERN: of the run just shown.
only_end_line() {
    [ "$(screen | wc -l)" = 1 ] && screen | grep -qxE -- "$1" || wrong "the screen: $(screen)"
}

case_is "80 columns: the line, and nothing of it afterwards or on standard output"
terminal 80 "$FANMILL_BIN run -j 2 gated.yaml >stdout"
until_shown '^gated  3/5  60%  2 running'
touch go
ended 0
expect_same expected
only_end_line 'fanmill: gated: 5 chunks ok in [0-9.]+ s|fanmill: gated: 5 chunks ok in [0-9]+m[0-9]+s'
term kill-session -t shown

case_is "in the background nothing is drawn over what the shell shows"
rm -f on pid
terminal 80 "set -m; $FANMILL_BIN run -j 2 gated.yaml >stdout & echo \$! >pid; until test -e go; do sleep 0.1; done; wait \$!"
until_lines 2 on
kill -USR1 "$(cat pid)" # asked for, it is shown, and stays
until_shown '^gated  3/5'
kill -USR1 "$(cat pid)"
twice() { [ "$(screen | grep -c '^gated  3/5')" -ge 2 ]; }
until_ok twice
[ "$(screen | grep -c '^gated')" = 2 ] || wrong "more than what was asked for: $(screen)"
touch go
ended 0
term kill-session -t shown

case_is "40 columns: cut, never wrapped"
mv gated.yaml a-name-that-fills-a-narrow-terminal.yaml
terminal 40 "$FANMILL_BIN run -j 2 a-name-that-fills-a-narrow-terminal.yaml >stdout"
until_shown '^a-name-that-fills[a-z-]*  3/5  60%'
[ "$(screen | wc -l)" = 1 ] || wrong "more than one line: $(screen)"
term resize-window -t shown -x 14
until_shown '^3/5  60%'
touch go
ended 0
term kill-session -t shown
mv a-name-that-fills-a-narrow-terminal.yaml gated.yaml

case_is "results and failures on the same terminal stand on lines of their own"
job mixed <<EOF
source: {range: 1..4}
stages: [{command: "if test {} = 2; then echo why >&2; exit 3; fi; test {} != 4 || until test -e $WORK/go; do sleep 0.02; done; echo result {}"}]
EOF
terminal 80 "$FANMILL_BIN run -j 2 mixed.yaml"
until_shown '^mixed  3/4  75%  1 running  1 failed'
touch go
ended 1
cat >expected <<'EOF'
result 1
fanmill: chunk 2 ('2') failed: the script ended with exit status 3
why
result 3
result 4
fanmill: mixed: 3 chunks ok, 1 failed, in TIME
EOF
screen | sed 's/, in [0-9.ms ]*$/, in TIME/' | sort >screen
sort expected | cmp -s - screen || wrong "the screen: $(screen)"
term kill-session -t shown

case_is "the end line says where the results are, as one writes it here"
mkdir -p sub
job sub/placed <<'EOF'
source: {range: 1..3}
stages: [{command: [echo, "{}"]}]
sink: {file: out.txt}
EOF
# placed PLACE ARGUMENT...
placed() {
    local place=$1
    shift
    terminal 80 "$FANMILL_BIN $*"
    ended 0
    only_end_line "fanmill: [a-z]*: [13] chunks? ok in [0-9.ms ]* -> $place"
    term kill-session -t shown
}
placed sub/out.txt run sub/placed.yaml
placed folder/ map --out-dir folder echo ::: 1 2 3
placed "$WORK/whole.txt" map -o "$WORK/whole.txt" echo ::: 1
case_is "one chunk is not 1 chunks, and no input is said"
placed out map -o out echo ::: 1
terminal 80 "$FANMILL_BIN map echo </dev/null"
ended 0
only_end_line 'fanmill: echo: no input, so nothing was run'
term kill-session -t shown
case_is "-q silences it; a file that is not complete is no place"
terminal 80 "$FANMILL_BIN map -q -o out echo ::: 1"
ended 0
[ -z "$(screen)" ] || wrong "the screen: $(screen)"
term kill-session -t shown
terminal 80 "$FANMILL_BIN map -o other --on-error stop false ::: 1 2 3"
ended 4
shows '-> ' && wrong "the screen: $(screen)"
shows '^fanmill: other was not written: the job did not finish$' || wrong "the screen: $(screen)"
term kill-session -t shown
case_is "a pipe hears nothing of it"
fanmill map -o out echo ::: 1
expect_quiet

for quiet in TERM=dumb CI=true; do
    case_is "$quiet: no line, no colours"
    terminal 80 "$quiet $FANMILL_BIN run -j 2 mixed.yaml >stdout"
    until_shown 'failed: the script'
    touch go
    ended 1
    [ "$(screen | grep -c running)" = 0 ] || wrong "the screen: $(screen)"
    term kill-session -t shown
done

red=$(printf '\033[31m')
coloured() { term capture-pane -t shown -e -p | grep -qF "$red"; }
for setting in "NO_COLOR=1 0" "NO_COLOR= 1" "CLICOLOR=0 0" "X=1 1"; do
    case_is "${setting% *}: colours ${setting#* }"
    terminal 80 "${setting% *} $FANMILL_BIN run -j 2 mixed.yaml >stdout"
    until_shown 'failed: the script'
    touch go
    ended 1
    has=0
    coloured && has=1
    [ "$has" = "${setting#* }" ] || wrong "colours: $has"
    term kill-session -t shown
done
case_is "CLICOLOR_FORCE: colours without a terminal; NO_COLOR is stronger"
touch go
CLICOLOR_FORCE=1 fanmill run mixed.yaml
grep -qF "$red" stderr || wrong "no colours"
NO_COLOR=1 CLICOLOR_FORCE=1 fanmill run mixed.yaml
grep -qF "$red" stderr && wrong "colours"
finish
