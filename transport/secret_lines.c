#include "transport/secret_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void secret_lines_init(struct secret_lines *l, const char *text, size_t len)
{
    *l = (struct secret_lines){.at = text, .end = text + len};
}

static bool is_comment(const char *line, size_t len)
{
    return len == 0 || (line[0] == '#' && (len == 1 || line[1] == ' '));
}

int secret_lines_next(struct secret_lines *l)
{
    while (l->at < l->end) {
        const char *line = l->at;
        const char *stop = memchr(line, '\n', (size_t)(l->end - line));
        size_t len = stop ? (size_t)(stop - line) : (size_t)(l->end - line);
        l->at = stop ? stop + 1 : l->end;
        l->number++;
        if (len && line[len - 1] == '\r')
            len--;
        if (is_comment(line, len))
            continue;
        const char *blank = memchr(line, ' ', len);
        size_t word = blank ? (size_t)(blank - line) : len;
        size_t skip = blank ? word + 1 : len;
        if (word == 0 || word >= sizeof(l->word) || len - skip >= sizeof(l->value) ||
            memchr(line, '\0', len))
            return -EINVAL;
        memcpy(l->word, line, word);
        l->word[word] = '\0';
        memcpy(l->value, line + skip, len - skip);
        l->value[len - skip] = '\0';
        return 1;
    }
    return 0;
}
