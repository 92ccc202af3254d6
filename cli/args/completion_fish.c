#include <string.h>

#include "cli/args/completion.h"

// Within single quotes.
static void quote(struct script *s, char c)
{
    script_put(s, "%s%c", c == '\'' || c == '\\' ? "\\" : "", c);
}

// "complete -c fanmill -n 'the command is worker, and deploy-ssh'"
static void begin(struct script *s, const struct command *command)
{
    struct command_words words = command_words(command);
    script_put(s, "complete -c fanmill -n '__fish_seen_subcommand_from %s", words.first);
    if (*words.second)
        script_put(s, "; and __fish_seen_subcommand_from %s", words.second);
    script_put(s, "'");
}

static void put_offer(struct script *s, enum arg_offer offer, const char *const *words)
{
    static const char *const offers[] = {
        [OFFER_NOTHING] = "",
        [OFFER_FILE] = " -F",
        [OFFER_JOB_FILE] = " -k -a '(__fish_complete_suffix .yaml)'",
        [OFFER_FOLDER] = " -a '(__fish_complete_directories)'",
        [OFFER_PROGRAM] = " -a '(__fish_complete_command)'",
        [OFFER_COMMAND] = " -a '$__fanmill_commands'",
        [OFFER_KERNEL] = " -F -a '$__fanmill_kernels'",
    };
    if (words) {
        script_put(s, " -a '");
        script_put_words(s, words);
        script_put(s, "'");
    } else {
        script_put(s, "%s", offers[offer]);
    }
}

static void put_name(struct script *s, const struct command *command)
{
    struct command_words words = command_words(command);
    if (*words.second)
        script_put(s, "\ncomplete -c fanmill -n '__fish_seen_subcommand_from %s' -a %s -d '",
                   words.first, words.second);
    else
        script_put(s, "\ncomplete -c fanmill -n __fish_use_subcommand -a %s -d '", words.first);
    script_put_quoted(s, command->summary, quote);
    script_put(s, "'\n");
}

static void put_flag(struct script *s, const struct command *command, const struct arg *flag)
{
    begin(s, command);
    if (flag->letter)
        script_put(s, " -s %c", flag->letter);
    script_put(s, " -l %s", flag->name);
    if (flag->value) {
        bool takes_files = flag->offer == OFFER_FILE || flag->offer == OFFER_KERNEL;
        script_put(s, !flag->words && takes_files ? " -r" : " -x");
        put_offer(s, flag->offer, flag->words);
    }
    script_put(s, " -d '");
    script_put_help(s, flag, quote);
    script_put(s, "'\n");
}

static void put_command(struct script *s, const struct command *command)
{
    const struct args *args = command->args;
    put_name(s, command);
    ARGS_EACH (args, table, flag)
        put_flag(s, command, flag);
    begin(s, command);
    script_put(s, " -s h -l help -d 'show its help'\n");
    for (const char *const *word = args->commands; word && *word; word++) {
        begin(s, command);
        script_put(s, " -a %s\n", *word);
    }
    // fish does not know which operand it is at: what one of them takes is offered for all.
    for (size_t i = 0; i < args->n_operands; i++) {
        if (args->operands[i].offer == OFFER_NOTHING && !args->operands[i].words)
            continue;
        begin(s, command);
        put_offer(s, args->operands[i].offer, args->operands[i].words);
        script_put(s, "\n");
    }
}

int completion_fish(const struct command_list *commands, struct buf *out)
{
    struct script s = {.out = out, .commands = commands};
    script_put(&s, "# fish completion of fanmill, made by: fanmill completion fish\n\n"
                   "set -g __fanmill_commands");
    COMMANDS_EACH (commands, command)
        if (!strchr(command->name, ' '))
            script_put(&s, " %s", command->name);
    script_put(&s, "\nset -g __fanmill_kernels ");
    script_put_kernels(&s);
    script_put(&s, "\ncomplete -c fanmill -f\n"
                   "complete -c fanmill -n __fish_use_subcommand -s h -l help -d 'show help'\n"
                   "complete -c fanmill -n __fish_use_subcommand -s V -l version -d "
                   "'print the version'\n");
    COMMANDS_EACH (commands, command)
        put_command(&s, command);
    return s.error;
}
