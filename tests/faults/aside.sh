# A worker that can't start what another can: it spoils no job.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

mkdir tools
printf '#!/bin/sh\necho "$1"\n' >tools/only-here && chmod +x tools/only-here

coordinator
begin worker-good env PATH="$PWD/tools:$PATH" "$FANMILL_BIN" worker -v --name good -j 1
until_workers 1
begin worker-bad "$FANMILL_BIN" worker -v --name bad -j 1
until_workers 2

case_is "a worker that lacks the program: argv, a bare word and a script"
seq 200 >want
for command in 'only-here {}' 'only-here {};' 'only-here'; do
    fanmill map --on-error continue "$command" :::: want
    expect_status 0
    expect_same want
done
fanmill map only-here {} :::: want
expect_status 0
expect_same want
grep -q 'set aside.*name=bad.*only-here' "$WORK"/coordinator-default.log || wrong "the log does not tell"
grep -q 'set aside.*name=good' "$WORK"/coordinator-default.log && wrong "the good one was set aside"

case_is "explain says who is set aside and why"
printf '#!/bin/sh\nuntil [ -e "%s/go" ]; do sleep 0.05; done\n' "$PWD" >tools/slow-here
chmod +x tools/slow-here
job=$("$FANMILL_BIN" submit map slow-here {} ::: 1 2 3 4)
says() { "$FANMILL_BIN" explain "$job" 2>&1 | grep -q "is set aside for .* s: .*slow-here"; }
until_ok says
touch go
"$FANMILL_BIN" wait "$job" >/dev/null 2>&1 || wrong "status $?"

case_is "what nobody can start ends soon, with 127"
fanmill map no-such-program-anywhere {} :::: want
expect_status 127
expect_stderr "'no-such-program-anywhere' was not found on the PATH"

end_all
finish
