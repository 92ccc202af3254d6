#include "cli/run/spooling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct arg spool_flags[] = {
    {0, "spool-limit", SETS_SIZE(struct spool_options, bytes), "SIZE",
     "limit for results waiting to be written; at the limit no new chunk starts", "1GiB"},
    {0, "spool-dir", SETS_TEXT(struct spool_options, given), "DIR",
     "directory for waiting results that don't fit in memory", .offer = OFFER_FOLDER},
    {0},
};

int spool_check(const char *command, struct spool_options *options, int *ret_status)
{
    struct stat st;
    const char *tmp = getenv("TMPDIR");
    const char *given = options->given;
    options->directory = given ? given : tmp && tmp[0] ? tmp : "/tmp";
    if (!given)
        return 0;
    if (stat(given, &st) < 0 || access(given, W_OK) < 0)
        *ret_status = args_mistake(command, "--spool-dir '%s': %s", given, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        *ret_status = args_mistake(command, "--spool-dir '%s' is not a directory", given);
    else
        return 0;
    return -EINVAL;
}
