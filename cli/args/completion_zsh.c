#include <string.h>

#include "cli/args/completion.h"

// Within single quotes and a specification of _arguments.
static void quote(struct script *s, char c)
{
    if (c == '\'')
        script_put(s, "'\\''");
    else
        script_put(s, "%s%c", strchr("[]:\\", c) ? "\\" : "", c);
}

static void put_offer(struct script *s, const char *name, enum arg_offer offer,
                      const char *const *words)
{
    static const char *const offers[] = {
        [OFFER_NOTHING] = ":()", // a blank instead would turn the flags after it into lists
        [OFFER_FILE] = ":_files",
        [OFFER_JOB_FILE] = ":_files -g \"*.y(a|)ml\"",
        [OFFER_FOLDER] = ":_files -/",
        [OFFER_PROGRAM] = ":_command_names -e",
        [OFFER_COMMAND] = ":_fanmill_commands",
        [OFFER_KERNEL] = ":_fanmill_kernels",
    };
    script_put(s, ":");
    script_put_quoted(s, name, quote);
    if (words) {
        script_put(s, ":(");
        script_put_words(s, words);
        script_put(s, ")");
    } else {
        script_put(s, "%s", offers[offer]);
    }
}

// -v may be repeated, and so may what is collected.
static bool may_repeat(const struct arg *flag)
{
    return flag->kind == ARG_COUNT || flag->kind == ARG_PARAM || flag->kind == ARG_LIST;
}

static void put_flag(struct script *s, const struct arg *flag)
{
    const char *star = may_repeat(flag) ? "*" : "";
    script_put(s, " \\\n                ");
    if (flag->letter && !*star)
        script_put(s, "'(-%c --%s)'", flag->letter, flag->name);
    if (flag->letter)
        script_put(s, "%s{-%c,--%s}'[", *star ? "'*'" : "", flag->letter, flag->name);
    else
        script_put(s, "'%s--%s[", star, flag->name);
    script_put_help(s, flag, quote);
    script_put(s, "]");
    if (flag->value)
        put_offer(s, flag->value, flag->offer, flag->words);
    script_put(s, "'");
}

static void put_command(struct script *s, const struct command *command)
{
    const struct args *args = command->args;
    script_put(s, "        '%s')\n            _arguments -s", command->name);
    ARGS_EACH (args, table, flag)
        put_flag(s, flag);
    script_put(s, " \\\n                '(-h --help)'{-h,--help}'[show its help]'");
    for (size_t i = 0; i < args->n_operands; i++) {
        if (args->repeats && i + 1 == args->n_operands)
            script_put(s, " \\\n                '*");
        else
            script_put(s, " \\\n                '%zu", i + 1);
        if (args->commands && i == 0) {
            script_put(s, ": : _fanmill_jobs_and ");
            script_put_words(s, args->commands);
            script_put(s, "'");
            continue;
        }
        put_offer(s, " ", args->operands[i].offer, args->operands[i].words);
        script_put(s, "'");
    }
    // Words within a command: `fanmill worker deploy-ssh`.
    if (args->n_operands == 0 && !strchr(command->name, ' '))
        script_put(s, " \\\n                \"1: :(${${(M)within:#$words[1]:*}#*:})\"");
    script_put(s, "\n            ;;\n");
}

static void put_within(struct script *s, const struct command *command)
{
    struct command_words words = command_words(command);
    if (*words.second)
        script_put(s,
                   "    if [[ $words[1] == %s && $words[2] == %s ]]; then\n"
                   "        command='%s'\n"
                   "        shift words\n"
                   "        (( CURRENT-- ))\n"
                   "    fi\n",
                   words.first, words.second, command->name);
}

// `fanmill submit map ...` has the flags of map.
static void put_nested(struct script *s, const struct command *command)
{
    if (!command->args->commands)
        return;
    script_put(s, "    if [[ $command == '%s' ]]; then\n        local -a nested=(", command->name);
    script_put_words(s, command->args->commands);
    script_put(s, ")\n"
                  "        local -i place=${words[(i)(${(j:|:)nested})]}\n"
                  "        if (( place < CURRENT )); then\n"
                  "            command=$words[place]\n"
                  "            shift $((place - 1)) words\n"
                  "            (( CURRENT -= place - 1 ))\n"
                  "        fi\n"
                  "    fi\n");
}

static void put_names(struct script *s)
{
    script_put(s, "_fanmill_commands()\n{\n    local -a commands=(\n");
    COMMANDS_EACH (s->commands, command) {
        if (strchr(command->name, ' '))
            continue;
        script_put(s, "        '%s:", command->name);
        script_put_quoted(s, command->summary, quote);
        script_put(s, "'\n");
    }
    script_put(s, "    )\n    _describe command commands\n}\n\n"
                  "_fanmill_kernels()\n{\n    compadd -- ");
    script_put_kernels(s);
    script_put(s,
               "\n    _files\n}\n\n"
               "_fanmill_jobs_and()\n{\n    compadd -- \"$@\"\n    _files -g \"*.y(a|)ml\"\n}\n\n");
}

int completion_zsh(const struct command_list *commands, struct buf *out)
{
    struct script s = {.out = out, .commands = commands};
    script_put(&s, "#compdef fanmill\n"
                   "# zsh completion of fanmill, made by: fanmill completion zsh\n\n");
    put_names(&s);
    script_put(&s, "_fanmill()\n{\n"
                   "    local curcontext=$curcontext state line\n"
                   "    typeset -A opt_args\n"
                   "    local -a within=(");
    COMMANDS_EACH (commands, command) {
        struct command_words words = command_words(command);
        if (*words.second)
            script_put(&s, " %s:%s", words.first, words.second);
    }
    script_put(&s, " )\n"
                   "    _arguments -C '(- *)'{-h,--help}'[show help]' "
                   "'(- *)'{-V,--version}'[print the version]' \\\n"
                   "        '1: :_fanmill_commands' '*:: :->words' && return\n"
                   "    [[ $state == words ]] || return 1\n"
                   "    local command=$words[1]\n");
    COMMANDS_EACH (commands, command)
        put_within(&s, command);
    COMMANDS_EACH (commands, command)
        put_nested(&s, command);
    script_put(&s, "    case $command in\n");
    COMMANDS_EACH (commands, command)
        put_command(&s, command);
    script_put(&s, "    esac\n}\n\n"
                   "if [[ $funcstack[1] == _fanmill ]]; then\n"
                   "    _fanmill \"$@\"\n"
                   "else\n"
                   "    compdef _fanmill fanmill\n"
                   "fi\n");
    return s.error;
}
