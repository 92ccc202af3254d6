# Ends of lines and marks at the beginning, as other systems write them.
. tests/support/lib.sh

case_is "tables with ends of CR, CRLF and LF give the same rows"
printf 'n,v\ra,1\rb,2\r' >cr.csv
printf 'n,v\r\na,1\r\nb,2\r\n' >crlf.csv
printf 'n,v\na,1\nb,2' >lf.csv
printf '\357\273\277n,v\r\na,1\r\nb,2\r\n' >mark.csv
for table in cr crlf lf mark; do
    for input in $table.csv - ; do
        from $table.csv map --csv --header echo '{n}-{v}' :::: "$input"
        expect_status 0
        expect_stdout "$(printf '%s\n' a-1 b-2)"
    done
done
printf 'a,"x\ry\r\nz"\rb,2\r\n' >quoted.csv
fanmill map --csv printf '%s\n' '{2}' :::: quoted.csv
printf 'x\ry\r\nz\n2\n' >want
expect_same want
printf 'n\r\na\r\nb\r\n' >one.csv
from one.csv map --csv --header echo '{n}-'
expect_stdout "$(printf '%s\n' a- b-)"
printf 'n,v\ra,1\rb\r' >short.csv
fanmill map --csv --header echo '{n}' :::: short.csv
expect_status 4
expect_stderr "short.csv:3: 1 field, header has 2"

case_is "lines end with LF or CRLF; what -d says is kept"
printf '\357\273\277a\r\nb\r\nc\r' >lines
fanmill map printf '%s\n' :::: lines
expect_stdout "$(printf '%s\n' a b c)"
fanmill map -n 2 printf '%s\n' :::: lines
expect_stdout "$(printf '%s\n' a b c)"
fanmill map printf '%s%s\n' :::: lines ::: x
expect_stdout "$(printf '%s\n' ax bx cx)"
fanmill map -d '\n' printf '%s\n' :::: lines
printf 'a\r\nb\r\nc\r\n' >want
expect_same want
printf 'n::v\r\na::1\r\n' >split
fanmill map -C :: --header printf '%s-%s\n' '{n}' '{v}' :::: split
expect_stdout a-1
job yaml <<'EOF'
source: {lines: lines}
stages: [{command: [printf, '%s\n', "{}"]}]
EOF
fanmill run yaml.yaml
expect_stdout "$(printf '%s\n' a b c)"

case_is "data are bytes: nothing is dropped"
fanmill pipe cat :::: lines
expect_same lines

case_is "UTF-16 is refused"
printf '\377\376a\0\n\0' >wide
for words in 'map echo :::: wide' 'map --csv --header echo :::: wide' 'map echo :::: wide ::: a'; do
    # shellcheck disable=SC2086
    fanmill $words
    [ "$STATUS" != 0 ] || wrong "$words: status 0"
    expect_stderr "'wide' is in UTF-16; turn it into UTF-8 first: iconv -f UTF-16 -t UTF-8"
done

finish
