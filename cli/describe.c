#include "cli/describe.h"

#include <stdio.h>
#include <string.h>

// Names of values that say what they are.
static const struct {
    const char *name;
    enum hint_kind kind;
} kinds[] = {
    {"FILE", HINT_FILE},  {"WHERE", HINT_FILE},      {"JOB.yaml", HINT_JOB_FILE},
    {"DIR", HINT_FOLDER}, {"PROGRAM", HINT_PROGRAM}, {"CMD", HINT_PROGRAM},
};

static struct hint hint_of_name(const char *name, size_t len)
{
    struct hint hint = {.kind = HINT_NOTHING};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, name, len) == 0)
            hint.kind = kinds[i].kind;
    if (!memchr(name, '|', len) || len >= sizeof hint.words)
        return hint;
    hint.kind = HINT_WORDS;
    for (size_t i = 0; i < len; i++)
        hint.words[i] = name[i] == '|' ? ' ' : name[i];
    hint.words[len] = '\0';
    return hint;
}

struct hint hint_of_flag(const struct arg *flag)
{
    if (flag->kind == ARG_WHEN)
        return hint_of_name("auto|always|never", strlen("auto|always|never"));
    return hint_of_name(flag->meta, strlen(flag->meta));
}

static bool takes_value(const struct args *args, const char *flag, size_t len)
{
    for (size_t i = 0; i < args->n; i++) {
        const struct arg *arg = &args->table[i];
        bool is_it =
            len == 2 ? flag[1] == arg->letter
                     : strlen(arg->name) == len - 2 && memcmp(flag + 2, arg->name, len - 2) == 0;
        if (is_it)
            return arg->meta != NULL;
    }
    return false;
}

size_t hints_of_words(const struct args *args, struct hint ret[HINT_PLACES_MAX], bool *ret_repeats)
{
    size_t n = 0;
    bool skip = false;
    *ret_repeats = false;
    if (strcmp(args->command, "help") == 0) {
        ret[0] = (struct hint){.kind = HINT_COMMAND};
        return 1;
    }
    for (const char *c = args->usage;
         *c && *c != '\n' && n < HINT_PLACES_MAX && n < args->words_max;) {
        const char *end = c + strcspn(c, " \n"), *next = end + (*end == ' ');
        while (*c == '[')
            c++;
        while (end > c && strchr(".]", end[-1]))
            end--;
        size_t len = (size_t)(end - c);
        if (skip) {
            skip = false;
        } else if (len > 1 && *c == '-') {
            skip = takes_value(args, c, len);
        } else if (len > 0 && *c == ':') {
            break; // what comes behind ::: is no word of the command's own
        } else if (len > 0 && *c != '|' && strncmp(c, "OPTION", len) != 0) {
            ret[n++] = hint_of_name(c, len);
            *ret_repeats = strncmp(end, "...", 3) == 0 || strncmp(end, "]...", 4) == 0;
        }
        c = next;
    }
    return n;
}
