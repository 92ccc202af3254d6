#!/bin/bash
# Wrong command lines: the exact message, and the exit status. Nothing runs.
. tests/support/lib.sh
echo data >data

# says STATUS ARGUMENT... <<EOF: stderr is exactly this, stdout is empty.
says() {
    local want=$1
    shift
    CASE="fanmill $*"
    cat >"$WORK/want"
    fanmill "$@" </dev/null
    expect_status "$want"
    [ ! -s "$WORK/stdout" ] || wrong "stdout is not empty"
    diff -u "$WORK/want" "$WORK/stderr" >"$WORK/difference" || wrong "$(cat "$WORK/difference")"
}
# The same with the line that refers to the help.
usage() {
    local name=$1
    shift
    { cat; echo "try: fanmill $name --help"; } >"$WORK/usage"
    says 2 "$@" <"$WORK/usage"
}

says 2 mpa <<'EOF'
fanmill: 'mpa' is not a command (did you mean 'map'?)
try: fanmill help
EOF
says 2 -j4 <<'EOF'
fanmill: no command given, only flags: -j4
try: fanmill help
EOF
says 2 -j 4 mpa <<'EOF'
fanmill: 'mpa' is not a command (did you mean 'map'?)
try: fanmill help
EOF

# ---- flags
usage map map --timout=4 echo ::: a <<'EOF'
fanmill map: unknown option '--timout=4' (did you mean '--timeout'?)
EOF
usage map map --retr 4 echo ::: a <<'EOF'
fanmill map: unknown option '--retr'
EOF
usage map map --tag=yes echo ::: a <<'EOF'
fanmill map: --tag takes no value
EOF
usage map map -0Z echo <<'EOF'
fanmill map: unknown option '-0Z' (did you mean '-0'?)
EOF
usage map map -0n <<'EOF'
fanmill map: -0n needs a value
EOF
usage map map --timeout <<'EOF'
fanmill map: --timeout needs a value
EOF
says 2 map --timeout '5 min' echo ::: a <<'EOF'
fanmill map: --timeout: '5 min' is not a duration; write 5m
EOF
says 2 map --timeout 200x echo ::: a <<'EOF'
fanmill map: --timeout: '200x' is not a duration
  hint: a bare number means seconds; or add ms, s, m, h or d
EOF
says 2 map --retries -1 --cpus two --memory '8 gb' echo ::: a <<'EOF'
fanmill map: --retries: -1 is out of range 0..1000
fanmill map: --cpus: 'two' is not a number
fanmill map: --memory: '8 gb' is not a size; write 8GB (1000^3) or 8GiB (1024^3)
EOF
says 2 map --on-error abort echo ::: a <<'EOF'
fanmill map: --on-error: 'abort' is not one of continue, finish, stop
EOF
says 2 map --max-failures 150% echo ::: a <<'EOF'
fanmill map: --max-failures: '150%' is more than 100%
EOF
usage map map --halt soon,fails=3 echo ::: a <<'EOF'
fanmill map: --halt is never, or now or soon, then fail=N, success=N or done=N, or N%: now,fail=1, not 'soon,fails=3'
EOF
says 2 map --halt now,success=0 echo ::: a <<'EOF'
fanmill map: --halt: 0 is out of range 1..9223372036854775807
EOF
usage map map --halt never --on-error stop echo ::: a <<'EOF'
fanmill map: use either --halt or --on-error and --max-failures
EOF
for n in 0 x 1.5 -% +x 65537 %; do
    usage map map -j "$n" echo ::: a <<EOF
fanmill map: -j takes a number of slots from 1 to 65536, or N%, +N, -N of the CPUs, not '$n'
EOF
done
usage map map --color blue echo ::: a <<'EOF'
fanmill map: --color is one of auto, always, never, not 'blue'
EOF
usage map map --progress bar echo ::: a <<'EOF'
fanmill map: --progress is one of auto, always, never, json, not 'bar'
EOF
usage map map --spool-limit lots echo ::: a <<'EOF'
fanmill map: --spool-limit takes a size like 512MiB, not 'lots'
EOF
says 2 map --env 2X=a echo ::: a <<'EOF'
fanmill map: --env 2X: not a valid variable name
EOF
usage map map --env NOT_THERE echo ::: a <<'EOF'
fanmill map: --env NOT_THERE: not set here; write NOT_THERE=VALUE
EOF
says 2 map -n 0 echo ::: a <<'EOF'
fanmill map: -n: 0 is out of range 1..1000000000
EOF
says 2 map -n two echo ::: a <<'EOF'
fanmill map: -n: 'two' is not a whole number
EOF

# ---- habits
usage map map --pipe wc ::: a <<'EOF'
fanmill map: --pipe is not an option here: write fanmill pipe
EOF
usage map map -I X echo X ::: a <<'EOF'
fanmill map: -I is not an option here: the placeholder is {}
EOF
usage map map --tmux echo ::: a ::: b <<'EOF'
fanmill map: --tmux is not an option here: not in this version of fanmill
EOF
usage pipe pipe -L 4 wc <<'EOF'
fanmill pipe: -L is not an option here: write -n N, or in fanmill pipe --lines N
EOF

# ---- the command
usage map map ::: a <<'EOF'
fanmill map: missing command. To run the items themselves: fanmill map sh -c {} ::: ...
EOF
usage map map -- ::: a <<'EOF'
fanmill map: missing command. To run the items themselves: fanmill map sh -c {} ::: ...
EOF
usage pipe pipe --lines 4 <<'EOF'
fanmill pipe: missing command, which gets each chunk on its standard input
EOF
usage call call --range 1..4 <<'EOF'
fanmill call: missing kernel: LIBRARY.so:FUNCTION or builtin:NAME
EOF
usage call call builtin:noop 1 2 <<'EOF'
fanmill call: '1' is one word too many; items follow ':::'
EOF
says 2 map '' ::: a <<'EOF'
fanmill map: the script: needs a value
EOF
says 2 map ' ' ::: a <<'EOF'
fanmill map: the script: the script is empty
EOF
says 2 map '' x ::: a <<'EOF'
fanmill map: '': needs a value
EOF
usage map map 'echo;' ::: a <<'EOF'
fanmill map: write {} where the item belongs in the script
EOF
says 2 map 'echo $(( {} + 1 ))' ::: a <<'EOF'
fanmill map: the script: a placeholder can't be used in $((...)): the shell would run its value as an expression
EOF
says 2 map -n 2 'echo "{}"' ::: a <<'EOF'
fanmill map: the script: a batch script takes its items as {}, outside of quotes
EOF
says 2 map echo '${{ x }}' ::: a <<'EOF'
fanmill map: '${{ x }}': placeholders are written {x}
EOF
says 2 map --workdir '{x}' echo ::: a <<'EOF'
fanmill map: --workdir: {x} is unknown here (known: {}, {#}, {%})
EOF
says 2 call nope ::: a <<'EOF'
fanmill call: the kernel: 'nope' is not a built-in kernel
  hint: did you mean 'noop'?
EOF
says 2 call ./lib.so ::: a <<'EOF'
fanmill call: the kernel: './lib.so' names no function; write ./lib.so:FUNCTION
EOF
usage call call builtin:pi --arg points ::: 1 <<'EOF'
fanmill call: --arg takes NAME=VALUE, not 'points'
EOF
says 2 call builtin:pi --arg pints=3 ::: 1 <<'EOF'
fanmill call: --arg pints: kernel 'pi' has no such arg
  hint: did you mean 'points'?
EOF
says 2 map --reduce builtin:summ echo ::: 1 <<'EOF'
fanmill map: --reduce: 'summ' is not a built-in kernel
  hint: did you mean 'sum'?
EOF
says 2 map --reduce builtin:sum --fan-in 1 echo ::: 1 <<'EOF'
fanmill map: --fan-in: 1 would never end; use 2 or more, or all
EOF
usage map map --fan-in 4 echo ::: 1 <<'EOF'
fanmill map: --fan-in goes with --reduce
EOF

# ---- the input
usage map map -a missing echo <<'EOF'
fanmill map: -a 'missing': No such file or directory
EOF
usage map map echo :::: data missing <<'EOF'
fanmill map: :::: 'missing': No such file or directory
EOF
usage map map echo :::: <<'EOF'
fanmill map: '::::' needs the names of files
EOF
usage map map echo :::+ a <<'EOF'
fanmill map: ':::+' needs a list before it to go with
EOF
usage map map -a data echo ::: b <<'EOF'
fanmill map: -a and ':::' both say where items come from
EOF
usage map map --range 1..3 echo ::: b <<'EOF'
fanmill map: --range and ':::' both say where items come from
EOF
usage call call --range 1..3 -a data builtin:noop <<'EOF'
fanmill call: --range and '-a' both say where items come from
EOF
says 2 map --range 1-3 echo <<'EOF'
fanmill map: --range: '1-3' is not a range
  hint: write 1..100 (both ends included) or 1..100..5
EOF
seq 100000 400000 >long
usage map map echo {1}{2} :::: long ::: a b <<'EOF'
fanmill map: combined lists may have 2 MiB in all; for a single long list use -a FILE
EOF
usage map map -n 2 -a long echo {1}{2} <<'EOF'
fanmill map: items used by number may have 2 MiB in all
EOF
usage map map -0 -d , echo <<'EOF'
fanmill map: -0 and -d both say how items end
EOF
usage map map -d ab echo <<'EOF'
fanmill map: -d takes one byte, or \n, \t, \0, not 'ab'
EOF
usage map map -n 2 -X echo <<'EOF'
fanmill map: -n and -X both say how many items a command gets
EOF
usage map map --csv -C ,, echo <<'EOF'
fanmill map: -C with --csv takes one byte, not ',,'
EOF
usage map map -C '' echo <<'EOF'
fanmill map: -C takes 1 to 64 bytes that separate columns
EOF
usage map map --csv echo ::: a,b <<'EOF'
fanmill map: --csv is for files ('::::', -a) and standard input, not for ':::'
EOF
usage map map --csv echo :::: data ::: b <<'EOF'
fanmill map: --csv is for files ('::::', -a) and standard input, not for ':::'
EOF
usage map map -C , echo ::: a ::: b <<'EOF'
fanmill map: -C takes one list; of several each is a column
EOF
usage map map --header -C , echo ::: a,b <<'EOF'
fanmill map: --header is for files ('::::', -a) and standard input, not for ':::'
EOF
usage pipe pipe cat ::: a <<'EOF'
fanmill pipe: data come from standard input or from files after one '::::'
EOF
usage pipe pipe cat :::: missing <<'EOF'
fanmill pipe: :::: 'missing': No such file or directory
EOF
usage pipe pipe --parts 2 cat <<'EOF'
fanmill pipe: --parts needs files (:::: FILE): the size of standard input is unknown; use --block
EOF
usage pipe pipe --parts x% cat :::: data <<'EOF'
fanmill pipe: --parts takes a number, or N% of the slots, not 'x%'
EOF
usage pipe pipe --block 1M --lines 3 cat <<'EOF'
fanmill pipe: use only one of --block, --lines, -N and --parts
EOF
says 2 pipe --block 4m cat <<'EOF'
fanmill pipe: --block: '4m' is not a size; write 4MB (1000^2) or 4MiB (1024^2)
EOF
says 2 pipe --lines 0 cat <<'EOF'
fanmill pipe: --lines: 0 is out of range 1..1000000000
EOF

# ---- the output
usage map map -o x --out-dir y echo ::: a <<'EOF'
fanmill map: use only one of -o, --out-dir and --results: all say where results go
EOF
usage map map --name x echo ::: a <<'EOF'
fanmill map: --name goes with --out-dir and --results
EOF
usage map map --tag --json echo ::: a <<'EOF'
fanmill map: --json includes the item; omit --tag
EOF
says 2 map -o "$WORK/none/x" echo ::: a <<EOF
fanmill map: -o: directory '$WORK/none': No such file or directory
EOF
says 2 map --out-dir out --name same echo ::: a <<'EOF'
fanmill map: --name: all results would go to the same file
  hint: add {#}, the number of the chunk
EOF
usage 'submit map' submit map --dry-run echo ::: a <<'EOF'
fanmill submit map: --dry-run is only for jobs that run here: fanmill map
EOF
usage 'submit map' submit -p a=b map echo ::: a <<'EOF'
fanmill submit map: -p goes with a job file
EOF

# ---- help
says 2 map <<'EOF'
Usage: fanmill map [FLAG]... COMMAND [ARG]... [::: ITEM... | :::: FILE...]...
       fanmill map [FLAG]... 'SCRIPT' [::: ITEM... | :::: FILE...]...

Examples:
  fanmill map gzip -9 ::: *.log                a gzip for each file
  find . -name '*.jpg' -print0 | fanmill map -0 'convert {} {.}.png'

More: fanmill map --help
EOF
for command in map pipe call; do
    case_is "help of $command"
    fanmill $command -h
    expect_status 0
    expect_quiet
    head -n 1 stdout | grep -qx 'Examples:' || wrong "does not begin with examples"
    sed -n '1,24p' stdout | grep -q '^Usage: ' || wrong "the usage is not on the first screen"
    # A line of its own for each flag, under headings.
    [ "$(grep -cE '^  (-., |    )--[a-z]' stdout)" -ge 30 ] || wrong "flags share lines: $(cat stdout)"
    [ "$(grep -cE '^[A-Z][a-z, ]*:$' stdout)" -ge 4 ] || wrong "no headings: $(cat stdout)"
    cp stdout help
    fanmill help $command
    expect_same help
    fanmill --help $command
    expect_same help
    fanmill $command </dev/null
    expect_status 2
    expect_stderr "Usage: fanmill $command"
done
# Flags may stand before the subcommand: which of them take a value is known.
for command in map pipe call run; do
    case_is "flags before $command"
    fanmill $command -h
    grep -oE -- '(^|  |; )(-[A-Za-z0], )?--[a-z-]+ [A-Z]' stdout | grep -oE -- '--[a-z-]+' | sort -u >flags
    [ "$(wc -l <flags)" -gt 6 ] || wrong "no flags found in the help"
    while read -r flag; do
        fanmill "$flag" $command no-such-command
        expect_stderr "fanmill: 'no-such-command' is not a command"
    done <flags
done
expect_nothing_left
finish
