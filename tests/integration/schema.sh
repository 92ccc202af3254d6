# The JSON Schema against the checker, on every job of the tree and every mistake that a test knows:
# what the checker takes the schema takes too, and it refuses all but what no schema can see.
. tests/support/lib.sh
mkdir jobs
touch jobs/libpi.so jobs/lines.so

case_is "the schema is written"
fanmill schema
expect_status 0
expect_quiet
cp stdout schema.json

# mistakes/*.txt: "=== title", the job, ">>>", the report.
split_mistakes() {
    for file in "$ROOT"/tests/unit/pipelines/mistakes/{job,source,sink,stages}.txt; do
        awk -v name="mistake-$(basename "$file" .txt)" '
            /^=== / { out = sprintf("jobs/%s-%03d.yaml", name, ++n); print out "\t" substr($0, 5) >>"titles"; body = 1; next }
            /^>>>/ { body = 0 }
            body { print >out }' "$file"
    done
}
# Whole jobs in the docs, and the lines of the guide that show a source or a sink.
split_docs() {
    for file in "$ROOT"/README.md "$ROOT"/docs/guide/*.md; do
        awk -v name="doc-$(basename "$file" .md)" '
            /^```yaml/ { inside = 1; first = 1; next }
            /^```/ { inside = 0; out = "" }
            inside && first { out = /^version: 1/ ? sprintf("jobs/%s-%d.yaml", name, ++n) : ""; first = 0 }
            inside && out { print >out }
            inside && !out && /^source: / { print "version: 1\nstages: [{pipe: cat}]\n" $0 >sprintf("jobs/%s-part-%d.yaml", name, ++n) }
            inside && !out && /^sink: / {
                print "version: 1\nsource: {range: 1..3}\nstages: [{command: [echo, \"{}\"]}]\n" $0 >sprintf("jobs/%s-part-%d.yaml", name, ++n) }' "$file"
    done
}
split_mistakes
split_docs
for file in "$ROOT"/pipelines/examples/*.yaml; do
    cp "$file" "jobs/example-$(basename "$file")"
done
for file in "$ROOT"/tests/unit/pipelines/jobs/*.yaml; do
    cp "$file" "jobs/unit-$(basename "$file")"
done

case_is "there is something to compare"
for kind in example unit doc-README doc-job-file-part mistake-job mistake-stages; do
    ls jobs/$kind-* >/dev/null 2>&1 || wrong "no job of kind $kind"
done

PYTHON=
for python in python3 /usr/bin/python3; do
    "$python" -c 'import jsonschema, yaml' 2>/dev/null && PYTHON=$python && break
done
if [ -z "$PYTHON" ]; then
    echo "skipped: python3-jsonschema and python3-yaml are not there"
    finish
fi

case_is "the schema is a schema, and judges"
"$PYTHON" "$ROOT/tests/support/schema_check.py" schema.json jobs >verdicts 2>stderr ||
    wrong "it does not run: $(tail -n 1 stderr)"
[ "$(ls jobs/*.yaml | wc -l)" = "$(wc -l <verdicts)" ] || wrong "not every job was judged"

case_is "both say the same"
: >blind
for file in jobs/*.yaml; do
    name=$(basename "$file")
    verdict=$(grep -F "$name " verdicts)
    if "$FANMILL_BIN" check -q "$file" >/dev/null 2>report; then
        [ "$verdict" = "$name good" ] || wrong "only the schema refuses $verdict"
    elif [ "$verdict" = "$name good" ]; then
        grep -F "$file	" titles | cut -f 2 >>blind
    fi
    case $name in
    example-* | doc-*) [ "$verdict" = "$name good" ] || wrong "shown to users: $verdict" ;;
    esac
done
# Exact, so that neither a rule is lost nor a new mistake forgotten.
sort -o blind blind
diff "$ROOT/tests/integration/beyond-schema.txt" blind >difference ||
    wrong "mistakes that only the checker sees (tests/integration/beyond-schema.txt): $(grep '^[<>]' difference)"
finish
