#include "cli/args/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "cli/args/exit_code.h"
#include "cli/args/help.h"
#include "cli/text/slots.h"
#include "pipelines/plan.h"
#include "worker/cpus.h"

#define FLAGS_MAX 128
#define LIST_TEXT_MAX 128

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

// The row of another tool's flag, of `len` bytes. NULL: none is called so.
static const struct arg_foreign *find_foreign(const struct args *args, const char *flag, size_t len)
{
    for (const struct arg_foreign *f = args->foreign; f && f->words; f++)
        for (const char *word = f->words; *word; word += strspn(word, " ")) {
            size_t n = strcspn(word, " ");
            if (n == len && strncmp(word, flag, len) == 0)
                return f;
            word += n;
        }
    return NULL;
}

static int unknown(const char *command, const struct args *args, const char *word)
{
    char flag[64];
    char spelled[FLAGS_MAX][40];
    const char *names[FLAGS_MAX];
    size_t n = 0;
    ARGS_EACH (args, table, known) {
        if (n + 2 >= FLAGS_MAX)
            continue;
        snprintf(spelled[n], sizeof(spelled[n]), "--%s", known->name);
        names[n] = spelled[n];
        n++;
        if (!known->letter)
            continue;
        snprintf(spelled[n], sizeof(spelled[n]), "-%c", known->letter);
        names[n] = spelled[n];
        n++;
    }
    names[n++] = "--help";
    snprintf(flag, sizeof(flag), "%.*s", (int)strcspn(word, "="), word);
    bool is_own = false;
    for (size_t i = 0; i < n && !is_own; i++)
        is_own = strncmp(flag, names[i], flag[1] == '-' ? sizeof(flag) : 2) == 0;
    const struct arg_foreign *foreign = find_foreign(args, flag, strlen(flag));
    if (!foreign && flag[0] == '-' && flag[1] != '-' && flag[1])
        foreign = find_foreign(args, flag, 2);
    if (foreign && !is_own) {
        args_mistake(command, "%s is not an option here: %s", flag, foreign->here);
        return -EINVAL;
    }
    const char *near = parse_nearest(flag, names, n);
    if (near && strcmp(near, flag) == 0 && word[strlen(flag)])
        args_mistake(command, "%s takes no value", flag);
    else if (near)
        args_mistake(command, "unknown option '%s' (did you mean '%s'?)", word, near);
    else
        args_mistake(command, "unknown option '%s'", word);
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
        args_mistake(command, "more than %d -p, or out of memory, at '%s'", ARGS_PARAMS_MAX, word);
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

static int set_word(const char *command, const struct arg *flag, unsigned *ret, const char *word)
{
    char list[LIST_TEXT_MAX] = "";
    size_t n = 0;
    for (unsigned i = 0; flag->words[i]; i++) {
        if (strcmp(word, flag->words[i]) == 0) {
            *ret = i;
            return 0;
        }
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", flag->words[i]);
    }
    args_mistake(command, "--%s is one of %s, not '%s'", flag->name, list, word);
    return -EINVAL;
}

static int add_to_list(const char *command, const struct arg *flag, struct args_list *list,
                       const char *word)
{
    if (list->n == ARGS_LIST_MAX) {
        args_mistake(command, "more than %d --%s, at '%s'", ARGS_LIST_MAX, flag->name, word);
        return -EINVAL;
    }
    list->list[list->n++] = word;
    return 0;
}

static int set_value(const char *command, const struct arg *flag, void *target, char *word)
{
    const char *wanted = "";
    int r = 0;
    switch (flag->kind) {
    case ARG_FLAG:
    case ARG_COUNT:
        break;
    case ARG_TEXT:
        *(const char **)target = word;
        break;
    case ARG_WORD:
        return set_word(command, flag, target, word);
    case ARG_PARAM:
        return add_param(command, target, word);
    case ARG_LIST:
        return add_to_list(command, flag, target, word);
    case ARG_NUMBER:
        wanted = "a number";
        r = parse_u64(word, target);
        break;
    case ARG_SIZE:
        wanted = "a size like 512MiB";
        r = parse_size(word, target);
        if (r == 0 && *(uint64_t *)target == 0)
            r = -EINVAL;
        break;
    case ARG_DURATION:
        wanted = "a time like 90s or 5m";
        r = parse_duration(word, target);
        break;
    case ARG_SLOTS:
        if (slots_parse(word, cpus_available(), target) == 0)
            return 0;
        args_mistake(command,
                     "-%c takes a number of slots from 1 to 65536, or N%%, +N, -N of the CPUs, "
                     "not '%s'",
                     flag->letter, word);
        return -EINVAL;
    }
    if (r == 0)
        return 0;
    args_mistake(command, "--%s takes %s, not '%s'", flag->name, wanted, word);
    return -EINVAL;
}

// A flag of the command, and what it sets.
struct known_flag {
    const struct arg *flag; // NULL: not known
    void *target;
};

static struct known_flag found(const struct arg_table *table, const struct arg *flag, void *options)
{
    return (struct known_flag){flag, (char *)options + table->offset + flag->offset};
}

static struct known_flag find_letter(const struct args *args, void *options, char letter)
{
    ARGS_EACH (args, table, flag)
        if (flag->letter && flag->letter == letter)
            return found(table, flag, options);
    return (struct known_flag){0};
}

static struct known_flag find_named(const struct args *args, void *options, const char *name,
                                    size_t len, bool has_value)
{
    ARGS_EACH (args, table, flag)
        if (strlen(flag->name) == len && strncmp(name, flag->name, len) == 0 &&
            (!has_value || flag->value))
            return found(table, flag, options);
    return (struct known_flag){0};
}

// What stands for another tool's flag. *ret_idle: nothing has to.
static struct known_flag find_same(const struct args *args, void *options, const char *word,
                                   size_t len, bool has_value, bool *ret_idle)
{
    const struct arg_foreign *f = find_foreign(args, word, len);
    *ret_idle = f && f->same && !*f->same && !has_value;
    if (!f || !f->same || !*f->same)
        return (struct known_flag){0};
    return find_named(args, options, f->same, strlen(f->same), has_value);
}

// *ret_value: what follows '='; NULL: nothing.
static struct known_flag find_name(const struct args *args, void *options, char *word,
                                   char **ret_value)
{
    size_t len = strcspn(word, "=");
    *ret_value = word[len] ? word + len + 1 : NULL;
    return find_named(args, options, word, len, *ret_value);
}

static void set_flag(const struct known_flag *known)
{
    if (known->flag->kind == ARG_FLAG)
        *(bool *)known->target = true;
    else
        ++*(int *)known->target;
}

// --name, --name=value, -l, -lvalue, -l=value; letters without a value may be joined: -0X.
static int take_flag(const char *command, const struct args *args, void *options, int *at, int argc,
                     char **argv)
{
    char *word = argv[*at], *value = NULL;
    struct known_flag known = {0};
    bool idle = false;
    if (word[1] == '-') {
        known = find_name(args, options, word + 2, &value);
        if (!known.flag)
            known = find_same(args, options, word, strcspn(word, "="), value, &idle);
        if (known.flag && !known.flag->value)
            set_flag(&known);
    }
    for (char *letter = word + 1; word[1] != '-' && *letter; letter++) {
        const char spelled[] = {'-', *letter};
        idle = false;
        known = find_letter(args, options, *letter);
        if (!known.flag)
            known = find_same(args, options, spelled, sizeof(spelled), false, &idle);
        if (idle)
            continue;
        if (!known.flag)
            break;
        if (known.flag->value) {
            value = letter[1] ? letter + 1 + (letter[1] == '=') : NULL;
            break;
        }
        set_flag(&known);
    }
    if (idle)
        return 0;
    if (!known.flag)
        return unknown(command, args, word);
    if (!known.flag->value)
        return 0;
    if (!value && *at + 1 >= argc) {
        args_mistake(command, "%s needs a value", word);
        return -EINVAL;
    }
    return set_value(command, known.flag, known.target, value ? value : argv[++*at]);
}

static bool begins_command(const struct args *args, const char *word, bool only_words,
                           size_t before)
{
    if (!only_words && word[0] == '-' && word[1])
        return false;
    if (args->command_follows)
        return true;
    for (const char *const *name = args->commands; name && *name && !before; name++)
        if (strcmp(word, *name) == 0)
            return true;
    return false;
}

static size_t words_max(const struct args *args)
{
    return args->command_follows ? 0 : args->repeats ? ARGS_WORDS_MAX : args->n_operands;
}

static int take_word(const char *command, const struct args *args, const char *word,
                     struct word_list *list)
{
    if (list->n < words_max(args)) {
        list->list[list->n++] = word;
        return 0;
    }
    if (args->n_operands)
        args_mistake(command, "'%s' is one word too many%s", word,
                     args->surplus ? args->surplus : "");
    else
        args_mistake(command, "'%s' is not expected here", word);
    return -EINVAL;
}

int args_parse(const char *command, const struct args *args, void *options, int argc, char **argv,
               struct word_list *ret, int *ret_status)
{
    bool only_words = false;
    int r = 0;
    *ret_status = EXIT_USAGE;
    ret->n = 0;
    ret->rest = argc;
    for (int i = 0; i < argc && r == 0; i++) {
        if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            *ret_status = help_print(command, args);
            return 1;
        }
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
            if (!args->command_follows)
                continue;
            ret->rest = i + 1;
            return 0;
        }
        if (begins_command(args, argv[i], only_words, ret->n)) {
            ret->rest = i;
            return 0;
        }
        if (!only_words && argv[i][0] == '-' && argv[i][1])
            r = take_flag(command, args, options, &i, argc, argv);
        else
            r = take_word(command, args, argv[i], ret);
    }
    if (r == 0 && ret->n < args->n_required) {
        args_mistake(command, "%s", args->missing);
        r = -EINVAL;
    }
    return r;
}
