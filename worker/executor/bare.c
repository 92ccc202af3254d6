#include "worker/executor/bare.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pipelines/plan.h"

// A shell acts on these itself: POSIX's reserved words and special built-ins, the utilities that
// only a shell can be (POSIX 2.9.1, "intrinsic utilities"), and what common shells add to them.
static const char *const shell_words[] = {
    "!",      ".",       ":",      "alias",    "bg",      "break",  "builtin", "case",
    "cd",     "command", "coproc", "continue", "declare", "do",     "done",    "elif",
    "else",   "enable",  "esac",   "eval",     "exec",    "exit",   "export",  "fc",
    "fg",     "fi",      "for",    "function", "getopts", "hash",   "if",      "in",
    "jobs",   "kill",    "let",    "local",    "popd",    "pushd",  "read",    "readonly",
    "return", "select",  "set",    "shift",    "shopt",   "source", "suspend", "then",
    "time",   "times",   "trap",   "type",     "typeset", "ulimit", "umask",   "unalias",
    "unset",  "until",   "wait",   "while",
};

static bool is_shell_word(const char *word)
{
    for (size_t i = 0; i < sizeof(shell_words) / sizeof(shell_words[0]); i++)
        if (strcmp(word, shell_words[i]) == 0)
            return true;
    return false;
}

// No shell acts on any of its characters.
static bool is_plain(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)word[i]) && (unsigned char)word[i] < 0x80 &&
            !strchr("_./+,:@-", word[i]) && (i == 0 || word[i] != '%'))
            return false;
    return len > 0;
}

static bool is_placeholder(const char *word, size_t len)
{
    return len >= 2 && word[0] == '{' && word[len - 1] == '}' && !memchr(word + 1, '{', len - 2) &&
           !memchr(word + 1, '}', len - 2);
}

DEFINE_CLEANUP(char **, bare_free)

int bare_split(const char *text, char ***ret_words, size_t *ret_n)
{
    _cleanup_(bare_free_ptr)
    char **words = NULL;
    size_t n = 0, len;
    *ret_words = NULL;
    *ret_n = 0;
    for (; text += strspn(text, " \t"), (len = strcspn(text, " \t")) > 0; text += len) {
        if (n >= PLAN_ARGS_MAX || !(n ? is_placeholder(text, len) : is_plain(text, len)))
            return 0;
        char **longer = realloc(words, (n + 2) * sizeof(*words));
        if (!longer)
            return -ENOMEM;
        words = longer;
        words[n + 1] = NULL;
        words[n] = strndup(text, len);
        if (!words[n++])
            return -ENOMEM;
    }
    if (!n || is_shell_word(words[0]))
        return 0;
    *ret_words = take(words);
    *ret_n = n;
    return 0;
}

void bare_free(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}
