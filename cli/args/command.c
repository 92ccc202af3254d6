#include "cli/args/command.h"

#include <stdio.h>
#include <string.h>

struct command_words command_words(const struct command *command)
{
    struct command_words ret = {.second = ""};
    const char *blank = strchrnul(command->name, ' ');
    snprintf(ret.first, sizeof(ret.first), "%.*s", (int)(blank - command->name), command->name);
    snprintf(ret.second, sizeof(ret.second), "%s", *blank ? blank + 1 : "");
    return ret;
}
