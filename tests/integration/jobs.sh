# Five jobs as people would write them, with small stand-ins for their programs, against plain tools.
. tests/support/lib.sh
jobs=$ROOT/tests/unit/pipelines/jobs

case_is "word-count"
mkdir -p corpus/a/b
seq 1 20000 | sed 's/.*/the & of the heap, and the rest/' >corpus/one.txt
cp /usr/share/common-licenses/GPL-2 corpus/a/b/two.txt
cp "$jobs/word-count.yaml" .
fanmill check word-count.yaml
expect_status 0
fanmill run word-count.yaml
expect_status 0
cat corpus/one.txt corpus/a/b/two.txt | tr -cs '[:alnum:]' '\n' | sort | uniq -c | awk '{ print $1, $2 }' |
    grep ' .' | sort >want
grep ' .' counts.txt | sort | cmp -s - want || wrong "other counts than sort and uniq have"

case_is "thumbnails"
mkdir -p photos/2024 thumbs bin
cat >bin/convert <<'END'
#!/bin/sh
printf '%s %s %s\n' "$1" "$3" "$2" >"$4"
END
chmod +x bin/convert
for name in 'photos/a b.jpg' 'photos/2024/$(touch pwned).jpg' photos/x.thumb.jpg photos/2024/-c.jpg; do
    echo >"$name"
done
cp "$jobs/thumbnails.yaml" .
fanmill check thumbnails.yaml
expect_status 0
PATH=$WORK/bin:$PATH fanmill run thumbnails.yaml
expect_status 0
expect_quiet
[ "$(ls thumbs)" = "$(printf '%s\n' '$(touch pwned).webp' -c.webp 'a b.webp')" ] || wrong "$(ls thumbs)"
[ "$(cat 'thumbs/a b.webp')" = "photos/a b.jpg 256x256 -resize" ] || wrong "$(cat 'thumbs/a b.webp')"
[ ! -e pwned ] || wrong "a name was run as code"

case_is "pi"
cat >pi.c <<'END'
#include <fanmill/kernel.h>
#include <stdlib.h>
#include <string.h>

int count_inside(fm_call *call);
int count_inside(fm_call *call)
{
    unsigned long long samples = strtoull(fm_arg(call, "samples"), NULL, 10);
    if (strcmp(fm_arg(call, "seed"), "42") != 0)
        return 1;
    return fm_emit_text(call, "%llu\n", samples * fm_item_count(call));
}
END
if [ -z "${ASAN_OPTIONS##*detect_leaks*}" ] && cc -shared -fPIC -I"$ROOT/include" -o libpi.so pi.c 2>stderr; then
    cp "$jobs/pi.yaml" .
    fanmill check pi.yaml
    expect_status 0
    fanmill run pi.yaml
    expect_status 0
    grep -q '"stdout":"10000000000\\n"' stdout || wrong "$(cat stdout)"
else
    wrong "the kernel does not build"
fi

case_is "logs"
"$ROOT/scripts/make-log" 30000 | sed 's/" 50[0-9] /" 500 /' >access.log
cp "$jobs/logs.yaml" .
fanmill check logs.yaml
expect_status 0
fanmill run logs.yaml
expect_status 0
grep -F ' 500 ' access.log | awk '{ n[$7]++ } END { for (u in n) print n[u] "\t" u }' | sort >want
sort errors-by-url.tsv | cmp -s - want || wrong "other errors than grep and awk find"
[ -s want ] || wrong "no error in the log"

case_is "sweep"
cat >sim <<'END'
#!/bin/sh
[ "$OMP_NUM_THREADS" = 4 ] || exit 1
echo "$*" >"$8"
echo "$2 $4 $6"
END
chmod +x sim
fanmill check "$jobs/sweep.yaml"
expect_status 0
# The program is at hand, not in each run's folder, and this machine may be small.
sed "s|\./sim|$WORK/sim|; s|8GiB|16MiB|" "$jobs/sweep.yaml" >sweep.yaml
fanmill run -j 4 sweep.yaml
expect_status 0
expect_quiet
[ "$(find runs -name result.h5 | wc -l)" = 101 ] || wrong "$(find runs -name result.h5 | wc -l) runs"
logs=(logs/*)
[ ${#logs[@]} = 101 ] || wrong "${#logs[@]} logs"
[ "$(cat logs/fine-0.05-1.txt/stdout)" = "0.05 fine 1" ] || wrong "the row of include"
[ ! -e logs/fine-0.1-1.txt ] || wrong "a row that is excluded ran"
[ "$(cat runs/coarse/nu0.5-s20/result.h5)" = "--nu 0.5 --mesh coarse --seed 20 --out result.h5" ] ||
    wrong "$(cat runs/coarse/nu0.5-s20/result.h5)"

expect_nothing_left
finish
