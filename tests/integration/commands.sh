# Every command line that help, the manual page, README and guides show is run, in a folder with made-up
# files. What is not run has a reason here; the counts are printed.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
PATH=$WORK/bin:$(dirname "$FANMILL_BIN"):$PATH

# ---- the lines

# unescaped: of roff, as one reads it.
unescaped() { sed 's/\\-/-/g; s/\\(aq/'"'"'/g; s/\\f.//g; s/\\&//g; s/\\e/\\/g; s/\\(dq/"/g; s/\\(ti/~/g; s/\\(ha/^/g'; }
{
    fanmill help
    sed -n 's/^  \([a-z]*\) .*/\1/p' stdout | sort -u | while read -r command; do
        "$FANMILL_BIN" "$command" --help 2>/dev/null </dev/null | awk '/^Examples:/ { on = 1; next } /^Usage/ { on = 0 } on && NF'
    done
    "$FANMILL_BIN" help --man | unescaped | grep -E '^  .*fanmill '
} | sed 's/^  *//; s/^[a-z0-9]*\$ *//; s/  [ ]*[#a-z].*//' >from-program
for page in "$ROOT"/README.md "$ROOT"/docs/guide/*.md; do
    awk '/^```sh/ { code = 1; next } /^```/ { code = 0 } code && /fanmill/' "$page" | sed 's/^[a-z0-9]*\$ *//'
    # On a line of its own text, or in a table; `fanmill map ...` is no line to type.
    grep -oE '`[^`]*fanmill (map|pipe|call|run|submit|status|wait|results|logs|keys|workers|explain) [^`]*`' "$page" |
        tr -d '`' | sed 's/\\|/|/g'
done | sed 's/  *# .*//; s/ *$//' >from-pages
sort -u from-program from-pages | grep fanmill >lines
[ "$(wc -l <from-program)" -ge 20 ] || wrong "only $(wc -l <from-program) lines of the program"
[ "$(wc -l <from-pages)" -ge 30 ] || wrong "only $(wc -l <from-pages) lines of pages"

# reason LINE: why it is not run.
reason() {
    case $1 in
    *' --host '* | *deploy-ssh* | 'ssh '* | *' ssh '* | *"'ssh "*) echo "needs other hosts: ssh.sh" ;;
    'fanmill coordinator'* | 'fanmill worker'*) echo "begins a service: service.sh, network.sh" ;;
    *...* | *WHERE* | *JOB* | *TEMPLATE* | *\<TAB\>* | *' STATE '* | *' NAME '*) echo "has a word to fill in" ;;
    *'--leftovers keep'*) echo "leaves a process behind: leftovers" ;;
    'fanmill run --json' | 'fanmill run --connect') echo "half a line" ;;
    scripts/*) echo "builds the program" ;;
    cmake* | cc* | gcc* | make* | *"--jobserver"*) echo "a compiler's: call.sh, jobserver.sh" ;;
    *.so:*) echo "a library of the user's: call.sh" ;;
    esac
}

# ---- the folder

mkdir bin
# stub NAME...: programs that read what they get and say a word.
stub() {
    local name
    for name; do
        printf '#!/bin/sh\n[ -t 0 ] || cat >/dev/null\necho "%s"\n' "${name##*/}" >"$name"
        chmod +x "$name"
    done
}
stub bin/convert bin/curl bin/ping bin/scp bin/cmd
# files: anew for each line, so that none is fed by another.
files() {
    local n name
    rm -rf folder
    mkdir folder folder/dir && cd folder || exit 1
    for n in 1 2 3; do
        for name in log jpg txt xml in raw; do
            printf 'foo %s\nbar\n 500 GET /x\n' "$n" >"$n.$name"
        done
    done
    for name in big big.log access.log x.fq list data input.txt; do
        seq 200 | sed 's/$/ foo pat " 500 x/' >"$name"
    done
    printf 'one\ntwo\n' >list
    cp list hosts
    cp list urls.txt
    cp list old
    cp list old2
    printf 'name,age\nann,3\nbob,4\n' | tee people.csv >p.csv
    seq 100 | gzip >x.gz
    stub ./sim ./fix ./a ./c ./t ./convert ./flaky-helper ./migrate
    printf 'version: 1\nsource: {range: 1..3}\nstages: [{command: [echo, "{}"]}]\n' >job.yaml
    # The job that README shows, as it is there.
    awk '/^version: 1/ { on = 1 } /^```/ { on = 0 } on' "$ROOT/README.md" >log-analysis.yaml
}

coordinator default --listen "tcp://127.0.0.1:$(free_port)"
worker one -j 2
until_workers 1
# Jobs for those who speak of job 3 or the last one.
files
for _ in 1 2 3; do
    fanmill submit job.yaml
done
fanmill wait -q all
cd "$WORK" || exit 1
: >skipped
ran=0
while IFS= read -r line <&3; do
    case_is "$line"
    why=$(reason "$line")
    if [ -n "$why" ]; then
        echo "$why" >>skipped
        continue
    fi
    files
    rm -f "$STATE"/peers/*
    case $line in
    *'invite client alice'*) ;;
    *alice.access*) "$FANMILL_BIN" invite client alice >/dev/null ;;
    esac
    case $line in
    *submit* | *status* | *wait* | *results* | *logs* | *explain* | *keys* | *workers*) ;;
    *) unset FANMILL_CONNECT ;;
    esac
    printf '1.log\n2.log\n' | timeout -k 5 "$LIMIT_S" bash -c "set -o pipefail; $line" >"$WORK/stdout" 2>"$WORK/stderr"
    STATUS=$?
    export FANMILL_CONNECT=$STATE
    cd "$WORK" || exit 1
    expect_status 0
    ran=$((ran + 1))
done 3<lines
[ "$ran" -ge 35 ] || wrong "only $ran lines were run"
echo "$ran lines were run; not run:"
sort skipped | uniq -c
end_all
finish
