// Log lines: what a value holds never ends it, and no line is longer than its limit.
#include "base/log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char line[4096];
static int saved;
static int ends[2];

static void begin(void)
{
    cr_assert_eq(pipe(ends), 0);
    saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_set_level(LOG_INFO);
}

static const char *end(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    line[n > 0 ? n : 0] = '\0';
    return line;
}

Test(log, pairs_of_all_kinds)
{
    begin();
    log_info("done", "a=%d b=%u c=%llu d=%zu e=%ld f=%s", -1, 2u, 3ull, (size_t)4, 5l, "six");
    cr_expect_str_eq(end(), "level=info msg=\"done\" a=-1 b=2 c=3 d=4 e=5 f=six\n");
}

Test(log, a_value_stays_in_its_quotes)
{
    begin();
    log_warn("lost", "why=\"%s\" n=%d", "he said \"no\"\\\n\x1b[31m", 7);
    cr_expect_str_eq(end(), "level=warn msg=\"lost\" why=\"he said \\\"no\\\"\\\\\\n?[31m\" n=7\n");
}

Test(log, a_value_of_several_words_gets_quotes)
{
    begin();
    log_info("up", "name=%s host=%s other=%s", "two words", "", "a=b");
    cr_expect_str_eq(end(), "level=info msg=\"up\" name=\"two words\" host=\"\" other=\"a=b\"\n");
}

Test(log, a_long_one_is_cut_and_closed)
{
    char text[3000];
    memset(text, '"', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    begin();
    log_info("long", "why=\"%s\" after=%d", text, 1);
    end();
    size_t len = strlen(line);
    cr_expect_leq(len, 1024);
    cr_expect_eq(line[len - 1], '\n');
    cr_expect_eq(line[len - 2], '"');
    size_t quotes = 0;
    for (size_t i = strlen("level=info msg=\"long\" why="); i < len; i++) {
        if (line[i] == '\\')
            i++;
        else
            quotes += line[i] == '"';
    }
    cr_expect_eq(quotes, 2, "opened and closed");
    begin();
    log_info("cut", "why=\"%.3s\"", "abcdef");
    cr_expect_str_eq(end(), "level=info msg=\"cut\" why=\"abc\"\n");
}

Test(log, a_level_that_is_not_wanted)
{
    begin();
    log_debug("no", "a=%d", 1);
    log_error("yes", "a=%d", 1);
    cr_expect_str_eq(end(), "level=error msg=\"yes\" a=1\n");
}
