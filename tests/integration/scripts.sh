# scripts/setup, run and test on a terminal, in a pipe, and when a step fails: in a copy of the scripts,
# with tools that say what the real ones say.
. tests/support/lib.sh
command -v script >/dev/null || { echo "skipped: no script(1)"; exit 0; }
mkdir -p tree/scripts bin
cp "$ROOT"/scripts/{lib.sh,setup,run,test} tree/scripts
PATH=$WORK/bin:$PATH
export GATE=$WORK/gate WORK

# tool NAME <<EOF: a program of that name.
tool() { { echo '#!/bin/sh'; cat; } >"bin/$1"; chmod +x "bin/$1"; }
tool dpkg-query <<'EOF'
[ ! -e "$WORK/lacking" ] && echo installed
EOF
tool sudo <<'EOF'
exec "$@"
EOF
tool apt-get <<'EOF'
[ "$1" = install ] || exit 0
echo "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded."
echo "Get:1 gcc"; echo "Get:2 cmake"; echo "Unpacking gcc"
until test -e "$GATE"; do sleep 0.02; done
echo "Unpacking cmake"; echo "Setting up gcc"; echo "Setting up cmake"
rm "$WORK/lacking"
EOF
tool cmake <<'EOF'
[ "$1" = --build ] || exit 0
echo '[1/485] Building C object a.c.o'
echo '[143/485] Building C object b.c.o'
until test -e "$GATE"; do sleep 0.02; done
[ -e "$WORK/broken" ] && { echo 'b.c:1: error: no'; exit 1; }
echo '[485/485] Linking C executable fanmill'
mkdir -p build/release/cli
printf '#!/bin/sh\necho "the job: $*"\n' >build/release/cli/fanmill
chmod +x build/release/cli/fanmill
EOF
tool ctest <<'EOF'
echo '        Start  1: one'
echo ' 1/12 Test  #1: one ..............   Passed    0.10 sec'
echo ' 2/12 Test  #3: two ..............***Failed    0.10 sec'
until test -e "$GATE"; do sleep 0.02; done
echo '12/12 Test #12: all ..............   Passed    0.10 sec'
echo '92% tests passed, 1 tests failed out of 12'
exit 8
EOF

# terminal COMMAND: in the background, on a terminal of its own; all that it shows is in $WORK/shown.
terminal() {
    rm -f gate
    : >shown
    (cd tree && TERM=xterm exec script -qefc "stty cols ${COLUMNS:-80}; $1" "$WORK/shown" >/dev/null 2>&1) &
    pid=$!
}
ended() {
    touch gate
    wait "$pid"
    STATUS=$?
}
# Each picture of a line, and each line that stayed.
pictures() { tr '\r' '\n' <shown | sed 's/\x1b\[K//; s/, [0-9]* s$//'; }
stayed() { sed 's/\r$//; s/.*\r//; s/\x1b\[K//; s/, [0-9]* s$//' shown | grep -v '^Script '; }
shows() { pictures | grep -qxF -- "$1"; }
expect_stayed() { [ "$(stayed)" = "$1" ] || wrong "what stayed: $(stayed)"; }
expect_lines_fit() { [ "$(pictures | grep "^\\[" | wc -L)" -lt "$1" ] || wrong "wider than the terminal: $(pictures)"; }

case_is "run: one line a step, with the progress of the build"
terminal 'scripts/run job.yaml'
until_ok shows '[3/4] building 143/485'
ended
expect_status 0
expect_stayed '[1/4] nothing is missing
[2/4] configuring
[3/4] building 485/485
[4/4] running job.yaml
the job: run job.yaml'

case_is "setup: what is installed, and how far"
touch lacking
terminal 'scripts/setup'
until_ok shows '[2/2] installing 50%'
ended
expect_status 0
stayed | grep -qxF '[1/1] packages are missing' || wrong "$(stayed)"
stayed | grep -q '^installing: gcc ' || wrong "$(stayed)"
stayed | grep -qxF '[1/2] fetching the lists of packages' || wrong "$(stayed)"
stayed | grep -qxF '[2/2] installing 100%' || wrong "$(stayed)"

case_is "test: builds and tests of both flavours, and failures as they come"
terminal 'scripts/test'
until_ok shows '[3/7] native: building 143/485'
touch gate
until_ok shows '[7/7] asan: testing 12/12, 1 failed'
ended
expect_status 1
stayed | grep -qxF '[4/7] native: testing 12/12, 1 failed' || wrong "$(stayed)"
stayed | grep -qxF '22 passed, 2 failed' || wrong "$(stayed)"

case_is "a narrow terminal"
COLUMNS=20 terminal 'scripts/run job.yaml'
until_ok shows '[3/4] building 143/'
ended
expect_status 0
expect_lines_fit 21

case_is "a step that fails: its line, then the end of its log"
touch broken
terminal 'scripts/run job.yaml'
ended
expect_status 1
stayed | grep -qxF '[3/4] building 143/485' || wrong "$(stayed)"
stayed | grep -qxF 'failed: cmake --build --preset release --target fanmill' || wrong "$(stayed)"
stayed | grep -qxF 'b.c:1: error: no' || wrong "$(stayed)"
rm broken

case_is "in a pipe all of it is quiet"
touch gate
for line in 'run job.yaml|the job: run job.yaml' 'setup|' 'test native|11 passed, 1 failed'; do
    # shellcheck disable=SC2086
    (cd tree && scripts/${line%|*}) >stdout 2>stderr
    STATUS=$?
    [ "$(cat stdout)" = "${line#*|}" ] || wrong "stdout of ${line%|*}: $(cat stdout)"
    case $line in
    test*) grep -q '\[[0-9]' stderr && wrong "stderr: $(cat stderr)" ;;
    *) expect_quiet ;;
    esac
done

case_is "a terminal that can't draw has lines that stay"
(cd tree && TERM=dumb script -qefc 'scripts/run job.yaml' "$WORK/shown" >/dev/null 2>&1)
expect_stayed '[1/4] looking for what is missing
[2/4] configuring
[3/4] building
[4/4] running job.yaml
the job: run job.yaml'
finish
