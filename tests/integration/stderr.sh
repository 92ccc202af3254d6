# Standard error of commands arrives whole: uncut, as it is, in the order of the chunks.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

case_is "100,000 lines of each of three chunks"
seq 100000 >lines
fanmill map 'seq 100000 >&2; echo {}' ::: a b c
expect_status 0
expect_stdout "$(printf 'a\nb\nc')"
cat lines lines lines | cmp - "$WORK/stderr" || wrong "standard error is not whole"

case_is "in order, though the last is the first to end"
rm -f go
fanmill map -j 3 'test {} = 3 || until test -e go; do sleep 0.01; done; test {} != 3 || touch go
    seq {}00000 {}00100 >&2' ::: 1 2 3
expect_status 0
(seq 100000 100100; seq 200000 200100; seq 300000 300100) | cmp - "$WORK/stderr" || wrong "the order"

case_is "bytes as they are, and lines of our own begin on a line of their own"
fanmill map 'printf "\\001\\377no end" >&2; exit 3' ::: a
expect_status 1
printf '\001\377no end\nfanmill: chunk 1' >expected
cmp expected <(head -c "$(wc -c <expected)" "$WORK/stderr") || wrong "$(head -c 60 "$WORK/stderr" | od -c)"

case_is "a job file, two stages, and a failure"
job two <<'EOF'
source: {range: 1..2}
stages:
  - {command: "seq 50000 >&2; echo {}"}
  - {pipe: "seq 50001 100000 >&2; cat; exit 4"}
EOF
fanmill run two.yaml
expect_status 1
grep -v '^fanmill' "$WORK/stderr" | cmp - <(cat lines lines) || wrong "standard error is not whole"
expect_stderr "chunk 1 ('1') failed: stage 2"

case_is "tagged with --tag, over any number of pieces"
fanmill map --tag 'seq 100000 >&2; echo {}' ::: a b
expect_status 0
(sed 's/^/a\t/' lines; sed 's/^/b\t/' lines) | cmp - "$WORK/stderr" || wrong "tags"

case_is "in records"
fanmill map --json 'seq 100000 >&2; echo {}' ::: a
python3 -c 'import json,sys; sys.stdout.write(json.load(sys.stdin)["stderr"])' <"$WORK/stdout" |
    cmp - lines || wrong "the record's stderr is not whole"

case_is "--out-dir: a file of its own; the message about a failure quotes its end"
fanmill map --out-dir d 'if test {} = b; then echo fine; else seq 100000 >&2; exit 5; fi' ::: a b
expect_status 1
cmp d/1.txt.stderr lines || wrong "the file is not whole"
[ "$(cat d/2.txt)" = fine ] || wrong "the result"
[ ! -e d/2.txt.stderr ] || wrong "a file for nothing"
expect_stderr "  | ... (last part only)"
expect_stderr "  | 100000"
[ "$(wc -l <"$WORK/stderr")" -lt 1000 ] || wrong "all of it is shown as well"
fanmill map --out-dir d true ::: a b
[ ! -e d/1.txt.stderr ] || wrong "it is an earlier run's"

case_is "-q: nothing but results"
fanmill map -q 'echo no >&2; echo {}' ::: a
expect_quiet

case_is "more than the limits of a message, in bounded memory"
fanmill map -j 2 'head -c 40M /dev/zero | tr "\0" x >&2; echo {}' ::: 1 2 3
expect_status 0
[ "$(wc -c <"$WORK/stderr")" = $((3 * 40 * 1024 * 1024)) ] || wrong "$(wc -c <"$WORK/stderr") bytes"

case_is "a detached job keeps it: results and logs show it"
coordinator
worker one -j 2
until_workers 1
fanmill submit map 'seq 100000 >&2; echo {}' ::: a b
fanmill wait last
fanmill results last
expect_status 0
expect_stdout "$(printf 'a\nb')"
cat lines lines | cmp - "$WORK/stderr" || wrong "results: standard error is not whole"
fanmill logs last
(sed 's/^/1| /' lines; sed 's/^/2| /' lines) | cmp - "$WORK/stdout" || wrong "logs: it is not whole"

finish
