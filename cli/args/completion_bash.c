#include <stdio.h>
#include <string.h>

#include "cli/args/describe.h"

// The tables come first, then what reads them. Flags behind '=' are words of their own to bash.
static const char engine[] =
    "_fanmill_offer()\n"
    "{\n"
    "    local kind=$1 current=$2\n"
    "    shift 2\n"
    "    case $kind in\n"
    "    words) mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$current\") ;;\n"
    "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
    "    program) mapfile -t COMPREPLY < <(compgen -c -- \"$current\") ;;\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
    "    job) mapfile -t COMPREPLY < <(compgen -d -- \"$current\"; compgen -f -X '!*.y?(a)ml' -- "
    "\"$current\") ;;\n"
    "    esac\n"
    "    case $kind in\n"
    "    folder | file | job) compopt -o filenames 2>/dev/null ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_fanmill()\n"
    "{\n"
    "    local command= at=1 place=0 flag= word current=${COMP_WORDS[COMP_CWORD]} only_words=\n"
    "    local restore=$(shopt -p extglob)\n"
    "    shopt -s extglob\n"
    "    COMPREPLY=()\n"
    "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
    "        word=${COMP_WORDS[at]}\n"
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
    "        elif [ -n \"$(_fanmill_flags \"$command $word\")\" ]; then\n"
    "            command=\"$command $word\"\n"
    "        else\n"
    "            place=$((place + 1))\n"
    "        fi\n"
    "        # What comes behind a program's name is the program's.\n"
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
    "    eval \"$restore\"\n"
    "}\n"
    "complete -F _fanmill fanmill\n";

struct script {
    struct buf *out;
    int error; // sticky
};

static void add(struct script *s, int r)
{
    if (s->error == 0)
        s->error = r;
}

static const char *kind_word(const struct hint *hint)
{
    static const char *const words[] = {
        [HINT_NOTHING] = "nothing", [HINT_WORDS] = "words",   [HINT_FILE] = "file",
        [HINT_JOB_FILE] = "job",    [HINT_FOLDER] = "folder", [HINT_PROGRAM] = "program",
        [HINT_COMMAND] = "words",
    };
    return words[hint->kind];
}

static void add_command(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    (void)about;
    if (!strchr(args->command, ' '))
        add(s, buf_printf(s->out, "%s ", args->command));
}

static void add_flags(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    (void)about;
    add(s, buf_printf(s->out, "    '%s') echo '", args->command));
    for (size_t i = 0; i < args->n; i++) {
        if (args->table[i].letter)
            add(s, buf_printf(s->out, "-%c ", args->table[i].letter));
        add(s, buf_printf(s->out, "--%s ", args->table[i].name));
    }
    add(s, buf_add_str(s->out, "-h --help' ;;\n"));
}

// "'run -j' | 'run --slots') ": the words of a case.
static void add_case(struct script *s, const struct args *args, const struct arg *flag)
{
    add(s, buf_add_str(s->out, "    "));
    if (flag->letter)
        add(s, buf_printf(s->out, "'%s -%c' | ", args->command, flag->letter));
    add(s, buf_printf(s->out, "'%s --%s') ", args->command, flag->name));
}

static void add_values(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    (void)about;
    for (size_t i = 0; i < args->n; i++) {
        if (!args->table[i].meta)
            continue;
        struct hint hint = hint_of_flag(&args->table[i]);
        add_case(s, args, &args->table[i]);
        add(s, buf_printf(s->out, "echo %s ;;\n", kind_word(&hint)));
    }
}

static void add_places(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    struct hint hints[HINT_PLACES_MAX];
    bool repeats;
    size_t n = hints_of_words(args, hints, &repeats);
    (void)about;
    for (size_t i = 0; i < n; i++)
        if (repeats && i + 1 == n)
            add(s, buf_printf(s->out, "    '%s '*) echo %s ;;\n", args->command,
                              kind_word(&hints[i])));
        else
            add(s, buf_printf(s->out, "    '%s %zu') echo %s ;;\n", args->command, i + 1,
                              kind_word(&hints[i])));
    if (strchr(args->command, ' '))
        add(s, buf_printf(s->out, "    '%.*s 1') echo words ;;\n", (int)strcspn(args->command, " "),
                          args->command));
}

static void add_choices(void *arg, const char *about, const struct args *args)
{
    struct script *s = arg;
    struct hint hints[HINT_PLACES_MAX];
    bool repeats;
    size_t n = hints_of_words(args, hints, &repeats);
    const char *blank = strchr(args->command, ' ');
    (void)about;
    for (size_t i = 0; i < args->n; i++) {
        struct hint hint = {0};
        if (args->table[i].meta)
            hint = hint_of_flag(&args->table[i]);
        if (hint.kind != HINT_WORDS)
            continue;
        add_case(s, args, &args->table[i]);
        add(s, buf_printf(s->out, "echo %s ;;\n", hint.words));
    }
    for (size_t i = 0; i < n; i++)
        if (hints[i].kind == HINT_WORDS || hints[i].kind == HINT_COMMAND)
            add(s, buf_printf(s->out, "    '%s %zu') echo %s ;;\n", args->command, i + 1,
                              hints[i].kind == HINT_WORDS ? hints[i].words : "$_fanmill_commands"));
    if (blank)
        add(s, buf_printf(s->out, "    '%.*s 1') echo %s ;;\n", (int)(blank - args->command),
                          args->command, blank + 1));
}

static void add_function(struct script *s, const char *name, describe_fn *cases)
{
    add(s, buf_printf(s->out, "_fanmill_%s()\n{\n    case \"$*\" in\n", name));
    commands_describe(cases, s);
    add(s, buf_add_str(s->out, "    esac\n}\n\n"));
}

int completion_bash(struct buf *out)
{
    struct script s = {.out = out};
    add(&s, buf_add_str(out, "# bash completion of fanmill, made by: fanmill completion bash\n\n"
                             "_fanmill_commands='"));
    commands_describe(add_command, &s);
    add(&s, buf_add_str(out, "'\n\n"));
    add_function(&s, "flags", add_flags);
    add_function(&s, "value", add_values);
    add_function(&s, "place", add_places);
    add_function(&s, "choices", add_choices);
    add(&s, buf_add_str(out, engine));
    return s.error;
}
