#!/bin/bash
# libfanmill as an installed library: what it shows, pkg-config, CMake, C99 and C++, and the example
# programs built against it and run.
. tests/support/lib.sh
. "$ROOT/tests/support/service.sh"
BUILD=$(dirname "$(dirname "$FANMILL_BIN")")
PREFIX=$WORK/prefix
unset CMAKE_C_COMPILER_LAUNCHER # ccache would leave a folder in the runtime folder
: "${CC:=cc}"

case_is "only fm_* can be seen"
nm -D --defined-only "$BUILD/client/libfanmill.so" | awk '{ print $3 }' |
    grep -v '^fm_.*@@FANMILL_1$' | grep -v '^FANMILL_1' >"$WORK/seen"
[ ! -s "$WORK/seen" ] || wrong "the shared library shows $(head -n 3 "$WORK/seen" | tr '\n' ' ')"
nm "$BUILD/client/libfanmill.a" | awk '$2 ~ /^[TDBR]$/ && $3 !~ /^fm_/ { print $3 }' >"$WORK/seen"
[ ! -s "$WORK/seen" ] || wrong "the static library shows $(head -n 3 "$WORK/seen" | tr '\n' ' ')"
sed -n 's/.*\b\(fm_[a-z_]*\)(.*/\1/p' "$ROOT/include/fanmill/client.h" | sort -u >"$WORK/declared"
nm -D --defined-only "$BUILD/client/libfanmill.so" | sed -n 's/.* \(fm_[a-z_]*\)@@.*/\1/p' | sort -u >"$WORK/defined"
missing=$(comm -13 "$WORK/declared" "$WORK/defined")
[ -z "$missing" ] || wrong "not in the header: $missing"

case_is "installed"
cmake --install "$BUILD" --prefix "$PREFIX" >"$WORK/stdout" 2>&1 || wrong "cmake --install"
PKG_CONFIG_PATH=$(dirname "$(find "$PREFIX" -name fanmill.pc)")
sed -i "s|^prefix=.*|prefix=$PREFIX|" "$PKG_CONFIG_PATH/fanmill.pc"
LD_LIBRARY_PATH=$(dirname "$(find "$PREFIX" -name 'libfanmill.so')")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
# A sanitized library needs its runtime in the program too.
SANITIZE=
nm "$BUILD/client/libfanmill.so" | grep -q __asan_init && SANITIZE=-fsanitize=address,undefined
nm "$BUILD/client/libfanmill.so" | grep -q __gcov_init && SANITIZE=--coverage

case_is "the headers are C99 and C++"
printf '#include <fanmill/client.h>\n#include <fanmill/kernel.h>\nint main(void) { return fm_version()[0] == 0; }\n' >"$WORK/h.c"
# shellcheck disable=SC2046,SC2086
$CC -std=c99 -pedantic-errors -Wall -Wextra -Werror $SANITIZE "$WORK/h.c" $(pkg-config --cflags --libs fanmill) -o "$WORK/h" &&
    "$WORK/h" || wrong "C99"
if command -v c++ >/dev/null; then
    # shellcheck disable=SC2046,SC2086
    c++ -x c++ -std=c++11 -pedantic-errors -Wall -Wextra -Werror $SANITIZE "$WORK/h.c" $(pkg-config --cflags --libs fanmill) -o "$WORK/h" ||
        wrong "C++"
fi

case_is "the examples"
coordinator
worker one -j 4
until_workers 1
for example in prime_search parallel_map feeds_itself; do
    # shellcheck disable=SC2046,SC2086
    $CC -std=gnu99 -Wall -Wextra -Werror $SANITIZE "$ROOT/client/examples/$example.c" \
        $(pkg-config --cflags --libs fanmill) -o "$WORK/$example" || wrong "$example does not build"
done
if [ -z "$SANITIZE" ]; then
    # shellcheck disable=SC2046
    $CC -std=gnu99 "$ROOT/client/examples/feeds_itself.c" -I"$PREFIX/include" \
        "$(find "$PREFIX" -name libfanmill.a)" $(pkg-config --libs libzmq yaml-0.1 zlib libzstd) -lmsgpackc -lsodium -lpthread -lm \
        -o "$WORK/static" || wrong "the static library"
fi
timeout "$LIMIT_S" "$WORK/prime_search" 1000000 5 >"$WORK/stdout" 2>"$WORK/stderr"
[ "$(wc -l <"$WORK/stdout")" = 5 ] || wrong "prime_search: $(cat "$WORK/stdout")"
while read -r n; do
    [ "$(factor "$n")" = "$n: $n" ] || wrong "$n is not prime"
done <"$WORK/stdout"
seq 500 | sed 's/^/line /' >"$WORK/lines"
timeout "$LIMIT_S" "$WORK/parallel_map" "$WORK/lines" tr "[:lower:]" "[:upper:]" >"$WORK/stdout" 2>"$WORK/stderr"
tr "[:lower:]" "[:upper:]" <"$WORK/lines" >"$WORK/expected"
expect_same "$WORK/expected"
mkdir -p "$WORK/tree/a/b/c" "$WORK/tree/d" "$WORK/tree/a/.hidden"
touch "$WORK/tree/1" "$WORK/tree/a/2" "$WORK/tree/a/b/c/3" "$WORK/tree/a/.hidden/4"
for program in feeds_itself static; do
    [ -x "$WORK/$program" ] || continue
    timeout "$LIMIT_S" "$WORK/$program" "$WORK/tree" >"$WORK/stdout" 2>"$WORK/stderr"
    expect_stdout "4 files in 6 folders"
done

case_is "a CMake project finds it"
if [ -z "$SANITIZE" ]; then
    mkdir "$WORK/project"
    cp "$WORK/h.c" "$WORK/project/main.c"
    printf '%s\n' 'cmake_minimum_required(VERSION 3.22)' 'project(user C)' \
        'find_package(fanmill 0.1 REQUIRED)' 'add_executable(user main.c)' \
        'target_link_libraries(user fanmill::fanmill)' >"$WORK/project/CMakeLists.txt"
    cmake -G Ninja -S "$WORK/project" -B "$WORK/project/build" -DCMAKE_PREFIX_PATH="$PREFIX" >"$WORK/stdout" 2>&1 &&
        cmake --build "$WORK/project/build" >>"$WORK/stdout" 2>&1 && "$WORK/project/build/user" ||
        wrong "$(tail -n 3 "$WORK/stdout")"
fi
unset LD_LIBRARY_PATH
end_all
rmdir "$WORK/run/fanmill" 2>/dev/null
expect_nothing_left
finish
