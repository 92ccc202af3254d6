# A script of one bare word: the program runs, and no shell for it; the result is the shell's.
. tests/support/lib.sh

# A program that says who started it: a shell that is not replaced would stand between.
mkdir bin
cat >bin/argv <<'PROGRAM'
#!/usr/bin/env bash
tr '\0' '\n' </proc/$PPID/cmdline | head -n 1 | grep -qx '/bin/sh' && echo "by a shell"
printf '[%s]' "$@"
echo
PROGRAM
chmod +x bin/argv
PATH=$PWD/bin:$PATH

case_is "one word is the program, with the item after it"
fanmill map argv ::: 'a b' 'c\td' ''
expect_status 0
expect_stdout "$(printf '%s\n' '[a b]' '[c\td]' '[]')"
for words in "argv" "argv {}" "  argv   {}  "; do
    fanmill map --dry-run "$words" ::: 'a b'
    expect_stdout "argv 'a b'"
done
fanmill map argv ::: a b ::: 1 2
expect_stdout "$(printf '%s\n' '[a][1]' '[a][2]' '[b][1]' '[b][2]')"
fanmill map -X -j 1 argv ::: a b c
expect_stdout "[a][b][c]"
fanmill map ./bin/argv ::: a
expect_stdout "[a]"

case_is "no shell is started"
if command -v strace >/dev/null && strace -o trace true 2>/dev/null; then
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 timeout "$LIMIT_S" strace -f -e trace=execve -o trace "$FANMILL_BIN" map true ::: 1 2 3 4 5
    grep -q 'execve("/bin/sh"' trace && wrong "a shell was started"
    [ "$(grep -c 'execve(".*/true"' trace)" = 5 ] || wrong "$(grep -c execve trace) programs were started"
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 timeout "$LIMIT_S" strace -f -e trace=execve -o trace "$FANMILL_BIN" map 'true;:' ::: 1
    grep -q 'execve("/bin/sh"' trace || wrong "a script did without its shell"
fi

case_is "pipe and job files do the same"
seq 1 1000 >data
fanmill pipe --block 1000 tac :::: data
expect_status 0
[ "$(sort -n stdout | cmp - data)" = '' ] || wrong "lines are missing"
fanmill pipe --dry-run sort :::: data
grep -q '^sort ' stdout || wrong "$(cat stdout)"
job bare <<'YAML'
source: {items: [x, y]}
stages: [{command: argv}]
YAML
fanmill run bare.yaml
expect_stdout "$(printf '%s\n' '[]' '[]')"

case_is "what a shell acts on is the shell's"
for script in 'argv;' 'argv $HOME' 'argv "{}"' 'argv a{}' 'A=b argv' 'argv *' '! argv' 'argv -x' \
    'argv {a,b}' 'argv # {}'; do
    fanmill map --dry-run "$script" ::: x
    [ "$STATUS" != 0 ] || grep -q "^/bin/sh -c" stdout || wrong "$script: $(cat stdout)"
done
fanmill map exit ::: 3
expect_status 1
expect_stderr "exit status 3"
fanmill map cd ::: / /nowhere
expect_status 1
for word in : exec eval umask read ulimit wait kill trap; do
    fanmill map --dry-run "$word" ::: x
    grep -q "^/bin/sh -c" stdout || wrong "$word: $(cat stdout)"
done
# The shell of the stage, if it names one.
job named <<'YAML'
source: {items: [x]}
stages: [{command: argv, shell: [bash, -c]}]
YAML
fanmill run --dry-run named.yaml
expect_stdout "bash -c argv fanmill"

case_is "what is not here is the shell's to tell"
fanmill map no-such-program-here ::: a
expect_status 127
expect_stderr "no-such-program-here"

case_is "its end is told by its name"
fanmill map false ::: a
expect_status 1
expect_stderr "'false' ended with exit status 1"

expect_nothing_left
finish
