# matrix: all combinations against loops of a shell, include and exclude, and a billion of them.
. tests/support/lib.sh

case_is "the product is that of nested loops"
job product <<'YAML'
source:
  matrix:
    letter: [a, "b c", "$(touch evil)", ""]
    number: 1..3
    sign: ["-", "it's"]
stages: [{command: "printf '%s|%s|%s|%s|%s\\n' {#} {letter} {number} {3} {}"}]
YAML
n=0
for letter in a "b c" '$(touch evil)' ""; do
    for number in 1 2 3; do
        for sign in - "it's"; do
            n=$((n + 1))
            printf '%s|%s|%s|%s|%s\n' "$n" "$letter" "$number" "$sign" "$letter $number $sign"
        done
    done
done >want
fanmill run product.yaml
expect_status 0
expect_quiet
expect_same want
sed 's/^stages/chunk: {items: 5}\n&/' product.yaml >chunks.yaml
fanmill run chunks.yaml
expect_same want
[ ! -e evil ] || wrong "a value was run as code"

case_is "exclude leaves no holes in the numbers, include adds fields and rows"
job rules <<'YAML'
source:
  matrix:
    fruit: [apple, pear]
    animal: [cat, dog]
    n: 1..2
    exclude:
      - {fruit: pear, animal: dog}
      - {n: 2, animal: cat}
    include:
      - {colour: green}
      - {animal: cat, colour: pink}
      - {fruit: banana, n: 9}
stages: [{command: [echo, "{#}", "{fruit}", "{animal}", "{n}", "{colour}", "[{}]"]}]
YAML
fanmill run rules.yaml
expect_status 0
expect_stdout '1 apple cat 1 pink [apple cat 1 pink]
2 apple dog 1 green [apple dog 1 green]
3 apple dog 2 green [apple dog 2 green]
4 pear cat 1 pink [pear cat 1 pink]
5 banana  9  [banana 9]'

case_is "workdir and names of files"
job dirs <<'YAML'
source: {matrix: {mesh: [coarse, fine], seed: 1..2}}
stages:
  - command: pwd; echo {seed}
    workdir: "runs/{mesh}/s{seed}"
sink: {dir: logs, name: "{mesh}-{seed}.txt"}
YAML
fanmill run dirs.yaml
expect_status 0
expect_quiet
for mesh in coarse fine; do
    for seed in 1 2; do
        printf '%s/runs/%s/s%s\n%s\n' "$WORK" $mesh $seed $seed | cmp -s - logs/$mesh-$seed.txt ||
            wrong "logs/$mesh-$seed.txt"
    done
done

case_is "rows appear in messages and in JSON"
job fails <<'YAML'
source: {matrix: {mesh: [coarse, fine], seed: [1]}}
stages: [{command: 'test {mesh} = fine'}]
sink: {stdout: json}
YAML
fanmill run fails.yaml
expect_status 1
expect_stderr "chunk 1 ('coarse 1') failed"
grep -q '"item":"fine 1"' stdout || wrong "no item in the JSON: $(cat stdout)"

case_is "a later stage gets the rows on its standard input"
job later <<'YAML'
source: {matrix: {a: 1..50, b: 1..40}}
stages:
  - command: [echo, "{a}.{b}"]
  - pipe: wc -l
    chunk: {items: 1000}
YAML
fanmill run later.yaml
expect_status 0
expect_stdout "$(printf '1000\n1000')"

case_is "a billion combinations start at once, and each end is there"
job billion <<'YAML'
source:
  matrix:
    a: 1..1000
    b: 1..1000
    c: 1..1000
    exclude: [{a: 1}, {b: 1000, c: 1}]
chunk: {items: 50000000}
stages: [{kernel: noop}]
YAML
fanmill run -v billion.yaml
expect_status 0
expect_stderr "20 chunks ok"
# 999 * (1000000 - 1) rows; the last of them alone, as an item of a range that is not run before it.
sed 's/{items: 50000000}/{parts: 998999001}/; s/kernel: noop/command: "echo {}; exit 1"/' billion.yaml >ends.yaml
echo "max_failures: 0" >>ends.yaml
fanmill run -j 1 ends.yaml
expect_status 4
head -n 1 stderr >first
grep -q "chunk 1 ('2 1 1') failed" first || wrong "the first row: $(cat first)"

expect_nothing_left
finish
