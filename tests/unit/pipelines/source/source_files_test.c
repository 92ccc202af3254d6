#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "made.h"
#include "pipelines/frame.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/source.h"
#include "seen.h"
#include "tests/unit/pipelines/folder.h"

static void tree(struct folder *f)
{
    folder_make(f);
    mkdirat(f->fd, "d", 0700);
    mkdirat(f->fd, "d/e", 0700);
    mkdirat(f->fd, ".hidden", 0700);
    const char *names[] = {"b.txt",   "a.txt",     "-x.txt",   "c.md",
                           "d/a.txt", "d/e/z.txt", ".dot.txt", ".hidden/h.txt"};
    for (size_t i = 0; i < 8; i++)
        folder_file(f, names[i], "x", 1);
    cr_assert_eq(symlinkat("..", f->fd, "d/e/up"), 0);
}

Test(source, files_by_patterns_sorted_bytewise)
{
    struct folder f;
    tree(&f);
    const struct {
        const char *texts[3];
        const char *seen;
    } cases[] = {
        {{"*.txt"}, "[./-x.txt][a.txt][b.txt]"},
        {{"**/*.txt"}, "[./-x.txt][a.txt][b.txt][d/a.txt][d/e/z.txt]"},
        {{"**/*.txt", "!d/**", "!-*"}, "[a.txt][b.txt]"},
        {{"b.txt", "a.txt", "?.txt"}, "[a.txt][b.txt]"},
        {{"d/**"}, "[d/a.txt][d/e/z.txt]"},
        {{"[ab].txt", "!./b.txt"}, "[a.txt]"},
        {{".*.txt"}, "[.dot.txt]"},
        {{"./d/*/z.txt"}, "[./d/e/z.txt]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct made m;
        struct plan *plan = make(&m, f.path, SOURCE_FILES, CHUNK_ITEMS, 1);
        for (size_t k = 0; k < 3 && cases[i].texts[k]; k++)
            add(&m, cases[i].texts[k]);
        _cleanup_(seen_done)
        struct seen s = {0};
        cr_expect_eq(see(&s, plan, &anything), 0, "%s", s.err.text);
        expect_seen(&s, cases[i].seen);
        buf_done(&s.text);
    }
    struct made m;
    struct plan *plan = make(&m, f.path, SOURCE_FILES, CHUNK_ITEMS, 1);
    char pattern[128];
    _cleanup_(seen_done)
    struct seen s = {0};
    snprintf(pattern, sizeof(pattern), "%s/d/*.txt", f.path);
    add(&m, pattern);
    cr_assert_eq(see(&s, plan, &anything), 0, "%s", s.err.text);
    cr_assert(strstr((char *)s.text.data, "/d/a.txt]"));
    buf_done(&s.text);
    folder_remove(&f);
}

Test(source, a_backslash_takes_a_meaning_away)
{
    struct folder f;
    const struct {
        const char *text, *seen;
    } cases[] = {
        {"\\[ab].txt", "[[ab].txt]"},
        {"[ab].txt", "[a.txt]"},
        {"\\!x", "[!x]"},
        {"\\[*.txt", "[[ab].txt]"},
        {"d\\*/*.txt", "[d*/z.txt]"},
        {"**/z.txt", "[d*/z.txt]"},
        {"back\\\\slash", "[back\\slash]"},
        {"d\\*/z.txt", "[d*/z.txt]"},
    };
    folder_make(&f);
    cr_assert_eq(mkdirat(f.fd, "d*", 0700), 0);
    for (size_t i = 0; i < 5; i++)
        folder_file(&f,
                    (const char *const[]){"a.txt", "[ab].txt", "!x", "back\\slash", "d*/z.txt"}[i],
                    "x", 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct made m;
        struct plan *plan = make(&m, f.path, SOURCE_FILES, CHUNK_ITEMS, 1);
        add(&m, cases[i].text);
        _cleanup_(seen_done)
        struct seen s = {0};
        cr_expect_eq(see(&s, plan, &anything), 0, "%s: %s", cases[i].text, s.err.text);
        expect_seen(&s, cases[i].seen);
        buf_done(&s.text);
    }
    folder_remove(&f);
}

Test(source, what_is_missing_is_named)
{
    struct folder f;
    tree(&f);
    const struct {
        enum source_kind kind;
        const char *text;
        int code;
        const char *words;
    } cases[] = {
        {SOURCE_FILES, "photos/**/*.jpg", -ENOENT,
         "source.files: no file matches 'photos/**/*.jpg' (searched from /tmp/"},
        {SOURCE_FILES, "none", -ENOENT, "'none' (searched from /tmp/"},
        {SOURCE_FILES, "d", -EISDIR, "source.files: 'd': Is a directory"},
        {SOURCE_FILES, "a.txt/b", -ENOTDIR, "'a.txt/b'"},
        {SOURCE_LINES, "none", -ENOENT, "source.lines: 'none': No such file"},
        {SOURCE_LINES, "d", -EISDIR, "source.lines: 'd': Is a directory"},
        {SOURCE_DATA, "none", -ENOENT, "source.data: 'none'"},
        {SOURCE_DATA, "d", -EISDIR, "source.data: 'd': Is a directory"},
        {SOURCE_DATA, "*.log", -ENOENT, "source.data: no file matches '*.log'"},
    };
    struct made m;
    _cleanup_(seen_done)
    struct seen s = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan *plan = make(&m, f.path, cases[i].kind, CHUNK_AUTO, 0);
        add(&m, cases[i].text);
        cr_expect_eq(see(&s, plan, &anything), cases[i].code, "%s: %s", cases[i].text, s.err.text);
        expect_error(&s, cases[i].words);
    }
    struct plan *plan = make(&m, f.path, SOURCE_FILES, CHUNK_ITEMS, 1);
    add(&m, "*.txt"), add(&m, "!*");
    cr_expect_eq(see(&s, plan, &anything), -ENOENT, "all excluded");
    if (geteuid() != 0) {
        fchmodat(f.fd, "a.txt", 0, 0);
        for (enum source_kind kind = SOURCE_FILES; kind <= SOURCE_DATA; kind++) {
            if (kind == SOURCE_ITEMS || kind == SOURCE_RANGE)
                continue;
            plan = make(&m, f.path, kind, CHUNK_AUTO, 0);
            add(&m, "a.txt");
            cr_expect_eq(see(&s, plan, &anything), -EACCES);
            expect_error(&s, "'a.txt': Permission denied");
        }
    }
    folder_remove(&f);
}

Test(source, lines_of_files)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "a", "one\ntwo\n\nlast", 13);
    folder_file(&f, "empty", "", 0);
    folder_file(&f, "b", "x\0y\nz", 5);
    struct made m;
    struct plan *plan = make(&m, f.path, SOURCE_LINES, CHUNK_ITEMS, 1);
    add(&m, "a"), add(&m, "empty"), add(&m, "a");
    _cleanup_(seen_done)
    struct seen s = {0};
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[one][two][][last][one][two][][last]");
    buf_done(&s.text);
    m.step.chunking.n = 3;
    cr_assert_eq(see(&s, plan, &(struct source_want){1, 1, 0, 1}), 0);
    expect_seen(&s, "[one,two,][last,one,two][,last]");
    buf_done(&s.text);
    plan = make(&m, f.path, SOURCE_LINES, CHUNK_ITEMS, 1);
    plan->source.delimiter = 0;
    add(&m, "b");
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[x][y\nz]");
    buf_done(&s.text);
    m.step.chunking.rule = CHUNK_PARTS;
    cr_assert_eq(see(&s, plan, &anything), -EINVAL);
    expect_error(&s, "chunk.parts");
    folder_remove(&f);
}

// A pipe in the place of standard input.
static int feed_stdin(int pipe_fds[2])
{
    cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    cr_assert_eq(dup2(pipe_fds[0], STDIN_FILENO), STDIN_FILENO);
    return close(pipe_fds[0]);
}

Test(source, lines_of_a_pipe_do_not_block)
{
    int fds[2];
    feed_stdin(fds);
    struct made m;
    struct plan *plan = make(&m, "/", SOURCE_LINES, CHUNK_AUTO, 0);
    add(&m, "-");
    struct source_reader *r;
    struct run run;
    struct err err;
    cr_assert_eq(source_open(plan, &r, &err), 0);
    cr_assert_eq(source_next(r, &anything, &run, &err), -EAGAIN);
    cr_assert_geq(source_fd(r), 0);
    cr_assert_eq(write(fds[1], "one\ntw", 6), 6);
    cr_assert_eq(source_next(r, &anything, &run, &err), 1);
    cr_assert(run.kind == RUN_BYTES && run.count == 1 && memcmp(run.body.data, "one", 3) == 0);
    run_done(&run);
    cr_assert_eq(source_next(r, &anything, &run, &err), -EAGAIN);
    cr_assert_eq(write(fds[1], "o\nthree", 7), 7);
    close(fds[1]);
    cr_assert_eq(source_next(r, &anything, &run, &err), 1);
    cr_assert(run.count == 1 && memcmp(run.body.data, "two", 3) == 0);
    run_done(&run);
    cr_assert_eq(source_next(r, &anything, &run, &err), 1);
    cr_assert(run.count == 1 && run.item_first == 2 && run.body.len == 5);
    run_done(&run);
    cr_assert_eq(source_next(r, &anything, &run, &err), 0);
    cr_assert_eq(source_total(r), 3);
    source_close(r);
}

Test(source, a_line_over_the_limit_is_an_error)
{
    struct folder f;
    folder_make(&f);
    char *large = malloc(FRAME_ITEM_MAX + 1);
    memset(large, 'x', FRAME_ITEM_MAX + 1);
    folder_file(&f, "large", large, FRAME_ITEM_MAX + 1);
    free(large);
    struct made m;
    struct plan *plan = make(&m, f.path, SOURCE_LINES, CHUNK_AUTO, 0);
    add(&m, "large");
    _cleanup_(seen_done)
    struct seen s = {0};
    cr_assert_eq(see(&s, plan, &anything), -EMSGSIZE);
    expect_error(&s, "'large': item 1 is longer than 16 MiB");
    buf_done(&s.text);
    folder_remove(&f);
}

// All rules on random files: joined, the chunks are the files.
Test(source, data_joins_to_the_files)
{
    struct folder f;
    folder_make(&f);
    unsigned seed = 3;
    for (int round = 0; round < 150; round++) {
        struct buf all = {0};
        const char *names[] = {"a", "b", "c"};
        for (int i = 0; i < 3; i++) {
            size_t size = (size_t)rand_r(&seed) % 2000 * (rand_r(&seed) % 5 != 0);
            char *text = malloc(size + 1);
            for (size_t k = 0; k < size; k++)
                text[k] = rand_r(&seed) % 12 ? (char)('a' + k % 26) : '\n';
            folder_file(&f, names[i], text, size);
            buf_add(&all, text, size);
            free(text);
        }
        enum chunk_rule rules[] = {CHUNK_AUTO, CHUNK_BYTES, CHUNK_LINES, CHUNK_PARTS};
        struct made m;
        struct plan *plan = make(&m, f.path, SOURCE_DATA, rules[round % 4],
                                 round % 4 ? (uint64_t)rand_r(&seed) % 50 + 1 : 0);
        add(&m, "a"), add(&m, "b"), add(&m, "c");
        struct source_want want = {(uint64_t)rand_r(&seed) % 9 + 1, 100, 0, 2};
        _cleanup_(seen_done)
        struct seen s = {0};
        cr_assert_eq(see(&s, plan, &want), 0, "%s", s.err.text);
        size_t kept = 0;
        for (size_t i = 0; i + 1 < s.text.len; i++)
            if (s.text.data[i] != '[' && s.text.data[i] != ']')
                s.text.data[kept++] = s.text.data[i];
        cr_assert_eq(kept, all.len, "round %d", round);
        cr_assert(kept == 0 || memcmp(s.text.data, all.data, kept) == 0);
        buf_done(&s.text);
        buf_done(&all);
    }
    folder_remove(&f);
}

Test(source, data_by_lines_and_parts_exactly)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "a", "1\n22\n333\n4\n5", 12);
    folder_file(&f, "empty", "", 0);
    struct made m;
    struct plan *plan = make(&m, f.path, SOURCE_DATA, CHUNK_LINES, 2);
    add(&m, "a"), add(&m, "empty");
    _cleanup_(seen_done)
    struct seen s = {0};
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[1\n22\n][333\n4\n][5]");
    buf_done(&s.text);
    m.step.chunking = (struct chunking){CHUNK_PARTS, 5};
    cr_assert_eq(see(&s, plan, &anything), 0);
    cr_assert_eq(s.chunks, 5);
    buf_done(&s.text);
    m.step.chunking = (struct chunking){CHUNK_BYTES, 3};
    cr_assert_eq(see(&s, plan, &anything), 0);
    expect_seen(&s, "[1\n22\n][333\n][][4\n5]");
    buf_done(&s.text);
    m.step.chunking = (struct chunking){CHUNK_ITEMS, 3};
    cr_assert_eq(see(&s, plan, &anything), -EINVAL);
    folder_remove(&f);
}

Test(source, a_sparse_file_of_a_terabyte_is_only_described)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "big", "", 0);
    char path[128];
    snprintf(path, sizeof(path), "%s/big", f.path);
    if (truncate(path, 1ll << 40) < 0)
        cr_skip_test("no sparse files here");
    struct made m;
    struct plan *plan = make(&m, f.path, SOURCE_DATA, CHUNK_AUTO, 0);
    add(&m, "big");
    struct source_reader *r;
    struct err err;
    cr_assert_eq(source_open(plan, &r, &err), 0);
    struct source_want want = {1000, 1 << 20, 0, 2};
    struct run run;
    uint64_t chunks = 0;
    while (source_next(r, &want, &run, &err) == 1) {
        chunks += run.count;
        run_done(&run);
    }
    cr_assert_eq(chunks, (1ull << 40) / (8 << 20));
    source_close(r);
    m.step.chunking = (struct chunking){CHUNK_PARTS, 2};
    cr_assert_eq(source_open(plan, &r, &err), 0);
    cr_assert_eq(source_next(r, &want, &run, &err), -EFBIG);
    cr_assert(strstr(err.text, "'big'"), "%s", err.text);
    source_close(r);
    folder_remove(&f);
}

Test(source, memory_stays_bounded_while_lines_are_read)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "big", "", 0);
    int fd = openat(f.fd, "big", O_WRONLY | O_CLOEXEC);
    char block[8192];
    memset(block, '\n', sizeof(block));
    for (int i = 0; i < 1024; i++) // 8 Mi lines
        cr_assert_eq(fd_write_all(fd, block, sizeof(block)), 0);
    close(fd);
    struct made m;
    struct plan *plan = make(&m, f.path, SOURCE_LINES, CHUNK_AUTO, 0);
    add(&m, "big");
    struct source_reader *r;
    struct err err;
    struct run run;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    cr_assert_eq(source_open(plan, &r, &err), 0);
    struct source_want want = {100, 1 << 20, 1000, 2};
    uint64_t items = 0;
    while (source_next(r, &want, &run, &err) == 1) {
        items = run.item_end;
        run_done(&run);
    }
    getrusage(RUSAGE_SELF, &after);
    source_close(r);
    cr_assert_eq(items, 8 << 20);
    long grown = after.ru_maxrss - before.ru_maxrss;
#ifndef __SANITIZE_ADDRESS__
    cr_assert_lt(grown, 16 << 10, "%ld KiB more", grown);
#else
    (void)grown; // freed memory stays in quarantine
#endif
    folder_remove(&f);
}

Test(source, files_that_change_are_errors)
{
    struct folder f;
    folder_make(&f);
    struct made m;
    struct source_reader *r;
    struct err err;
    struct run run;
    for (int lines = 0; lines < 2; lines++) {
        folder_file(&f, "a", "1\n2\n3\n", 6);
        struct plan *plan =
            make(&m, f.path, SOURCE_DATA, lines ? CHUNK_LINES : CHUNK_BYTES, lines ? 2 : 4);
        add(&m, "a");
        cr_assert_eq(source_open(plan, &r, &err), 0);
        folder_file(&f, "a", "1\n", 2);
        cr_expect_eq(source_next(r, &anything, &run, &err), -ESTALE);
        cr_expect(strstr(err.text, "'a' became shorter"), "%s", err.text);
        source_close(r);
        folder_file(&f, "a", "1\n2\n3\n", 6);
        cr_assert_eq(source_open(plan, &r, &err), 0);
        unlinkat(f.fd, "a", 0);
        cr_expect_eq(source_next(r, &anything, &run, &err), -ENOENT);
        cr_expect(strstr(err.text, "'a'"), "%s", err.text);
        source_close(r);
    }
    folder_remove(&f);
}

Test(source, data_of_a_pipe_is_cut_here)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "a", "file\n", 5);
    const struct chunking rules[] = {{CHUNK_LINES, 2}, {CHUNK_BYTES, 3}, {CHUNK_AUTO, 0}};
    const char *seen[] = {"[file\n][a\nb\n][c][file\n]", "[file\n][][a\nb\n][c][file\n][]",
                          "[file\n][a\nb\nc][file\n]"};
    for (int i = 0; i < 3; i++) {
        int fds[2];
        feed_stdin(fds);
        cr_assert_eq(write(fds[1], "a\nb\nc", 5), 5);
        close(fds[1]);
        struct made m;
        struct plan *plan = make(&m, f.path, SOURCE_DATA, rules[i].rule, rules[i].n);
        add(&m, "a"), add(&m, "-"), add(&m, "a");
        _cleanup_(seen_done)
        struct seen s = {0};
        cr_assert_eq(see(&s, plan, &anything), 0, "%s", s.err.text);
        expect_seen(&s, seen[i]);
        buf_done(&s.text);
    }
    struct made m;
    _cleanup_(seen_done)
    struct seen s = {0};
    struct plan *plan = make(&m, f.path, SOURCE_DATA, CHUNK_PARTS, 2);
    add(&m, "-");
    cr_assert_eq(see(&s, plan, &anything), -EINVAL);
    expect_error(&s, "'standard input' is a pipe");
    m.step.chunking = (struct chunking){CHUNK_BYTES, 1ull << 30};
    cr_assert_eq(see(&s, plan, &anything), -EFBIG);
    expect_error(&s, "'standard input'");
    folder_remove(&f);
}
