#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "proto/limits.h"

static const char *const words[] = {"-p", "--param",   "-j",      "--slots", "-q",    "--quiet",
                                    "-v", "--verbose", "--color", "-h",      "--help"};

static int mistake(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int mistake(const char *command, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "fanmill %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\ntry: fanmill %s --help\n", command);
    return -EINVAL;
}

static int unknown(const char *command, const char *word)
{
    char flag[64];
    snprintf(flag, sizeof flag, "%.*s", (int)strcspn(word, "="), word);
    const char *near = parse_nearest(flag, words, sizeof words / sizeof words[0]);
    fprintf(stderr, "fanmill %s: unknown option '%s'", command, word);
    if (near)
        fprintf(stderr, " (did you mean '%s'?)", near);
    fprintf(stderr, "\ntry: fanmill %s --help\n", command);
    return -EINVAL;
}

static int add_param(struct options *o, const char *command, char *word)
{
    char *equals = strchr(word, '=');
    if (!equals || equals == word)
        return mistake(command, "-p takes NAME=VALUE, not '%s'", word);
    if (o->n_params == OPTIONS_PARAMS_MAX)
        return mistake(command, "too many -p; '%s' is one more than can be kept", word);
    char *name = strndup(word, (size_t)(equals - word));
    if (!name)
        return mistake(command, "out of memory at '%s'", word);
    o->params[o->n_params++] = (struct plan_pair){.name = name, .value = equals + 1};
    return 0;
}

static int set_slots(struct options *o, const char *command, const char *word)
{
    uint64_t n;
    if (parse_u64(word, &n) < 0 || n < 1 || n > PROTO_SLOTS_MAX)
        return mistake(command, "-j takes a number of slots from 1 to 65536, not '%s'", word);
    o->slots = (uint32_t)n;
    return 0;
}

static int set_color(struct options *o, const char *command, const char *word)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, names[i]) == 0) {
            o->color = (enum color)i;
            return 0;
        }
    }
    return mistake(command, "--color is one of auto, always, never, not '%s'", word);
}

static int add_file(struct options *o, const char *command, size_t files_max, const char *word)
{
    if (o->n_files == files_max)
        return mistake(command, "one job file at a time: '%s' is one too many", word);
    o->files[o->n_files++] = word;
    return 0;
}

// The value of an option that takes one: behind '=', behind the letter, or the next word.
static char *value_of(const char *word, const char *letter, const char *name, int *at, int argc,
                      char **argv, bool *ret_is)
{
    size_t n = strlen(name);
    *ret_is = true;
    if (strncmp(word, letter, 2) == 0 && word[2])
        return argv[*at] + 2 + (word[2] == '=');
    if (strncmp(word, name, n) == 0 && word[n] == '=')
        return argv[*at] + n + 1;
    *ret_is = strcmp(word, letter) == 0 || strcmp(word, name) == 0;
    if (!*ret_is || *at + 1 >= argc)
        return NULL;
    return argv[++*at];
}

static int take_option(struct options *o, const char *command, int *at, int argc, char **argv)
{
    const char *word = argv[*at];
    const struct {
        const char *letter;
        const char *name;
        int kind;
    } with_value[] = {{"-p", "--param", 'p'}, {"-j", "--slots", 'j'}, {"\0-", "--color", 'c'}};
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        o->help = true;
    else if (strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0)
        o->quiet = true;
    else if (strcmp(word, "-v") == 0 || strcmp(word, "--verbose") == 0)
        o->verbose++;
    else {
        for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
            bool is;
            char *value =
                value_of(word, with_value[i].letter, with_value[i].name, at, argc, argv, &is);
            if (!is)
                continue;
            if (!value)
                return mistake(command, "%s needs a value", word);
            if (with_value[i].kind == 'p')
                return add_param(o, command, value);
            return with_value[i].kind == 'j' ? set_slots(o, command, value)
                                             : set_color(o, command, value);
        }
        return unknown(command, word);
    }
    return 0;
}

int options_parse(struct options *o, const char *command, size_t files_max, int argc, char **argv)
{
    bool only_files = false;
    int r = 0;
    for (int i = 0; i < argc && r == 0; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0)
            only_files = true;
        else if (!only_files && argv[i][0] == '-' && argv[i][1])
            r = take_option(o, command, &i, argc, argv);
        else
            r = add_file(o, command, files_max, argv[i]);
    }
    if (r == 0 && !o->help && o->n_files == 0)
        return mistake(command, "which job? give a job file%s", "");
    return r;
}

void options_done(struct options *o)
{
    for (size_t i = 0; i < o->n_params; i++)
        free(o->params[i].name);
    o->n_params = 0;
}

bool options_use_color(const struct options *o)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    if (o->color != COLOR_AUTO)
        return o->color == COLOR_ALWAYS;
    return isatty(STDERR_FILENO) && !(no_color && no_color[0]) && term && strcmp(term, "dumb") != 0;
}
