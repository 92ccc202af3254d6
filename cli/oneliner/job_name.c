#include "cli/oneliner/job_name.h"

#include <ctype.h>
#include <string.h>

struct word {
    const char *at;
    size_t len;
};

static bool is_one_of(struct word word, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == word.len && memcmp(*list, word.at, word.len) == 0)
            return true;
    return false;
}

// What another command follows in the same place.
static bool leads(struct word word)
{
    static const char *const words[] = {"if",    "then", "else", "elif",  "do",      "while",
                                        "until", "time", "exec", "nohup", "command", "env",
                                        "!",     "eval", "{",    NULL};
    size_t name = 0;
    while (name < word.len && (isalnum((unsigned char)word.at[name]) || word.at[name] == '_'))
        name++;
    bool assigns = name && name < word.len && word.at[name] == '=';
    return is_one_of(word, words) || word.at[0] == '-' || assigns;
}

// What does nothing that would name a job; it goes on with the next command.
static bool says_nothing(struct word word)
{
    static const char *const words[] = {
        "for",  "case", "cd", "set",  "export", "trap",   "true",   "[", "[[",    ":",
        "read", "done", "fi", "esac", "umask",  "ulimit", "source", ".", "local", NULL};
    return is_one_of(word, words) ||
           !(isalnum((unsigned char)word.at[0]) || strchr("_./~", word.at[0]));
}

// The base name, in letters that a job's name may have; others become single dashes.
static void clean(struct word word, char *ret, size_t size)
{
    const char *slash = memrchr(word.at, '/', word.len);
    size_t n = 0;
    if (slash)
        word = (struct word){slash + 1, (size_t)(word.at + word.len - slash) - 1};
    for (size_t i = 0; i < word.len && n + 1 < size; i++) {
        char c = (char)tolower((unsigned char)word.at[i]);
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (fits)
            ret[n++] = c;
        else if (n && ret[n - 1] != '-')
            ret[n++] = '-';
    }
    while (n && ret[n - 1] == '-')
        n--;
    ret[n] = '\0';
    if (strspn(ret, "0123456789-_") == n) // a number is no name
        ret[0] = '\0';
}

static struct word next_word(const char *text)
{
    text += strspn(text, " \t\"'");
    return (struct word){text, strcspn(text, " \t\n;|&<>()\"'")};
}

void job_name_of(const char *text, bool is_script, char *ret, size_t size)
{
    ret[0] = '\0';
    if (!is_script) {
        clean((struct word){text, strlen(text)}, ret, size);
        return;
    }
    while (*text && !ret[0]) {
        struct word word = next_word(text);
        while (word.len && leads(word))
            word = next_word(word.at + word.len);
        if (word.len && !says_nothing(word))
            clean(word, ret, size);
        text = word.at + strcspn(word.at, "\n;|&()");
        text += *text != '\0';
    }
}
