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

static void begin(enum log_form form)
{
    cr_assert_eq(pipe(ends), 0);
    saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_set_level(LOG_INFO);
    log_set_form(form);
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

// What follows the time of a line, which must have the form of one.
static const char *end_timed(const char *before)
{
    const char *form = "dddd-dd-ddTdd:dd:dd.dddZ", *at = end() + strlen(before);
    cr_assert_eq(strncmp(line, before, strlen(before)), 0, "%s", line);
    for (; *form; form++, at++)
        cr_assert(*form == 'd' ? *at >= '0' && *at <= '9' : *at == *form, "%s", line);
    return at;
}

Test(log, pairs_of_all_kinds)
{
    begin(LOG_TEXT);
    log_info("all done", "a=%d b=%u c=%llu d=%zu e=%ld f=%s", -1, 2u, 3ull, (size_t)4, 5l, "six");
    cr_expect_str_eq(end_timed(""), " info all done a=-1 b=2 c=3 d=4 e=5 f=six\n");
    begin(LOG_JSON);
    log_info("all done", "a=%d b=%u c=%llu d=%zu e=%ld f=%s g=%d/%d", -1, 2u, 3ull, (size_t)4, 5l,
             "6", 7, 8);
    cr_expect_str_eq(end_timed("{\"time\":\""),
                     "\",\"level\":\"info\",\"text\":\"all done\",\"a\":-1,\"b\":2,\"c\":3,"
                     "\"d\":4,\"e\":5,\"f\":\"6\",\"g\":\"7/8\"}\n");
}

Test(log, for_people)
{
    begin(LOG_PLAIN);
    log_warn("worker lost", "worker=%u reason=\"%s\" name=%s", 3u, "it is\x1b[31m silent\n", "a b");
    cr_expect_str_eq(end(), "fanmill: worker lost: it is?[31m silent  (worker=3 name=\"a b\")\n");
    begin(LOG_PLAIN);
    log_warn("worker lost", "reason=\"%s\"", "silence");
    cr_expect_str_eq(end(), "fanmill: worker lost: silence\n");
}

Test(log, a_value_stays_in_its_quotes)
{
    const char *why = "he said \"no\"\\\n\x1b[31m\xc2\x9b\xff\xe2\x80\xae \xc3\xa4";
    begin(LOG_TEXT);
    log_warn("lost", "why=\"%s\" n=%d", why, 7);
    cr_expect_str_eq(end_timed(""),
                     " warn lost why=\"he said \\\"no\\\"\\\\\\n?[31m??? \xc3\xa4\" n=7\n");
    begin(LOG_JSON);
    log_warn("lost", "why=\"%s\" n=%d", why, 7);
    cr_expect_str_eq(end_timed("{\"time\":\""),
                     "\",\"level\":\"warn\",\"text\":\"lost\",\"why\":\"he said "
                     "\\\"no\\\"\\\\\\n?[31m??? \xc3\xa4\",\"n\":7}\n");
}

Test(log, a_value_of_several_words_gets_quotes)
{
    begin(LOG_TEXT);
    log_info("up", "name=%s host=%s other=%s", "two words", "", "a=b");
    cr_expect_str_eq(end_timed(""), " info up name=\"two words\" host=\"\" other=\"a=b\"\n");
}

// Quotes that are not escaped.
static size_t count_quotes(void)
{
    size_t quotes = 0;
    for (const char *at = line; *at; at++) {
        if (*at == '\\')
            at++;
        else
            quotes += *at == '"';
    }
    return quotes;
}

Test(log, a_long_one_is_cut_and_closed)
{
    char text[3000];
    memset(text, '"', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    begin(LOG_TEXT);
    log_info("long", "why=\"%s\" after=%d", text, 1);
    end();
    size_t len = strlen(line);
    cr_expect_leq(len, 2048);
    cr_expect_str_eq(line + len - 2, "\"\n");
    cr_expect_eq(count_quotes(), 2, "opened and closed");
    begin(LOG_JSON);
    log_info("long", "why=\"%s\" after=%d", text, 1);
    end();
    len = strlen(line);
    cr_expect_leq(len, 2048);
    cr_expect_str_eq(line + len - 3, "\"}\n");
    cr_expect_eq(count_quotes(), 8 * 2, "opened and closed");
    begin(LOG_TEXT);
    log_info("cut", "why=\"%.3s\"", "abcdef");
    cr_expect_str_eq(end_timed(""), " info cut why=abc\n");
}

Test(log, a_level_that_is_not_wanted)
{
    begin(LOG_TEXT);
    log_debug("no", "a=%d", 1);
    log_error("yes", "a=%d", 1);
    cr_expect_str_eq(end_timed(""), " error yes a=1\n");
}

Test(log, times)
{
    char text[LOG_TIME_SIZE];
    log_time(1795815600123456789, text);
    cr_expect_str_eq(text, "2026-11-27T21:40:00.123Z");
}
