#include <string.h>

#include "cli/args/completion.h"

// The tables come first, then what reads them. Bash splits --flag=value into three words.
static const char engine[] =
    "# The words as they were typed: bash parts them at colons, which are in kernels and "
    "addresses.\n"
    "_fanmill_words()\n"
    "{\n"
    "    local i\n"
    "    words=()\n"
    "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "        if ((i > 1)) && { [ \"${COMP_WORDS[i]}\" = : ] || "
    "[[ ${COMP_WORDS[i - 1]} == : && ${words[-1]} == *: && ${words[-1]} != : ]]; }; then\n"
    "            words[-1]+=${COMP_WORDS[i]}\n"
    "        else\n"
    "            words+=(\"${COMP_WORDS[i]}\")\n"
    "        fi\n"
    "    done\n"
    "}\n"
    "\n"
    "_fanmill_offer()\n"
    "{\n"
    "    local kind=$1 current=$2\n"
    "    shift 2\n"
    "    case $kind in\n"
    "    words) mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$current\") ;;\n"
    "    kernel) mapfile -t COMPREPLY < <(compgen -W \"$_fanmill_kernels\" -- \"$current\"; "
    "compgen -f -- \"$current\") ;;\n"
    "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
    "    program) mapfile -t COMPREPLY < <(compgen -c -- \"$current\") ;;\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
    "    job) mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$current\"; compgen -d -- "
    "\"$current\"; compgen -f -X '!*.y?(a)ml' -- "
    "\"$current\") ;;\n"
    "    esac\n"
    "    case $kind in\n"
    "    folder | file | job) compopt -o filenames 2>/dev/null ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_fanmill()\n"
    "{\n"
    "    local command= at=1 place=0 flag= word current only_words= words\n"
    "    _fanmill_words\n"
    "    current=${words[-1]}\n"
    "    local restore=$(shopt -p extglob)\n"
    "    shopt -s extglob\n"
    "    COMPREPLY=()\n"
    "    for ((at = 1; at < ${#words[@]} - 1; at++)); do\n"
    "        word=${words[at]}\n"
    "        if [ \"$word\" = = ]; then\n"
    "            flag=${flag:-=}\n"
    "        elif [ -n \"$flag\" ]; then\n"
    "            flag=\n"
    "        elif [ -n \"$only_words\" ]; then\n"
    "            place=$((place + 1))\n"
    "        elif [ \"$word\" = -- ]; then\n"
    "            only_words=1\n"
    "        elif [[ $word == -* ]]; then\n"
    "            [ -z \"$(_fanmill_value \"$command\" \"$word\")\" ] || flag=$word\n"
    "        elif [ -z \"$command\" ]; then\n"
    "            command=$word\n"
    "        elif [[ $place == 0 && -n $(_fanmill_within \"$command $word\") ]]; then\n"
    "            command=$word\n"
    "        elif [ -n \"$(_fanmill_flags \"$command $word\")\" ]; then\n"
    "            command=\"$command $word\"\n"
    "        else\n"
    "            place=$((place + 1))\n"
    "        fi\n"
    "        # What follows a program's name is the program's.\n"
    "        [ \"$(_fanmill_place \"$command\" $place)\" != program ] || only_words=1\n"
    "    done\n"
    "    [ \"$current\" != = ] || current=\n"
    "    if [ -n \"$flag\" ]; then\n"
    "        _fanmill_offer \"$(_fanmill_value \"$command\" \"$flag\")\" \"$current\" "
    "$(_fanmill_choices \"$command\" \"$flag\")\n"
    "    elif [ -z \"$command\" ]; then\n"
    "        _fanmill_offer words \"$current\" \"$_fanmill_commands\" --help --version\n"
    "    elif [[ $current == -* && -z $only_words ]]; then\n"
    "        _fanmill_offer words \"$current\" \"$(_fanmill_flags \"$command\")\"\n"
    "    else\n"
    "        _fanmill_offer \"$(_fanmill_place \"$command\" $((place + 1)))\" \"$current\" "
    "$(_fanmill_choices \"$command\" $((place + 1)))\n"
    "    fi\n"
    "    # What stands before the last colon is another word to bash: it is there already.\n"
    "    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
    "        word=${current%\"${current##*:}\"}\n"
    "        COMPREPLY=(\"${COMPREPLY[@]#\"$word\"}\")\n"
    "    fi\n"
    "    eval \"$restore\"\n"
    "}\n"
    "complete -F _fanmill fanmill\n";

static const char *kind_word(enum arg_offer offer, const char *const *words)
{
    static const char *const kinds[] = {
        [OFFER_NOTHING] = "nothing", [OFFER_FILE] = "file",       [OFFER_JOB_FILE] = "job",
        [OFFER_FOLDER] = "folder",   [OFFER_PROGRAM] = "program", [OFFER_COMMAND] = "words",
        [OFFER_KERNEL] = "kernel",
    };
    return words ? "words" : kinds[offer];
}

static void put_flags(struct script *s, const struct command *command)
{
    script_put(s, "    '%s') echo '", command->name);
    ARGS_EACH (command->args, table, flag) {
        if (flag->letter)
            script_put(s, "-%c ", flag->letter);
        script_put(s, "--%s ", flag->name);
    }
    script_put(s, "-h --help' ;;\n");
}

// "'run -j' | 'run --slots') ": the words of a case.
static void put_case(struct script *s, const struct command *command, const struct arg *flag)
{
    script_put(s, "    ");
    if (flag->letter)
        script_put(s, "'%s -%c' | ", command->name, flag->letter);
    script_put(s, "'%s --%s') echo ", command->name, flag->name);
}

static void put_values(struct script *s, const struct command *command)
{
    ARGS_EACH (command->args, table, flag) {
        if (!flag->value)
            continue;
        put_case(s, command, flag);
        script_put(s, "%s ;;\n", kind_word(flag->offer, flag->words));
    }
}

static void put_operands(struct script *s, const struct command *command)
{
    const struct args *args = command->args;
    struct command_words words = command_words(command);
    for (size_t i = 0; i < args->n_operands; i++) {
        const struct arg_operand *operand = &args->operands[i];
        if (args->repeats && i + 1 == args->n_operands)
            script_put(s, "    '%s '*)", command->name);
        else
            script_put(s, "    '%s %zu')", command->name, i + 1);
        script_put(s, " echo %s ;;\n", kind_word(operand->offer, operand->words));
    }
    if (*words.second)
        script_put(s, "    '%s 1') echo words ;;\n", words.first);
}

static void put_choices(struct script *s, const struct command *command)
{
    const struct args *args = command->args;
    struct command_words words = command_words(command);
    ARGS_EACH (args, table, flag) {
        if (!flag->words)
            continue;
        put_case(s, command, flag);
        script_put_words(s, flag->words);
        script_put(s, " ;;\n");
    }
    for (size_t i = 0; i < args->n_operands; i++) {
        const struct arg_operand *operand = &args->operands[i];
        if (!operand->words && operand->offer != OFFER_COMMAND)
            continue;
        script_put(s, "    '%s %zu') echo ", command->name, i + 1);
        if (operand->words)
            script_put_words(s, operand->words);
        else
            script_put(s, "$_fanmill_commands");
        script_put(s, " ;;\n");
    }
    if (*words.second)
        script_put(s, "    '%s 1') echo %s ;;\n", words.first, words.second);
    if (args->commands) {
        script_put(s, "    '%s 1') echo ", command->name);
        script_put_words(s, args->commands);
        script_put(s, " ;;\n");
    }
}

// `fanmill submit map ...` has the flags of map.
static void put_nested(struct script *s, const struct command *command)
{
    for (const char *const *word = command->args->commands; word && *word; word++)
        script_put(s, "    '%s %s') echo within ;;\n", command->name, *word);
}

static void put_function(struct script *s, const char *name,
                         void (*put_cases)(struct script *s, const struct command *command))
{
    script_put(s, "_fanmill_%s()\n{\n    case \"$*\" in\n", name);
    COMMANDS_EACH (s->commands, command)
        put_cases(s, command);
    script_put(s, "    esac\n}\n\n");
}

int completion_bash(const struct command_list *commands, struct buf *out)
{
    struct script s = {.out = out, .commands = commands};
    script_put(&s, "# bash completion of fanmill, made by: fanmill completion bash\n\n"
                   "_fanmill_commands='");
    COMMANDS_EACH (commands, command)
        if (!strchr(command->name, ' '))
            script_put(&s, "%s ", command->name);
    script_put(&s, "'\n\n");
    script_put(&s, "_fanmill_kernels='");
    script_put_kernels(&s);
    script_put(&s, "'\n\n");
    put_function(&s, "within", put_nested);
    put_function(&s, "flags", put_flags);
    put_function(&s, "value", put_values);
    put_function(&s, "place", put_operands);
    put_function(&s, "choices", put_choices);
    return s.error < 0 ? s.error : buf_add_str(out, engine);
}
