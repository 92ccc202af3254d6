#include "worker/executor/words.h"

#include <errno.h>
#include <string.h>

void words_init(struct words *w)
{
    buf_init(&w->text, 0);
    buf_init(&w->argv, 0);
}

void words_done(struct words *w)
{
    buf_done(&w->text);
    buf_done(&w->argv);
}

static int end_word(struct words *w, size_t offset)
{
    size_t len = w->text.len - offset;
    if (len >= WORD_BYTES_MAX) {
        w->too_long = len;
        return -E2BIG;
    }
    if (len && memchr(w->text.data + offset, '\0', len))
        return -EILSEQ;
    int r = buf_add(&w->text, "", 1);
    return r < 0 ? r : buf_add(&w->argv, &offset, sizeof(offset));
}

static int add_text(struct words *w, const char *text)
{
    size_t offset = w->text.len;
    int r = buf_add_str(&w->text, text);
    return r < 0 ? r : end_word(w, offset);
}

static int add_filled(struct words *w, const struct template *t,
                      const struct template_values *values)
{
    size_t offset = w->text.len;
    int r = template_expand(t, values, &w->text);
    return r < 0 ? r : end_word(w, offset);
}

static int add_script(struct words *w, const struct recipe_stage *s)
{
    int r = 0;
    for (char **word = s->stage->shell; *word && r == 0; word++)
        r = add_text(w, *word);
    if (r == 0)
        r = add_text(w, template_script(s->words.list[0]));
    return r < 0 ? r : add_text(w, "fanmill");
}

static int build_one(struct words *w, const struct recipe_stage *s,
                     const struct template_values *values)
{
    int r = 0;
    if (!s->words.is_script) {
        for (size_t i = 0; i < s->words.n && r == 0; i++)
            r = add_filled(w, s->words.list[i], values);
        return r;
    }
    r = add_script(w, s);
    const struct template *script = s->words.list[0];
    for (size_t i = 0; i < template_n_args(script) && r == 0; i++) {
        size_t offset = w->text.len;
        r = template_expand_arg(script, i, values, &w->text);
        if (r == 0)
            r = end_word(w, offset);
    }
    return r;
}

struct argv_batch {
    struct words *w;
    const struct recipe_stage *s;
    words_item_fn *next;
    void *arg;
    size_t bytes; // of all words so far
};

// What the words that take the item add to the command. They are written after the words so far and
// taken back.
static int measure(struct argv_batch *b, const struct template_values *values, size_t *ret)
{
    size_t before = b->w->text.len, n = 0;
    int r = 0;
    const struct recipe_words *words = &b->s->words;
    if (words->is_script) {
        *ret = values->item_len + 1 + sizeof(char *);
        return 0;
    }
    for (size_t i = 0; i < words->n && r == 0; i++)
        if (template_uses_item(words->list[i])) {
            r = template_expand(words->list[i], values, &b->w->text);
            n++;
        }
    *ret = b->w->text.len - before + n * (1 + sizeof(char *));
    b->w->text.len = before;
    return r;
}

static int count_fitting(struct argv_batch *b, size_t *ret)
{
    struct template_values values;
    size_t n = 0, more = 0;
    int r;
    while ((r = b->next(b->arg, n, &values)) == 1) {
        r = measure(b, &values, &more);
        if (r < 0 || (n && b->bytes + more > BATCH_BYTES_MAX))
            break;
        b->bytes += more;
        n++;
    }
    *ret = n;
    return r;
}

static int add_items(struct argv_batch *b, const struct template *t, size_t n)
{
    struct template_values values;
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        size_t offset = b->w->text.len;
        r = b->next(b->arg, i, &values);
        if (r == 1 && t) {
            r = add_filled(b->w, t, &values);
        } else if (r == 1) {
            r = buf_add(&b->w->text, values.item, values.item_len);
            if (r == 0)
                r = end_word(b->w, offset);
        }
    }
    return r;
}

static int build_batch(struct argv_batch *b, size_t *ret_taken)
{
    const struct recipe_words *words = &b->s->words;
    struct template_values first = {0};
    size_t n = 0;
    for (size_t i = 0; i < words->n; i++)
        b->bytes += strlen(words->texts[i]) + 1 + sizeof(char *);
    int r = count_fitting(b, &n);
    if (r == 0 && words->is_script)
        r = add_script(b->w, b->s);
    if (r == 0 && words->is_script && template_uses_item(words->list[0]))
        r = add_items(b, NULL, n);
    if (r == 0)
        r = b->next(b->arg, 0, &first) < 0 ? -ENOMEM : 0;
    for (size_t i = 0; r == 0 && !words->is_script && i < words->n; i++)
        r = template_uses_item(words->list[i]) ? add_items(b, words->list[i], n)
                                               : add_filled(b->w, words->list[i], &first);
    *ret_taken = n;
    return r;
}

int words_build(struct words *w, const struct recipe_stage *s, words_item_fn *next, void *arg,
                size_t *ret_taken)
{
    struct argv_batch batch = {.w = w, .s = s, .next = next, .arg = arg};
    struct template_values values = {0};
    buf_clear(&w->text);
    buf_clear(&w->argv);
    w->too_long = 0;
    if (s->stage->is_batch)
        return build_batch(&batch, ret_taken);
    *ret_taken = 1;
    int r = next(arg, 0, &values);
    return r < 0 ? r : build_one(w, s, &values);
}

size_t words_count(const struct words *w)
{
    return w->argv.len / sizeof(size_t);
}

char **words_argv(struct words *w)
{
    size_t end_mark = 0, n = words_count(w);
    if (buf_add(&w->argv, &end_mark, sizeof(end_mark)) < 0)
        return NULL;
    // `text` stays where it is now: offsets become pointers in their own places.
    char **argv = (char **)(void *)w->argv.data;
    for (size_t i = 0; i < n; i++) {
        size_t offset;
        memcpy(&offset, &argv[i], sizeof(offset));
        argv[i] = (char *)w->text.data + offset;
    }
    argv[n] = NULL;
    return argv;
}
