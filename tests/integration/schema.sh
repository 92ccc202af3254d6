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

# Every key in every form it has.
good() { { echo 'version: 1'; cat; } >"jobs/good-$1.yaml"; }
good head <<'EOF2'
name: 7
description:
params: {a: 1, b: no, c: , d_1: "x y"}
env: {PATH_2: 1.10, _x: , lower: ""}
x-mine: {anything: [1, {}]}
source: {files: ["*", "!*.txt"]}
stages: [{command: [true, "", 1, 2.5, ~], x-mine: 1}]
order: completion
on_error: stop
max_failures: 5%
crash_limit: 1000
priority: -5
parallelism: 1
sink: none
EOF2
good files <<'EOF2'
source: {files: "**/*.jpg", x-why: 1}
chunk: {parts: 3}
stages: [{kernel: identity}]
max_failures: 3
sink: {stdout: json, format: json}
EOF2
good items <<'EOF2'
source: {items: [a, 1, no, 1.10, "", 2024-01-01]}
chunk: {items: 2}
stages:
  - pipe: [cat]
    name: first
    time: 1h
    env: {A: b}
    workdir: work/{#}
    timeout: 1.5m
    retries: {limit: 3, delay: 1s, backoff: 1.5, max_delay: 60}
    resources: {cpus: 0.5, memory: 1.5GiB, gpus: 1, labels: {ssd: 1, license-2: 0.5, quoted: "2"}}
  - command: echo {}
    chunk: {items: 1}
    shell: [bash, -eo, pipefail, -c]
    retries: 0
sink: {dir: ., name: "{#}.txt", if_exists: skip}
max_failures: 0
EOF2
good lines <<'EOF2'
source: {lines: ["-", a.txt], delimiter: "\0"}
chunk: auto
stages:
  - kernel: builtin:pi
    args: {points: 100}
    timeout: 90
reduce: {kernel: sum_f64, fan_in: all, name: sum, timeout: 250ms}
sink: {stdout: raw}
EOF2
good range <<'EOF2'
params: {n: 5, lib: libpi, k: noop}
source: {range: "1..{n}"}
stages:
  - kernel: "./{lib}.so:count"
    args: {samples: "{n}", on: true}
  - kernel: "{k}"
reduce: {pipe: cat, fan_in: 2, shell: /bin/sh -ec}
sink: {file: "out-{n}.txt", if_exists: append, format: raw}
EOF2
good counted <<'EOF2'
source: {range: {start: -5, count: 10, step: -1}}
stages: [{kernel: sleep, args: {time: 0.1}}]
reduce: {kernel: sum_u64, retries: {limit: 1}, resources: {cpus: 1}}
sink: stdout
until: {ok: 50%}
EOF2
good downwards <<'EOF2'
source: {range: 10..-10..-2}
stages: [{command: "true", chunk: auto}]
order: input
on_error: continue
until: {failed: 3}
EOF2
good matrix <<'EOF2'
source:
  matrix:
    a_1: [1, x, ""]
    b-2: 1..20
    c: {start: 0, count: 3}
    exclude: [{a_1: 1, b-2: 2}]
    include: [{a_1: 9, d: new}]
stages: [{command: "echo {a_1}", batch: false, tag: true}]
EOF2
printf 'name,age\nx,1\n' >jobs/people.csv
good csv <<'EOF2'
source: {csv: people.csv, header: "true", delimiter: ","}
stages: [{command: [echo, "{name}"], batch: true}]
EOF2
good records <<'EOF2'
source: {data: a.fasta, record: {start: ">", end: "", header: 1, keep: true}}
chunk: {records: 5}
stages: [{pipe: cat}]
EOF2
good data <<'EOF2'
source: {data: ["a.txt", "logs/*"], record: {end: "\0"}}
chunk: {lines: 10}
stages: [{pipe: cat}, {pipe: wc, chunk: {bytes: 64K}}]
sink: {file: out, if_exists: error}
EOF2
good bytes <<'EOF2'
source: {data: "-"}
chunk: {bytes: 4096}
stages: [{pipe: cat, timeout: 1d}]
on_error: finish
sink: {file: out, if_exists: overwrite}
EOF2

case_is "jobs of every kind were found"
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
[ "$(ls jobs/*.yaml | wc -l)" = "$(grep -vc '^unused ' verdicts)" ] || wrong "not every job was judged"

grep -q '^unused ' verdicts && wrong "no good job has these keys: $(grep '^unused ' verdicts)"

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
    good-*) [ "$verdict" = "$name good" ] && "$FANMILL_BIN" check -q "$file" 2>/dev/null || wrong "refused: $verdict: $(head -n 1 report)" ;;
    example-* | doc-*) [ "$verdict" = "$name good" ] || wrong "shown to users: $verdict" ;;
    esac
done
# Exact, so that neither a rule is lost nor a new mistake forgotten.
sort -o blind blind
diff "$ROOT/tests/integration/beyond-schema.txt" blind >difference ||
    wrong "mistakes that only the checker sees (tests/integration/beyond-schema.txt): $(grep '^[<>]' difference)"
finish
