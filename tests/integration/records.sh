# data: compressed files, records with ends and starts of several bytes, headers, against plain tools.
. tests/support/lib.sh

# run NAME: one job with the given source and chunk rule; results in order.
data() {
    job "$1" <<YAML
source: {data: $2, record: $3}
chunk: $4
stages: [{pipe: $5}]
YAML
    fanmill run "$1.yaml"
    expect_status 0
    expect_quiet
}

seq 1 100000 | sed 's/.*/line & of some text/' >text
gzip -c text >text.gz
zstd -q -c text >text.zst
{ head -n 50000 text | gzip -c; tail -n +50001 text | gzip -c; } >members.gz
{ head -n 50000 text | zstd -q -c; tail -n +50001 text | zstd -q -c; } >frames
for file in text text.gz text.zst members.gz frames; do
    for chunk in '{bytes: 64KiB}' '{lines: 999}' auto '{records: 5000}'; do
        case_is "$file by $chunk equals the text"
        data packed "$file" '{}' "$chunk" cat
        expect_same text
    done
done
case_is "several files, compressed and not, with exclusion"
cat text text text >want
mkdir logs && cp text.gz text.zst text logs/ && echo no >logs/skip
data many '["logs/*", "!**/skip"]' '{}' '{bytes: 1MiB}' cat
expect_same want

case_is "parts of a compressed file"
job parts <<'YAML'
source: {data: text.gz}
chunk: {parts: 3}
stages: [{pipe: cat}]
YAML
fanmill run parts.yaml
expect_status 2
expect_stderr "source.data: 'text.gz' is compressed, so its size is unknown; chunk.parts needs a plain file, use bytes or lines"

case_is "compressed data that are cut off or damaged"
head -c 1000 text.gz >cut.gz
sed 's/text.gz/cut.gz/; s/{parts: 3}/{lines: 1000}/' parts.yaml >cut.yaml
fanmill run cut.yaml
expect_status 4
expect_stderr "source.data: 'cut.gz' is truncated: its compressed data end too early"
{ head -c 1000 text.zst; printf 'xxxxxxxxxxxxxxxxxxxx'; tail -c +1021 text.zst; } >bad.zst
sed 's/text.gz/bad.zst/; s/{parts: 3}/{lines: 1000}/' parts.yaml >bad.yaml
fanmill run bad.yaml
expect_status 4
expect_stderr "source.data: 'bad.zst': its compressed data are damaged"

# FASTA: a record is a line that begins with > and the lines that follow it.
awk 'BEGIN { srand(7); for (i = 1; i <= 3000; i++) { print ">seq" i " a->b"
    for (j = rand() * 5; j > 0; j--) print substr("ACGTACGTACGTACGTACGT>", 1 + rand() * 20) } }' >x.fa
gzip -c x.fa >x.fa.gz
for source in x.fa x.fa.gz '"-"'; do
    for chunk in '{records: 7}' '{bytes: 300}' '{bytes: 64KiB}'; do
        case_is "FASTA of $source by $chunk: whole records, each once"
        job fasta <<YAML
source: {data: $source, record: {start: ">"}}
chunk: $chunk
stages:
  - pipe: "awk 'NR == 1 && !/^>/ { exit 1 } { print }'"
YAML
        fanmill run fasta.yaml <x.fa
        expect_status 0
        expect_same x.fa
    done
done
case_is "FASTA in 13 parts"
data fastaparts x.fa '{start: ">"}' '{parts: 13}' cat
expect_same x.fa
case_is "as many records in each chunk as wanted"
data count x.fa '{start: ">"}' '{records: 1000}' "grep -c '^>'"
expect_stdout "$(printf '1000\n1000\n1000')"
data count x.fa.gz '{start: ">"}' '{records: 1000}' "grep -c '^>'"
expect_stdout "$(printf '1000\n1000\n1000')"

case_is "an end of several bytes, and a start alone"
seq 1 5000 | sed 's/$/\r/' >crlf
for chunk in '{records: 11}' '{bytes: 100}'; do
    data crlf crlf '{end: "\r\n"}' "$chunk" cat
    expect_same crlf
done
awk 'BEGIN { for (i = 0; i < 2000; i++) printf "BEGIN%dx%c", i, i % 3 ? 10 : 32 }' >begins
for chunk in '{records: 11}' '{bytes: 50}'; do
    data begins begins '{end: "", start: BEGIN}' "$chunk" "\"sed -n '1{/^BEGIN/!q1;};p'\""
    expect_same begins
done
case_is "paragraphs: an empty line ends a record"
awk 'BEGIN { RS = "" } END { print NR }' /usr/share/common-licenses/GPL-3 >want
data paragraphs /usr/share/common-licenses/GPL-3 '{end: "\n\n"}' '{records: 10}' cat
expect_same /usr/share/common-licenses/GPL-3

case_is "bytes alone: no end at all"
data bytes text '{end: ""}' '{bytes: 1000}' "wc -c"
size=$(wc -c <text)
{ yes 1000 | head -n $((size / 1000)); echo $((size % 1000)); } >want
expect_same want

case_is "ends that are dropped"
printf 'a\0bb\0ccc' >nul
data keep nul '{end: "\0", keep: false}' '{records: 1}' "cat; echo"
expect_stdout "$(printf 'a\nbb\nccc')"
data keep nul '{end: "\0"}' '{records: 1}' "od -An -c"
expect_stdout "$(printf 'a\0' | od -An -c; printf 'bb\0' | od -An -c; printf 'ccc' | od -An -c)"

# A table: two lines of header that each chunk begins with.
{ printf '# made by hand\nn,square\n'; seq 1 20000 | awk '{ print $1 "," $1 * $1 }'; } >table.csv
gzip -c table.csv >table.gz
for source in table.csv table.gz '"-"'; do
    for chunk in '{records: 3000}' '{bytes: 16KiB}'; do
        case_is "the header of $source in each chunk by $chunk"
        job header <<YAML
source: {data: $source, record: {header: 2}}
chunk: $chunk
stages:
  - pipe: "awk -F, 'NR == 1 && !/^# made/ || NR == 2 && \$2 != \"square\" { exit 1 } NR > 2 { s += \$1 } END { printf \"%d\", s; print \"\" }'"
  - kernel: sum_u64
    chunk: {items: 100000}
YAML
        fanmill run header.yaml <table.csv
        expect_status 0
        expect_stdout "$(awk -F, 'NR > 2 { s += $1 } END { printf "%d\n", s }' table.csv)"
    done
done
case_is "a header and nothing else is an empty job"
head -n 2 table.csv >empty.csv
data onlyheader empty.csv '{header: 2}' '{bytes: 100}' cat
[ ! -s stdout ] || wrong "output from nothing"

expect_nothing_left
finish
