#include <stdio.h>
#include <string.h>

#include "cli/args/describe.h"

struct script {
    struct buf *out;
    int error; // sticky
};

static void add(struct script *s, int r)
{
    if (s->error == 0)
        s->error = r;
}

static void add_quoted(struct script *s, const char *text)
{
    add(s, buf_add_str(s->out, "'"));
    for (; *text; text++)
        add(s, buf_printf(s->out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "",
                          *text == '\n' ? ' ' : *text));
    add(s, buf_add_str(s->out, "'"));
}

// "complete -c fanmill -n 'the command is worker, and deploy-ssh'"
static void begin(struct script *s, const char *command)
{
    const char *blank = strchr(command, ' ');
    size_t len = blank ? (size_t)(blank - command) : strlen(command);
    add(s, buf_printf(s->out, "complete -c fanmill -n '__fish_seen_subcommand_from %.*s", (int)len,
                      command));
    if (blank)
        add(s, buf_printf(s->out, "; and __fish_seen_subcommand_from %s", blank + 1));
    add(s, buf_add_str(s->out, "'"));
}

static void add_hint(struct script *s, const struct hint *hint)
{
    switch (hint->kind) {
    case HINT_NOTHING:
        break;
    case HINT_WORDS:
        add(s, buf_printf(s->out, " -a '%s'", hint->words));
        break;
    case HINT_FILE:
        add(s, buf_add_str(s->out, " -F"));
        break;
    case HINT_JOB_FILE:
        add(s, buf_add_str(s->out, " -k -a '(__fish_complete_suffix .yaml)'"));
        break;
    case HINT_FOLDER:
        add(s, buf_add_str(s->out, " -a '(__fish_complete_directories)'"));
        break;
    case HINT_PROGRAM:
        add(s, buf_add_str(s->out, " -a '(__fish_complete_command)'"));
        break;
    case HINT_COMMAND:
        add(s, buf_add_str(s->out, " -a '$__fanmill_commands'"));
        break;
    }
}

static void add_name(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    (void)about;
    if (!strchr(args->command, ' '))
        add(s, buf_printf(s->out, " %s", args->command));
}

static void add_command(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    struct hint hints[HINT_PLACES_MAX];
    bool repeats;
    const char *blank = strchr(args->command, ' ');
    size_t n = hints_of_words(args, hints, &repeats);
    add(s, buf_add_str(s->out, "\n"));
    if (blank)
        add(s, buf_printf(s->out, "complete -c fanmill -n '__fish_seen_subcommand_from %.*s' -a %s",
                          (int)(blank - args->command), args->command, blank + 1));
    else
        add(s, buf_printf(s->out, "complete -c fanmill -n __fish_use_subcommand -a %s",
                          args->command));
    add(s, buf_add_str(s->out, " -d "));
    add_quoted(s, about);
    add(s, buf_add_str(s->out, "\n"));
    for (size_t i = 0; i < args->n; i++) {
        const struct arg *flag = &args->table[i];
        begin(s, args->command);
        if (flag->letter)
            add(s, buf_printf(s->out, " -s %c", flag->letter));
        add(s, buf_printf(s->out, " -l %s", flag->name));
        if (flag->meta) {
            struct hint hint = hint_of_flag(flag);
            add(s, buf_add_str(s->out, hint.kind == HINT_FILE ? " -r" : " -x"));
            add_hint(s, &hint);
        }
        add(s, buf_add_str(s->out, " -d "));
        add_quoted(s, flag->help);
        add(s, buf_add_str(s->out, "\n"));
    }
    begin(s, args->command);
    add(s, buf_add_str(s->out, " -s h -l help -d 'how it is used'\n"));
    // fish has no places: what any of them takes is offered in all.
    for (size_t i = 0; i < n; i++) {
        if (hints[i].kind == HINT_NOTHING)
            continue;
        begin(s, args->command);
        add_hint(s, &hints[i]);
        add(s, buf_add_str(s->out, "\n"));
    }
}

int completion_fish(struct buf *out)
{
    struct script s = {.out = out};
    add(&s, buf_add_str(out, "# fish completion of fanmill, made by: fanmill completion fish\n\n"
                             "set -g __fanmill_commands"));
    commands_describe(add_name, &s);
    add(&s, buf_add_str(out, "\ncomplete -c fanmill -f\n"
                             "complete -c fanmill -n __fish_use_subcommand -s h -l help -d "
                             "'how it is used'\n"
                             "complete -c fanmill -n __fish_use_subcommand -s V -l version -d "
                             "'its version'\n"));
    commands_describe(add_command, &s);
    return s.error;
}
