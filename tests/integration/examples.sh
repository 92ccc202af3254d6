# Each job of pipelines/examples against the same result made by plain tools.
. tests/support/lib.sh
examples=$ROOT/pipelines/examples
texts=/usr/share/common-licenses

case_is "every example is valid"
for file in "$examples"/*.yaml; do
    fanmill check "$file"
    expect_status 0
    expect_quiet
done

case_is word-count
cat "$texts"/* | tr A-Z a-z | LC_ALL=C tr -cs 'a-z\200-\377' '\n' | grep . | sort | uniq -c |
    awk '{ print $1, $2 }' | sort -k1,1nr -k2 | head -n 20 >want
fanmill run "$examples/word-count.yaml"
expect_status 0
expect_same want
expect_quiet

case_is primes
seq 1 30000 | factor | awk 'NF == 2' | wc -l >want
fanmill run "$examples/primes.yaml" -p limit=30000
expect_status 0
expect_same want
fanmill run "$examples/primes.yaml"
expect_stdout 78498

case_is monte-carlo-pi
fanmill run "$examples/monte-carlo-pi.yaml" -p draws=2000
expect_status 0
cp stdout first
awk '{ pi = 4 * $1 / (2000 * 1000); exit !(pi > 3.136 && pi < 3.147) }' stdout || wrong "not pi: $(cat stdout)"
fanmill run -j 1 "$examples/monte-carlo-pi.yaml" -p draws=2000
expect_same first

case_is log-analysis
"$ROOT/scripts/make-log" 60000 >access.log
awk '$9 >= 500 { n[$7]++ } END { for (p in n) print n[p], p }' access.log | sort -k1,1nr -k2 >want
fanmill run "$examples/log-analysis.yaml" -p log="$WORK/access.log"
expect_status 0
expect_same want
[ "$(wc -l <want)" -gt 5 ] || wrong "the log has too few errors for a test"

case_is compress
fanmill run "$examples/compress.yaml" -p out="$WORK/gz"
expect_status 0
for file in "$texts"/*; do
    gzip -dc "gz/$(basename "$file").gz" | cmp -s - "$file" || wrong "$(basename "$file") differs"
done
[ "$(ls gz | wc -l)" = "$(ls "$texts" | wc -l)" ] || wrong "not one output for each input"

expect_nothing_left
finish
