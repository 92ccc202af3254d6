#include "cli/args/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/args/exit_code.h"
#include "cli/text/slots.h"
#include "pipelines/plan.h"
#include "worker/agent/cpus.h"

#define FLAGS_MAX 128
#define HELP_COLUMNS 98

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

static void spell(const struct arg *arg, char *ret, size_t size)
{
    snprintf(ret, size, "%c%c%c --%s%s%s", arg->letter ? '-' : ' ', arg->letter ? arg->letter : ' ',
             arg->letter ? ',' : ' ', arg->name, arg->meta ? " " : "", arg->meta ? arg->meta : "");
}

// Flags that are known from elsewhere, several in a line.
static void list_others(const struct args *a)
{
    size_t column = 0;
    for (size_t i = a->n_explained; i < a->n; i++) {
        const struct arg *arg = &a->table[i];
        char flag[64];
        spell(arg, flag, sizeof(flag));
        const char *text = arg->letter ? flag : flag + 4;
        if (column && column + 2 + strlen(text) > HELP_COLUMNS) {
            printf("\n");
            column = 0;
        }
        column += (size_t)printf("%s%s", column ? "; " : "  ", text);
    }
    printf("\n");
}

static int give_help(const struct args *a)
{
    size_t n = a->n_explained ? a->n_explained : a->n;
    if (a->examples)
        printf("Examples:\n%s\n", a->examples);
    printf("Usage: fanmill %s %s\n\n%s", a->command, a->usage, a->about);
    if (a->n)
        printf("\n");
    for (size_t i = 0; i < n; i++) {
        char flag[64];
        spell(&a->table[i], flag, sizeof(flag));
        printf("  %-26s %s\n", flag, a->table[i].help);
    }
    if (n < a->n)
        list_others(a);
    if (a->more)
        printf("\n%s", a->more);
    return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

int args_short_help(const struct args *a)
{
    const char *end = a->examples;
    for (int i = 0; i < 2 && end && *end; i++)
        end = strchrnul(end, '\n') + 1;
    fprintf(stderr, "Usage: fanmill %s %s\n\nExamples:\n%.*s\nMore: fanmill %s --help\n",
            a->command, a->usage, end ? (int)(end - a->examples) : 0, a->examples, a->command);
    return EXIT_USAGE;
}

static int unknown(const struct args *a, const char *word)
{
    char flag[64];
    char spelled[FLAGS_MAX][40];
    const char *names[FLAGS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < a->n && n + 2 < FLAGS_MAX; i++) {
        snprintf(spelled[n], sizeof(spelled[n]), "--%s", a->table[i].name);
        names[n] = spelled[n];
        n++;
        if (!a->table[i].letter)
            continue;
        snprintf(spelled[n], sizeof(spelled[n]), "-%c", a->table[i].letter);
        names[n] = spelled[n];
        n++;
    }
    names[n++] = "--help";
    snprintf(flag, sizeof(flag), "%.*s", (int)strcspn(word, "="), word);
    for (const struct arg_foreign *f = a->foreign; f && f->word; f++)
        if (strcmp(f->word, flag) == 0) {
            args_mistake(a->command, "%s is not an option here; %s", flag, f->cure);
            return -EINVAL;
        }
    const char *near = parse_nearest(flag, names, n);
    if (near && strcmp(near, flag) == 0 && word[strlen(flag)])
        args_mistake(a->command, "%s takes no value", flag);
    else if (near)
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
        params->list = calloc(ARGS_PARAMS_MAX, sizeof(*params->list));
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
    if (slots_parse(word, cpus_available(), ret) == 0)
        return 0;
    args_mistake(command,
                 "-j takes a number of slots from 1 to 65536, or N%%, +N, -N of the CPUs, not '%s'",
                 word);
    return -EINVAL;
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

static const struct arg *find_letter(const struct args *a, char letter)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->table[i].letter && a->table[i].letter == letter)
            return &a->table[i];
    return NULL;
}

// *ret_value: what stands behind '='; NULL: nothing.
static const struct arg *find_name(const struct args *a, char *word, char **ret_value)
{
    size_t len = strcspn(word, "=");
    *ret_value = word[len] ? word + len + 1 : NULL;
    for (size_t i = 0; i < a->n; i++)
        if (strlen(a->table[i].name) == len && strncmp(word, a->table[i].name, len) == 0 &&
            (!*ret_value || a->table[i].meta))
            return &a->table[i];
    return NULL;
}

static void set_flag(const struct arg *arg)
{
    if (arg->kind == ARG_FLAG)
        *(bool *)arg->value = true;
    else
        ++*(int *)arg->value;
}

// --name, --name=value, -l, -lvalue, -l=value; letters without a value may stand together: -0X.
static int take_flag(const struct args *a, int *at, int argc, char **argv)
{
    char *word = argv[*at], *value = NULL;
    const struct arg *arg = NULL;
    if (word[1] == '-') {
        arg = find_name(a, word + 2, &value);
        if (arg && !arg->meta)
            set_flag(arg);
    }
    for (char *letter = word + 1; word[1] != '-' && *letter; letter++) {
        arg = find_letter(a, *letter);
        if (!arg)
            break;
        if (arg->meta) {
            value = letter[1] ? letter + 1 + (letter[1] == '=') : NULL;
            break;
        }
        set_flag(arg);
    }
    if (!arg)
        return unknown(a, word);
    if (!arg->meta)
        return 0;
    if (!value && *at + 1 >= argc) {
        args_mistake(a->command, "%s needs a value", word);
        return -EINVAL;
    }
    return set_value(a->command, arg, value ? value : argv[++*at]);
}

static bool begins_command(const struct args *a, const char *word, bool only_words, size_t before)
{
    if (!only_words && word[0] == '-' && word[1])
        return false;
    if (a->command_follows)
        return true;
    for (const char *const *name = a->commands; name && *name && !before; name++)
        if (strcmp(word, *name) == 0)
            return true;
    return false;
}

static args_visit_fn *visitor;
static void *visitor_arg;

void args_describe(int (*command)(int argc, char **argv), args_visit_fn *visit, void *arg)
{
    char *option = (char[]){"--help"};
    visitor = visit;
    visitor_arg = arg;
    command(1, &option);
    visitor = NULL;
}

int args_parse(const struct args *a, int argc, char **argv, struct words *ret, int *ret_status)
{
    bool only_words = false;
    int r = 0;
    *ret_status = EXIT_USAGE;
    ret->n = 0;
    ret->rest = argc;
    if (visitor) {
        visitor(visitor_arg, a);
        *ret_status = EXIT_ALL_WELL;
        return 1;
    }
    for (int i = 0; i < argc && r == 0; i++) {
        if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            *ret_status = give_help(a);
            return 1;
        }
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
            if (!a->command_follows)
                continue;
            ret->rest = i + 1;
            return 0;
        }
        if (begins_command(a, argv[i], only_words, ret->n)) {
            ret->rest = i;
            return 0;
        }
        if (!only_words && argv[i][0] == '-' && argv[i][1]) {
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
