#include "cli/jobs/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

// "5", "3-7", "last", "all". -EINVAL.
static int parse_range(const char *word, struct job_range *ret)
{
    char first[24];
    const char *dash = strchr(word, '-');
    if (strcmp(word, "last") == 0) {
        *ret = (struct job_range){0, 0};
        return 0;
    }
    if (strcmp(word, "all") == 0) {
        *ret = (struct job_range){1, UINT64_MAX};
        return 0;
    }
    snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - word) : (int)sizeof(first), word);
    if (parse_u64(first, &ret->first) < 0 || ret->first == 0)
        return -EINVAL;
    if (!dash) {
        ret->last = ret->first;
        return 0;
    }
    return parse_u64(dash + 1, &ret->last) < 0 || ret->last < ret->first ? -EINVAL : 0;
}

int ask_parse(const char *command, const struct args *args, void *options, int argc, char **argv,
              const char *other, struct job_range *ret, int *ret_status)
{
    struct word_list words;
    int r = args_parse(command, args, options, argc, argv, &words, ret_status);
    if (r != 0)
        return r;
    const char *word = words.n ? words.list[0] : other;
    r = parse_range(word, ret);
    if (r < 0)
        *ret_status = args_mistake(command, "'%s' does not name a job: give " JOB_FORMS, word);
    return r;
}

int ask_done(int status)
{
    return fflush(stdout) == 0 ? status : EXIT_OUTPUT;
}

int ask_no_job(void)
{
    fprintf(stderr, "fanmill: no such job\n");
    return EXIT_USAGE;
}
