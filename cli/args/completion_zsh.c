#include <stdio.h>
#include <string.h>

#include "cli/args/describe.h"

struct script {
    struct buf *out;
    int error;     // sticky
    bool is_outer; // commands of one word now; else those within another
};

static void add(struct script *s, int r)
{
    if (s->error == 0)
        s->error = r;
}

// Within single quotes and a specification of _arguments.
static void add_quoted(struct script *s, const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            add(s, buf_add_str(s->out, "'\\''"));
        else if (*text == '\n')
            add(s, buf_add_str(s->out, " "));
        else
            add(s, buf_printf(s->out, "%s%c", strchr("[]:\\", *text) ? "\\" : "", *text));
}

static void add_hint(struct script *s, const struct hint *hint, const char *name)
{
    add(s, buf_add_str(s->out, ":"));
    add_quoted(s, name);
    switch (hint->kind) {
    case HINT_NOTHING:
        add(s, buf_add_str(s->out, ":()")); // a blank instead would turn flags behind it into lists
        break;
    case HINT_WORDS:
        add(s, buf_printf(s->out, ":(%s)", hint->words));
        break;
    case HINT_FILE:
        add(s, buf_add_str(s->out, ":_files"));
        break;
    case HINT_JOB_FILE:
        add(s, buf_add_str(s->out, ":_files -g \"*.y(a|)ml\""));
        break;
    case HINT_FOLDER:
        add(s, buf_add_str(s->out, ":_files -/"));
        break;
    case HINT_PROGRAM:
        add(s, buf_add_str(s->out, ":_command_names -e"));
        break;
    case HINT_COMMAND:
        add(s, buf_add_str(s->out, ":_fanmill_commands"));
        break;
    }
}

// -v may stand again, and so may what is collected.
static bool may_repeat(const struct arg *flag)
{
    return flag->kind == ARG_COUNT || flag->kind == ARG_PARAM || flag->kind == ARG_LIST;
}

static void add_flag(struct script *s, const struct arg *flag)
{
    struct hint hint = {0};
    const char *star = may_repeat(flag) ? "*" : "";
    if (flag->meta)
        hint = hint_of_flag(flag);
    add(s, buf_add_str(s->out, " \\\n                "));
    if (flag->letter && !*star)
        add(s, buf_printf(s->out, "'(-%c --%s)'", flag->letter, flag->name));
    if (flag->letter)
        add(s, buf_printf(s->out, "%s{-%c,--%s}'[", *star ? "'*'" : "", flag->letter, flag->name));
    else
        add(s, buf_printf(s->out, "'%s--%s[", star, flag->name));
    add_quoted(s, flag->help);
    add(s, buf_add_str(s->out, "]"));
    if (flag->meta)
        add_hint(s, &hint, flag->meta);
    add(s, buf_add_str(s->out, "'"));
}

static void add_sub(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    const char *blank = strchr(args->command, ' ');
    (void)about;
    if (blank)
        add(s, buf_printf(s->out,
                          "    if [[ $words[1] == %.*s && $words[2] == %s ]]; then\n"
                          "        command='%s'\n"
                          "        shift words\n"
                          "        (( CURRENT-- ))\n"
                          "    fi\n",
                          (int)(blank - args->command), args->command, blank + 1, args->command));
}

static void add_sub_names(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    const char *blank = strchr(args->command, ' ');
    (void)about;
    if (blank)
        add(s,
            buf_printf(s->out, " %.*s:%s", (int)(blank - args->command), args->command, blank + 1));
}

static void add_case(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    struct hint hints[HINT_PLACES_MAX];
    bool repeats;
    size_t n = hints_of_words(args, hints, &repeats);
    (void)about;
    add(s, buf_printf(s->out, "        '%s')\n            _arguments -s", args->command));
    for (size_t i = 0; i < args->n; i++)
        add_flag(s, &args->table[i]);
    add(s, buf_add_str(s->out, " \\\n                '(-h --help)'{-h,--help}'[how it is used]'"));
    for (size_t i = 0; i < n; i++) {
        if (repeats && i + 1 == n)
            add(s, buf_add_str(s->out, " \\\n                '*"));
        else
            add(s, buf_printf(s->out, " \\\n                '%zu", i + 1));
        add_hint(s, &hints[i], " ");
        add(s, buf_add_str(s->out, "'"));
    }
    // Words within a command: `fanmill worker deploy-ssh`.
    if (n == 0 && !strchr(args->command, ' '))
        add(s, buf_add_str(s->out, " \\\n                "
                                   "\"1: :(${${(M)within:#$words[1]:*}#*:})\""));
    add(s, buf_add_str(s->out, "\n            ;;\n"));
}

static void add_name(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    if (strchr(args->command, ' '))
        return;
    add(s, buf_printf(s->out, "        '%s:", args->command));
    add_quoted(s, about);
    add(s, buf_add_str(s->out, "'\n"));
}

int completion_zsh(struct buf *out)
{
    struct script s = {.out = out};
    add(&s, buf_add_str(out, "#compdef fanmill\n"
                             "# zsh completion of fanmill, made by: fanmill completion zsh\n\n"
                             "_fanmill_commands()\n{\n    local -a commands=(\n"));
    commands_describe(add_name, &s);
    add(&s, buf_add_str(out, "    )\n    _describe command commands\n}\n\n"
                             "_fanmill()\n{\n"
                             "    local curcontext=$curcontext state line\n"
                             "    typeset -A opt_args\n"
                             "    local -a within=("));
    commands_describe(add_sub_names, &s);
    add(&s, buf_add_str(out, " )\n"
                             "    _arguments -C '(- *)'{-h,--help}'[how it is used]' "
                             "'(- *)'{-V,--version}'[its version]' \\\n"
                             "        '1: :_fanmill_commands' '*:: :->words' && return\n"
                             "    [[ $state == words ]] || return 1\n"
                             "    local command=$words[1]\n"));
    commands_describe(add_sub, &s);
    add(&s, buf_add_str(out, "    case $command in\n"));
    commands_describe(add_case, &s);
    add(&s, buf_add_str(out, "    esac\n}\n\n"
                             "if [[ $funcstack[1] == _fanmill ]]; then\n"
                             "    _fanmill \"$@\"\n"
                             "else\n"
                             "    compdef _fanmill fanmill\n"
                             "fi\n"));
    return s.error;
}
