// Lists of texts in a plan.
#include <stdlib.h>

#include "pipelines/plan_parts.h"

void plan_free_words(char **words, size_t n)
{
    for (size_t i = 0; words && i < n; i++)
        free(words[i]);
    free(words);
}

void plan_put_words(struct pack_writer *w, char *const *words, size_t n)
{
    pack_array(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        pack_str(w, words[i]);
}

void plan_expect_array(struct pack_reader *r, uint32_t n)
{
    if (pack_read_array(r, n) != n)
        pack_fail(r);
}

void plan_get_words(struct pack_reader *r, uint32_t max, char ***ret, size_t *ret_n)
{
    uint32_t n = pack_read_array(r, max);
    if (n == 0)
        return;
    char **words = calloc((size_t)n + 1, sizeof(*words));
    if (!words) {
        pack_fail(r);
        return;
    }
    *ret = words;
    *ret_n = n;
    for (uint32_t i = 0; i < n && pack_ok(r); i++)
        words[i] = pack_read_strdup(r, PLAN_PACKED_MAX);
}
