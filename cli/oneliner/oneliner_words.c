#include "cli/oneliner/oneliner_words.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "pipelines/input/matrix.h"
#include "pipelines/template/template.h"

// {1}, {-1}, {2/.}; not {1,3} nor {1..9}, which belong to regular expressions and shells.
static bool is_place(const char *body)
{
    body += *body == '-';
    const char *after = body + strspn(body, "0123456789");
    bool is_range =
        strncmp(after, "..", 2) == 0 && (isdigit((unsigned char)after[2]) || after[2] == '-');
    return after > body && *after != ',' && !is_range;
}

bool words_use_number(const struct oneliner *o)
{
    for (size_t i = 0; i < o->n_words; i++)
        for (const char *c = o->words[i]; (c = strchr(c, '{')); c++)
            if (is_place(c + 1))
                return true;
    return false;
}

static bool has_placeholder(struct making *m, enum template_mode mode)
{
    const struct oneliner *o = m->o;
    const struct template_names names = {.has_item = true, .source = &m->source};
    for (size_t i = 0; i < o->n_words; i++) {
        _cleanup_(template_free_ptr)
        struct template *t = NULL;
        struct err err;
        size_t offset;
        // What can't be compiled is reported by the loader.
        if (template_compile(o->words[i], mode, &names, &t, &err, &offset) < 0 ||
            !template_is_constant(t))
            return true;
    }
    return false;
}

// What is appended: a word for each of several lists.
static size_t n_items(const struct making *m)
{
    return m->source.kind == SOURCE_MATRIX ? matrix_n_columns(m->source.matrix) : 1;
}

static const char *item_word(struct making *m, size_t number)
{
    return m->source.kind == SOURCE_MATRIX ? making_text(m, "{%zu}", number) : "{}";
}

// Whether what follows a script would be a word of its last command, not a command itself nor
// a comment.
static bool ends_within_command(const char *script, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (script[i] == '\n' || (script[i] == '#' && (i == 0 || strchr(" \t;&|(", script[i - 1]))))
            return false;
    bool negates = script[len - 1] == '!' && (len == 1 || strchr(" \t;&|(", script[len - 2]));
    return !negates && !strchr(";&|(=\\", script[len - 1]);
}

// The script with the item appended. Where a shell would run it as a command of its own, or not see
// it, we don't guess.
static int append_item(struct making *m, const char *script, const char **ret)
{
    size_t len = strlen(script);
    while (len && strchr(" \t\n", script[len - 1]))
        len--;
    *ret = script;
    if (!len)
        return 0; // reported by the loader
    if (!ends_within_command(script, len))
        return making_mistake(m->o, "write {} where the item belongs in the script");
    *ret = making_text(m, "%.*s", (int)len, script);
    for (size_t i = 1; i <= n_items(m); i++)
        *ret = making_text(m, "%s %s", *ret, item_word(m, i));
    return 0;
}

// Of --cat and --fifo. In a script a command within a pipeline has another standard input.
#define CHUNK_FILE "/dev/stdin"
#define CHUNK_FILE_IN_SCRIPT "/dev/fd/9"
#define CHUNK_FILE_PREFIX "exec 9<&0 </dev/null; "

static const char *name_chunk(struct making *m, const char *word, const char *name)
{
    const char *named = making_text(m, "%s", ""), *at;
    for (; (at = strstr(word, "{}")); word = at + 2)
        named = making_text(m, "%s%.*s%s", named, (int)(at - word), word, name);
    return making_text(m, "%s%s", named, word);
}

static void put_named(struct making *m, struct node *stage, const char *key)
{
    const struct oneliner *o = m->o;
    bool any = false;
    for (size_t i = 0; i < o->n_words; i++)
        any = any || strstr(o->words[i], "{}");
    if (o->n_words == 1) {
        const char *script = name_chunk(m, o->words[0], CHUNK_FILE_IN_SCRIPT);
        making_put(
            m, stage, key,
            making_text(m, CHUNK_FILE_PREFIX "%s%s", script, any ? "" : " " CHUNK_FILE_IN_SCRIPT),
            "the script");
        return;
    }
    struct node *list = tree_put(&m->tree, stage, key, tree_list(&m->tree, "the command"));
    for (size_t i = 0; i < o->n_words; i++)
        tree_append(list, tree_text(&m->tree, name_chunk(m, o->words[i], CHUNK_FILE),
                                    making_text(m, "'%.*s'", LABEL_MAX, o->words[i])));
    if (!any)
        tree_append(list, tree_text(&m->tree, CHUNK_FILE, NULL));
}

int words_put(struct making *m, struct node *stage, const char *key)
{
    const struct oneliner *o = m->o;
    if (o->cat || o->fifo) {
        put_named(m, stage, key);
        return 0;
    }
    bool takes_item = o->kind == ONELINER_MAP, append = false;
    bool is_script = o->n_words == 1;
    if (takes_item)
        append = !has_placeholder(m, is_script ? TEMPLATE_SCRIPT : TEMPLATE_WORD);
    if (is_script) {
        const char *script = o->words[0];
        int r = append ? append_item(m, script, &script) : 0;
        making_put(m, stage, key, script, "the script");
        return r;
    }
    struct node *list = tree_put(&m->tree, stage, key, tree_list(&m->tree, "the command"));
    for (size_t i = 0; i < o->n_words; i++)
        tree_append(list, tree_text(&m->tree, o->words[i],
                                    making_text(m, "'%.*s'", LABEL_MAX, o->words[i])));
    for (size_t i = 1; append && i <= n_items(m); i++)
        tree_append(list, tree_text(&m->tree, item_word(m, i), NULL));
    return 0;
}
