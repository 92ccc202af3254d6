#include "cli/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/status.h"
#include "pipelines/plan.h"
#include "proto/limits.h"

#define FLAGS_MAX 64

int args_mistake(const char *command, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "fanmill %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\ntry: fanmill %s --help\n", command);
    return EXIT_USAGE;
}

static int give_help(const struct args *a)
{
    printf("Usage: fanmill %s %s\n\n%s", a->command, a->usage, a->about);
    if (a->n)
        printf("\n");
    for (size_t i = 0; i < a->n; i++) {
        const struct arg *arg = &a->table[i];
        char flag[64];
        snprintf(flag, sizeof flag, "%c%c%c --%s%s%s", arg->letter ? '-' : ' ',
                 arg->letter ? arg->letter : ' ', arg->letter ? ',' : ' ', arg->name,
                 arg->meta ? " " : "", arg->meta ? arg->meta : "");
        printf("  %-26s %s\n", flag, arg->help);
    }
    if (a->more)
        printf("\n%s", a->more);
    return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

static int unknown(const struct args *a, const char *word)
{
    char flag[64];
    char spelled[FLAGS_MAX][40];
    const char *names[FLAGS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < a->n && n + 2 < FLAGS_MAX; i++) {
        snprintf(spelled[n], sizeof spelled[n], "--%s", a->table[i].name);
        names[n] = spelled[n];
        n++;
        if (!a->table[i].letter)
            continue;
        snprintf(spelled[n], sizeof spelled[n], "-%c", a->table[i].letter);
        names[n] = spelled[n];
        n++;
    }
    names[n++] = "--help";
    snprintf(flag, sizeof flag, "%.*s", (int)strcspn(word, "="), word);
    const char *near = parse_nearest(flag, names, n);
    if (near)
        args_mistake(a->command, "unknown option '%s' (did you mean '%s'?)", word, near);
    else
        args_mistake(a->command, "unknown option '%s'", word);
    return -EINVAL;
}

static int add_param(const char *command, struct args_params *params, char *word)
{
    char *equals = strchr(word, '=');
    if (!equals || equals == word) {
        args_mistake(command, "-p takes NAME=VALUE, not '%s'", word);
        return -EINVAL;
    }
    if (!params->list)
        params->list = calloc(ARGS_PARAMS_MAX, sizeof *params->list);
    char *name = strndup(word, (size_t)(equals - word));
    if (params->n == ARGS_PARAMS_MAX || !params->list || !name) {
        args_mistake(command, "too many -p; '%s' is one more than can be kept", word);
        free(name);
        return -EINVAL;
    }
    params->list[params->n++] = (struct plan_pair){.name = name, .value = equals + 1};
    return 0;
}

void args_params_done(struct args_params *params)
{
    for (size_t i = 0; i < params->n; i++)
        free(params->list[i].name);
    free(params->list);
    *params = (struct args_params){0};
}

static int set_when(const char *command, enum color *ret, const char *word)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (int i = 0; i < 3; i++)
        if (strcmp(word, names[i]) == 0) {
            *ret = (enum color)i;
            return 0;
        }
    args_mistake(command, "--color is one of auto, always, never, not '%s'", word);
    return -EINVAL;
}

static int set_slots(const char *command, uint32_t *ret, const char *word)
{
    uint64_t n;
    if (parse_u64(word, &n) < 0 || n < 1 || n > PROTO_SLOTS_MAX) {
        args_mistake(command, "-j takes a number of slots from 1 to 65536, not '%s'", word);
        return -EINVAL;
    }
    *ret = (uint32_t)n;
    return 0;
}

static int add_to_list(const char *command, const struct arg *arg, const char *word)
{
    struct args_list *list = arg->value;
    if (list->n == ARGS_LIST_MAX) {
        args_mistake(command, "too many --%s; '%s' is one more than can be kept", arg->name, word);
        return -EINVAL;
    }
    list->list[list->n++] = word;
    return 0;
}

static int set_value(const char *command, const struct arg *arg, char *word)
{
    switch (arg->kind) {
    case ARG_TEXT:
        *(const char **)arg->value = word;
        return 0;
    case ARG_NUMBER:
        if (parse_u64(word, arg->value) == 0)
            return 0;
        args_mistake(command, "--%s takes a number, not '%s'", arg->name, word);
        return -EINVAL;
    case ARG_SLOTS:
        return set_slots(command, arg->value, word);
    case ARG_DURATION:
        if (parse_duration(word, arg->value) == 0)
            return 0;
        args_mistake(command, "--%s takes a time like 90s or 5m, not '%s'", arg->name, word);
        return -EINVAL;
    case ARG_WHEN:
        return set_when(command, arg->value, word);
    case ARG_PARAM:
        return add_param(command, arg->value, word);
    case ARG_LIST:
        return add_to_list(command, arg, word);
    case ARG_FLAG:
    case ARG_COUNT:
        break;
    }
    return 0;
}

// The flag that the word is; *ret_value: behind '=' or the letter, NULL if it is the next word.
static const struct arg *find(const struct args *a, char *word, char **ret_value)
{
    *ret_value = NULL;
    for (size_t i = 0; i < a->n; i++) {
        const struct arg *arg = &a->table[i];
        size_t n = strlen(arg->name);
        if (arg->letter && word[0] == '-' && word[1] == arg->letter) {
            if (!word[2])
                return arg;
            if (!arg->meta)
                continue;
            *ret_value = word + 2 + (word[2] == '=');
            return arg;
        }
        if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, arg->name, n) != 0)
            continue;
        if (!word[2 + n])
            return arg;
        if (word[2 + n] == '=' && arg->meta) {
            *ret_value = word + 3 + n;
            return arg;
        }
    }
    return NULL;
}

// -vv is -v twice.
static bool take_letters(const struct args *a, const char *word)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct arg *arg = &a->table[i];
        if (arg->kind != ARG_COUNT || !arg->letter || word[1] != arg->letter)
            continue;
        size_t n = strlen(word + 1);
        for (size_t k = 0; k < n; k++)
            if (word[1 + k] != arg->letter)
                return false;
        *(int *)arg->value += (int)n;
        return true;
    }
    return false;
}

static int take_flag(const struct args *a, int *at, int argc, char **argv)
{
    char *word = argv[*at], *value;
    if (word[1] != '-' && word[2] && take_letters(a, word))
        return 0;
    const struct arg *arg = find(a, word, &value);
    if (!arg)
        return unknown(a, word);
    if (arg->kind == ARG_FLAG)
        *(bool *)arg->value = true;
    else if (arg->kind == ARG_COUNT)
        ++*(int *)arg->value;
    if (!arg->meta)
        return 0;
    if (!value && *at + 1 >= argc) {
        args_mistake(a->command, "%s needs a value", word);
        return -EINVAL;
    }
    return set_value(a->command, arg, value ? value : argv[++*at]);
}

int args_parse(const struct args *a, int argc, char **argv, struct words *ret, int *ret_status)
{
    bool only_words = false;
    int r = 0;
    *ret_status = EXIT_USAGE;
    ret->n = 0;
    for (int i = 0; i < argc && r == 0; i++) {
        if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            *ret_status = give_help(a);
            return 1;
        }
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
            r = take_flag(a, &i, argc, argv);
        } else if (ret->n == a->words_max || ret->n == ARGS_WORDS_MAX) {
            args_mistake(a->command,
                         a->words_max ? "'%s' is one word too many" : "'%s' is not expected here",
                         argv[i]);
            r = -EINVAL;
        } else {
            ret->list[ret->n++] = argv[i];
        }
    }
    if (r == 0 && ret->n < a->words_min) {
        args_mistake(a->command, "%s", a->missing);
        r = -EINVAL;
    }
    return r;
}

bool use_color(enum color when)
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
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 &&
           !(wish && strcmp(wish, "0") == 0);
}
