# A room is a folder with one reason to change: one static library, whose DEPS are the rooms that
# scripts/layers allows it to include.
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
# Debian 12 calls it msgpack, later releases msgpack-c.
pkg_search_module(MSGPACK REQUIRED IMPORTED_TARGET msgpack-c msgpack)

add_library(fm_flags INTERFACE)
target_include_directories(fm_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(fm_flags INTERFACE _GNU_SOURCE FM_VERSION="${PROJECT_VERSION}")
target_compile_options(fm_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wpointer-arith
    -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wwrite-strings
    -Wformat=2 -Wvla -Wundef -Wimplicit-fallthrough -Wnull-dereference
    -fno-omit-frame-pointer -fno-strict-aliasing>)
if(FM_WERROR)
    target_compile_options(fm_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()
if(FM_SANITIZE)
    target_compile_options(fm_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    target_link_options(fm_flags INTERFACE -fsanitize=address,undefined)
endif()
if(FM_COVERAGE)
    target_compile_options(fm_flags INTERFACE --coverage -fprofile-update=atomic
        -fno-builtin-execve) # else gcov ends the counts of a parent by vfork()
    add_link_options(--coverage)
endif()
if(FM_FUZZ)
    target_compile_options(fm_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(FM_UCONTEXT)
    target_compile_definitions(fm_flags INTERFACE FM_UCONTEXT)
endif()

# fm_product(TARGET): code that users run: base/banned.h comes before its first line.
function(fm_product target)
    target_compile_options(${target} PRIVATE
        "$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${PROJECT_SOURCE_DIR}/base/banned.h>")
endfunction()

# fm_sources(RET SUFFIX rooms...): *SUFFIX.c and *.S of this folder and of its rooms.
function(fm_sources ret suffix)
    set(all)
    foreach(room . ${ARGN})
        file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/*${suffix}.c)
        if(suffix STREQUAL "")
            file(GLOB assembly CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.S)
        endif()
        list(APPEND all ${sources} ${assembly})
    endforeach()
    set(${ret} ${all} PARENT_SCOPE)
endfunction()

# fm_room(NAME ROOMS file build DEPS base async LIBS PkgConfig::ZMQ): every .c and .S of the folder
# and of its rooms. The walls between the rooms of one library are in layers.txt.
function(fm_room name)
    cmake_parse_arguments(ARG "" "" "ROOMS;DEPS;LIBS" ${ARGN})
    fm_sources(sources "" ${ARG_ROOMS})
    add_library(fm_${name} STATIC ${sources})
    list(TRANSFORM ARG_DEPS PREPEND fm_)
    target_link_libraries(fm_${name} PUBLIC fm_flags ${ARG_DEPS} ${ARG_LIBS})
    fm_product(fm_${name})
endfunction()

set(FM_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:abort_on_error=1"
    "LSAN_OPTIONS=print_suppressions=0")

# Criterion 2.4.1 reports success when only a leak was found, so the words themselves fail the test.
# The limit is for what hangs on a machine that is very busy; it says nothing about speed.
function(fm_test_properties name)
    set_tests_properties(${name} PROPERTIES TIMEOUT 1800
        ENVIRONMENT "${FM_TEST_ENVIRONMENT};FANMILL_BIN=$<TARGET_FILE_DIR:fm_base>/../cli/fanmill"
        FAIL_REGULAR_EXPRESSION "LeakSanitizer;AddressSanitizer;runtime error:")
endfunction()

# fm_unit(ROOM ROOMS file build DEPS rooms): one Criterion program with all *_test.c of the folder
# and of its rooms.
function(fm_unit name)
    cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;DEPS;LIBS" ${ARGN})
    if(NOT ARG_SOURCES)
        fm_sources(ARG_SOURCES _test ${ARG_ROOMS})
    endif()
    string(REPLACE "/" "_" target unit_${name})
    add_executable(${target} ${ARG_SOURCES})
    list(TRANSFORM ARG_DEPS PREPEND fm_)
    target_link_libraries(${target} PRIVATE fm_flags ${ARG_DEPS} ${ARG_LIBS} criterion)
    # Criterion's macros declare without prototypes and shadow freely.
    target_compile_options(${target} PRIVATE -Wno-missing-prototypes -Wno-shadow -Wno-conversion
        -Wno-strict-prototypes -Wno-old-style-definition -Wno-cast-qual -Wno-format-nonliteral)
    add_test(NAME unit.${name} COMMAND ${target})
    fm_test_properties(unit.${name})
endfunction()

# fm_check(NAME program SOURCES ... DEPS ...): a test program with its own main().
function(fm_check name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS;ARGS" ${ARGN})
    string(REPLACE "." "_" target ${name})
    add_executable(${target} ${ARG_SOURCES})
    list(TRANSFORM ARG_DEPS PREPEND fm_)
    target_link_libraries(${target} PRIVATE fm_flags ${ARG_DEPS} ${ARG_LIBS})
    add_test(NAME ${name} COMMAND ${target} ${ARG_ARGS})
    fm_test_properties(${name})
endfunction()

# fm_script(NAME FILE): a test that is a shell script; $FANMILL_BIN is the built program. It may
# leave with 77: what it needs is not installed.
function(fm_script name file)
    add_test(NAME ${name} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/${file}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    fm_test_properties(${name})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

# fm_long(TESTS...): too long for every day; `scripts/test long` runs them.
function(fm_long)
    set_tests_properties(${ARGN} PROPERTIES LABELS long)
endfunction()
# fm_cost(SECONDS TESTS...): of CPU time. Those that take longest begin first.
function(fm_cost seconds)
    set_tests_properties(${ARGN} PROPERTIES COST ${seconds})
endfunction()

# fm_mutants(NAME FILE PROGRAM ROOM DEPS ...): a script of mutants of ROOM (tests/support/mutants.sh);
# each is linked with the objects of the test program PROGRAM and the built libraries.
function(fm_mutants name file program room)
    cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
    list(TRANSFORM ARG_DEPS REPLACE "(.+)" "$<TARGET_FILE:fm_\\1>")
    add_test(NAME ${name} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/${file}
        ${CMAKE_BINARY_DIR}/compile_commands.json ${room}
        $<TARGET_OBJECTS:${program}> ${ARG_DEPS} ${ARG_LIBS} --
        COMMAND_EXPAND_LISTS)
    fm_test_properties(${name})
endfunction()

# fm_fuzz(NAME SOURCES ... DEPS ...): a libFuzzer target with the fuzz preset; without it, the same
# source replays tests/fuzz/corpus/NAME as a regression test through tests/fuzz/replay.c.
function(fm_fuzz name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
    list(TRANSFORM ARG_DEPS PREPEND fm_)
    if(FM_FUZZ)
        add_executable(fuzz_${name} ${ARG_SOURCES})
        target_link_libraries(fuzz_${name} PRIVATE fm_flags ${ARG_DEPS} ${ARG_LIBS})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(fuzz_${name} ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
        target_link_libraries(fuzz_${name} PRIVATE fm_flags ${ARG_DEPS} ${ARG_LIBS})
        add_test(NAME fuzz.${name}
            COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
        fm_test_properties(fuzz.${name})
    endif()
endfunction()
