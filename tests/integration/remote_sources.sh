# Every source through a coordinator of its own: followed, detached, and read where files are not seen.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"

job matrix <<'YAML'
source:
  matrix:
    mesh: [coarse, "f i n e"]
    seed: 1..3
    exclude: [{mesh: coarse, seed: 2}]
    include: [{seed: 3, more: x}]
stages: [{command: [echo, "{#}", "{mesh}", "{2}", "{more}"]}]
sink: {stdout: json}
YAML
printf 'id,name\n1,"a ""b"""\n2,c\n' >rows.csv
job csv <<'YAML'
source: {csv: rows.csv}
stages: [{command: 'echo {#} {name} {1} {@q}'}]
YAML
sed 's/rows.csv/"-"/' csv.yaml >stdin.yaml
seq 1 30000 | sed 's/.*/>&\nACGT\nAC/' >x.fa
{ echo '# a header'; cat x.fa; } | gzip -c >x.fa.gz
job fasta <<'YAML'
source: {data: x.fa, record: {start: ">"}}
chunk: {bytes: 30KB}
stages: [{pipe: cat}]
YAML
job gzip <<'YAML'
source: {data: x.fa.gz, record: {start: ">", header: 1, keep: false}}
chunk: {records: 5000}
stages: [{pipe: "head -n 1; wc -c"}]
YAML
items() { sed 's/.*"item":"\([^"]*\)".*"stdout":"\([^"]*\)".*/\1 = \2/' stdout; }
for name in matrix csv fasta gzip; do
    case_is "$name here"
    fanmill run $name.yaml
    expect_status 0
    [ $name = matrix ] && items >stdout.items && mv stdout.items stdout
    cp stdout $name.want
    [ -s $name.want ] || wrong "nothing"
done

coordinator
worker one -j 2
until_workers 1
for name in matrix csv fasta gzip; do
    case_is "$name, followed"
    fanmill run --connect "$STATE" $name.yaml
    expect_status 0
    [ $name = matrix ] && items >stdout.items && mv stdout.items stdout
    expect_same $name.want
    case_is "$name, detached"
    fanmill submit --follow $name.yaml
    expect_status 0
    [ $name = matrix ] && items >stdout.items && mv stdout.items stdout
    expect_same $name.want
done
case_is "a table on standard input works for a job that is followed, not for a detached one"
fanmill run --connect "$STATE" stdin.yaml <rows.csv
expect_status 0
expect_same csv.want
fanmill submit stdin.yaml <rows.csv
expect_status 2
expect_stderr "a detached job can't read the standard input of its submitter"

end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
unset FANMILL_CONNECT
expect_nothing_left
finish
