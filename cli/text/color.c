#include "cli/text/color.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const color_words[] = {"auto", "always", "never", NULL};

bool use_color(enum color when)
{
    return use_color_on(when, STDERR_FILENO);
}

bool use_color_on(enum color when, int fd)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    const char *wish = getenv("CLICOLOR");
    const char *force = getenv("CLICOLOR_FORCE");
    if (when != COLOR_AUTO)
        return when == COLOR_ALWAYS;
    if (no_color && no_color[0])
        return false;
    if (force && force[0] && strcmp(force, "0") != 0)
        return true;
    return isatty(fd) && term && strcmp(term, "dumb") != 0 && !(wish && strcmp(wish, "0") == 0);
}
