#include "cli/run/spooling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/args/args.h"

static int mistake(int *ret_status, int status)
{
    *ret_status = status;
    return -EINVAL;
}

int spool_args_check(const char *command, struct spool_args *args, int *ret_status)
{
    struct stat st;
    const char *tmp = getenv("TMPDIR");
    if (args->limit && (parse_size(args->limit, &args->bytes) < 0 || args->bytes == 0))
        return mistake(
            ret_status,
            args_mistake(command, "--spool-limit takes a size like 512MiB, not '%s'", args->limit));
    args->directory = args->given ? args->given : tmp && tmp[0] ? tmp : "/tmp";
    if (!args->given)
        return 0;
    if (stat(args->given, &st) < 0 || access(args->given, W_OK) < 0)
        return mistake(ret_status,
                       args_mistake(command, "--spool-dir '%s': %s", args->given, strerror(errno)));
    if (!S_ISDIR(st.st_mode))
        return mistake(ret_status,
                       args_mistake(command, "--spool-dir '%s' is not a directory", args->given));
    return 0;
}
