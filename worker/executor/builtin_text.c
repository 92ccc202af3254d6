// Kernels over text: lines and words.
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "worker/executor/builtin.h"

#define TABLE_CAP_MIN 1024u

int builtin_count_lines(fm_call *call)
{
    size_t len;
    const char *data = fm_data(call, &len);
    uint64_t n = 0;
    if (!data)
        return -1;
    const char *end = data + len;
    for (const char *at = data; at < end; n++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    return fm_emit_text(call, "%" PRIu64 "\n", n);
}

struct word {
    size_t at; // in table.text; lower case
    uint32_t len;
    uint32_t hash;
    uint64_t count; // 0: an empty place
};

// Open addressing; half full at most.
struct table {
    struct word *words;
    size_t cap;
    size_t n;
    struct buf text;
};

static void table_done(struct table *table)
{
    free(table->words);
    buf_done(&table->text);
}

static const char *word_text(const struct table *table, const struct word *word)
{
    return (const char *)table->text.data + word->at;
}

// FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
static uint32_t hash_of(const char *text, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    return hash;
}

static struct word *find_place(const struct table *table, const char *text, size_t len,
                               uint32_t hash)
{
    size_t i = hash & (table->cap - 1);
    for (;; i = (i + 1) & (table->cap - 1)) {
        struct word *word = &table->words[i];
        if (!word->count)
            return word;
        if (word->hash == hash && word->len == len &&
            memcmp(word_text(table, word), text, len) == 0)
            return word;
    }
}

static int table_grow(struct table *table)
{
    if (table->n < table->cap / 2)
        return 0;
    struct table wider = {
        .cap = table->cap ? table->cap * 2 : TABLE_CAP_MIN, .n = table->n, .text = table->text};
    wider.words = calloc(wider.cap, sizeof(*wider.words));
    if (!wider.words)
        return -ENOMEM;
    for (size_t i = 0; i < table->cap; i++) {
        const struct word *word = &table->words[i];
        if (word->count)
            *find_place(&wider, word_text(table, word), word->len, word->hash) = *word;
    }
    free(table->words);
    *table = wider;
    return 0;
}

static int table_add(struct table *table, const char *text, size_t len, uint64_t count)
{
    int r = table_grow(table);
    if (r < 0 || !count)
        return r;
    uint32_t hash = hash_of(text, len);
    struct word *word = find_place(table, text, len, hash);
    if (!word->count) {
        size_t at = table->text.len;
        r = buf_add(&table->text, text, len);
        if (r < 0)
            return r;
        *word = (struct word){.at = at, .len = (uint32_t)len, .hash = hash};
        table->n++;
    }
    word->count += count;
    return 0;
}

static int by_text(const void *a, const void *b, void *arg)
{
    const struct word *x = a, *y = b;
    const struct table *table = arg;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(word_text(table, x), word_text(table, y), len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int table_emit(fm_call *call, struct table *table)
{
    _cleanup_(buf_done)
    struct buf out;
    size_t n = 0;
    int r = 0;
    buf_init(&out, 0);
    for (size_t i = 0; i < table->cap; i++)
        if (table->words[i].count)
            table->words[n++] = table->words[i];
    if (n)
        qsort_r(table->words, n, sizeof(*table->words), by_text, table);
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct word *word = &table->words[i];
        r = buf_add(&out, word_text(table, word), word->len);
        if (r == 0)
            r = buf_printf(&out, " %" PRIu64 "\n", word->count);
    }
    return r < 0 ? r : fm_emit(call, out.data, out.len);
}

// Letters of ASCII in lower case, and every byte of a longer UTF-8 letter; 0 for all else.
static unsigned char letter(unsigned char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (unsigned char)(byte + ('a' - 'A'));
    return (byte >= 'a' && byte <= 'z') || byte >= 0x80 ? byte : 0;
}

int builtin_word_count(fm_call *call)
{
    _cleanup_(table_done)
    struct table table = {0};
    _cleanup_(buf_done)
    struct buf word;
    size_t len;
    const unsigned char *data = fm_data(call, &len);
    int r = data ? 0 : -1;
    buf_init(&word, 0);
    buf_init(&table.text, 0);
    for (size_t i = 0; i < len && r == 0;) {
        unsigned char c = letter(data[i]);
        if (!c) {
            i++;
            continue;
        }
        buf_clear(&word);
        for (; i < len && (c = letter(data[i])) && r == 0; i++)
            r = buf_add(&word, &c, 1);
        if (r == 0)
            r = table_add(&table, (const char *)word.data, word.len, 1);
    }
    return r < 0 ? r : table_emit(call, &table);
}

// "word count": the count is what follows the last blank.
static bool split_count(const char *line, size_t len, size_t *ret_word, uint64_t *ret_count)
{
    size_t at = len;
    uint64_t count = 0;
    while (at > 0 && line[at - 1] != ' ')
        at--;
    if (at < 2 || at == len)
        return false;
    for (size_t i = at; i < len; i++) {
        unsigned digit = (unsigned)(line[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(count, 10u, &count) ||
            __builtin_add_overflow(count, digit, &count))
            return false;
    }
    *ret_word = at - 1;
    *ret_count = count;
    return true;
}

int builtin_merge_counts(fm_call *call)
{
    _cleanup_(table_done)
    struct table table = {0};
    size_t len, word;
    const char *data = fm_data(call, &len);
    uint64_t line = 0, count;
    int r = data ? 0 : -1;
    buf_init(&table.text, 0);
    for (size_t at = 0; at < len && r == 0; line++) {
        const char *newline = memchr(data + at, '\n', len - at);
        size_t n = newline ? (size_t)(newline - (data + at)) : len - at;
        if (n > 0 && !split_count(data + at, n, &word, &count))
            return fm_fail(call, "line %" PRIu64 ": '%.*s' is not a word, a blank and a count",
                           line + 1, (int)(n < 60 ? n : 60), data + at);
        if (n > 0)
            r = table_add(&table, data + at, word, count);
        at += n + 1;
    }
    return r < 0 ? r : table_emit(call, &table);
}
