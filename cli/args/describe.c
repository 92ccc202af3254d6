#include "cli/args/describe.h"

#include <stdio.h>
#include <string.h>

// Names of values that say what they are.
static const struct {
    const char *name;
    enum hint_kind kind;
} kinds[] = {
    {"FILE", HINT_FILE},         {"WHERE", HINT_FILE}, {"ARG", HINT_FILE},
    {"JOB.yaml", HINT_JOB_FILE}, {"DIR", HINT_FOLDER}, {"COMMAND", HINT_PROGRAM},
};

// Adds a word that is typed as it stands: one without capitals, which stand for something else.
static void add_word(struct hint *hint, const char *word, size_t len)
{
    size_t at = strlen(hint->words);
    for (size_t i = 0; i < len; i++)
        if (!(word[i] >= 'a' && word[i] <= 'z') && word[i] != '-')
            return;
    if (len == 0 || at + len + 2 > sizeof(hint->words))
        return;
    snprintf(hint->words + at, sizeof(hint->words) - at, "%s%.*s", at ? " " : "", (int)len, word);
    hint->kind = HINT_WORDS;
}

static struct hint hint_of_name(const char *name, size_t len)
{
    struct hint hint = {.kind = HINT_NOTHING};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, name, len) == 0)
            hint.kind = kinds[i].kind;
    if (!memchr(name, '|', len))
        return hint;
    for (size_t from = 0, i = 0; i <= len; i++)
        if (i == len || name[i] == '|') {
            add_word(&hint, name + from, i - from);
            from = i + 1;
        }
    return hint;
}

// "auto, always or never": help that is nothing but the words.
static bool read_words(const char *help, struct hint *ret)
{
    struct hint hint = {.kind = HINT_NOTHING};
    bool has_last = false;
    for (const char *c = help; *c;) {
        size_t len = strspn(c, "abcdefghijklmnopqrstuvwxyz-");
        const char *next = c + len;
        add_word(&hint, c, len);
        if (len == 0 || has_last)
            return false;
        if (strncmp(next, " or ", 4) == 0) {
            add_word(&hint, next + 4, strspn(next + 4, "abcdefghijklmnopqrstuvwxyz-"));
            next += 4 + strspn(next + 4, "abcdefghijklmnopqrstuvwxyz-");
            has_last = true;
        } else if (strncmp(next, ", ", 2) == 0) {
            next += 2;
        } else {
            return false;
        }
        c = next;
    }
    if (has_last)
        *ret = hint;
    return has_last;
}

struct hint hint_of_flag(const struct arg *flag)
{
    struct hint hint;
    return read_words(flag->help, &hint) ? hint : hint_of_name(flag->meta, strlen(flag->meta));
}

static bool takes_value(const struct args *args, const char *flag, size_t len)
{
    for (size_t i = 0; i < args->n; i++) {
        const struct arg *arg = &args->table[i];
        bool is_it =
            len == 2 ? flag[1] == arg->letter
                     : strlen(arg->name) == len - 2 && memcmp(flag + 2, arg->name, len - 2) == 0;
        if (is_it)
            return arg->meta != NULL;
    }
    return false;
}

size_t hints_of_words(const struct args *args, struct hint ret[HINT_PLACES_MAX], bool *ret_repeats)
{
    size_t n = 0;
    bool skip = false;
    *ret_repeats = false;
    if (strcmp(args->command, "help") == 0) {
        ret[0] = (struct hint){.kind = HINT_COMMAND};
        return 1;
    }
    for (const char *c = args->usage; *c && *c != '\n' && n < HINT_PLACES_MAX;) {
        const char *end = c + strcspn(c, " \n"), *next = end + (*end == ' ');
        while (*c == '[')
            c++;
        while (end > c && strchr(".]", end[-1]))
            end--;
        size_t len = (size_t)(end - c);
        if (skip) {
            skip = false;
        } else if (len > 1 && *c == '-') {
            skip = takes_value(args, c, len);
        } else if (len > 0 && *c == ':') {
            break; // what comes behind ::: is no word of the command's own
        } else if (len > 0 && *c != '|' && (len != 4 || memcmp(c, "FLAG", 4) != 0)) {
            ret[n++] = hint_of_name(c, len);
            *ret_repeats = strncmp(end, "...", 3) == 0 || strncmp(end, "]...", 4) == 0;
        }
        c = next;
    }
    return n;
}
