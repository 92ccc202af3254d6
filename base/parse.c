#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NEAREST_MAX 63 // longer words are not typing mistakes

int parse_u64(const char *text, uint64_t *ret)
{
    if (!isdigit((unsigned char)text[0]) || (text[0] == '0' && text[1]))
        return -EINVAL;
    uint64_t value = 0;
    for (const char *c = text; *c; c++) {
        if (!isdigit((unsigned char)*c))
            return -EINVAL;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
            return -ERANGE;
    }
    *ret = value;
    return 0;
}

int parse_i64(const char *text, int64_t *ret)
{
    uint64_t magnitude;
    int negative = text[0] == '-';
    int r = parse_u64(text + negative, &magnitude);
    if (r < 0)
        return r;
    if (magnitude > (uint64_t)INT64_MAX + (uint64_t)negative)
        return -ERANGE;
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 0;
}

// Digits with an optional fraction; *ret_end points after them.
static int parse_decimal(const char *text, double *ret, const char **ret_end)
{
    const char *c = text;
    if (!isdigit((unsigned char)*c))
        return -EINVAL;
    if (*c == '0' && isdigit((unsigned char)c[1]))
        return -EINVAL;
    double value = 0;
    while (isdigit((unsigned char)*c))
        value = value * 10 + (*c++ - '0');
    if (*c == '.') {
        double scale = 0.1;
        if (!isdigit((unsigned char)*++c))
            return -EINVAL;
        while (isdigit((unsigned char)*c)) {
            value += scale * (*c++ - '0');
            scale /= 10;
        }
    }
    *ret = value;
    *ret_end = c;
    return 0;
}

struct unit {
    const char *suffix;
    double factor;
};

// A decimal with one of the suffixes; -ERANGE from `end` on.
static int parse_scaled(const char *text, const struct unit *units, size_t n, double end,
                        int64_t *ret)
{
    double value;
    const char *suffix;
    if (parse_decimal(text, &value, &suffix) < 0)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(suffix, units[i].suffix) != 0)
            continue;
        value *= units[i].factor;
        if (value >= end)
            return -ERANGE;
        *ret = llround(value);
        return 0;
    }
    return -EINVAL;
}

int parse_size(const char *text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},       {"B", 1},        {"K", 0x1p10},   {"KiB", 0x1p10}, {"KB", 1e3},
        {"M", 0x1p20}, {"MiB", 0x1p20}, {"MB", 1e6},     {"G", 0x1p30},   {"GiB", 0x1p30},
        {"GB", 1e9},   {"T", 0x1p40},   {"TiB", 0x1p40}, {"TB", 1e12},
    };
    int64_t bytes = 0;
    int r = parse_scaled(text, units, sizeof(units) / sizeof(units[0]), 0x1p63, &bytes);
    if (r == 0)
        *ret_bytes = (uint64_t)bytes;
    return r;
}

int parse_duration(const char *text, int64_t *ret_ns)
{
    static const struct unit units[] = {{"", 1e9},   {"s", 1e9},    {"ms", 1e6},
                                        {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
    return parse_scaled(text, units, sizeof(units) / sizeof(units[0]), 0x1p62, ret_ns);
}

int parse_percent(const char *text, uint32_t *ret_basis_points)
{
    double value;
    const char *end;
    if (parse_decimal(text, &value, &end) < 0 || strcmp(end, "%") != 0)
        return -EINVAL;
    if (value > 100)
        return -ERANGE;
    *ret_basis_points = (uint32_t)lround(value * 100);
    return 0;
}

// Edit distance with transpositions (optimal string alignment), over three rows.
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[na % 3][nb];
}

const char *parse_nearest(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word);
    if (len == 0 || len > NEAREST_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance =
        len < 4 ? 2 : 3; // a word of three letters may be off by one, longer ones by two
    for (size_t i = 0; i < n; i++) {
        size_t name_len = strlen(names[i]);
        if (name_len > NEAREST_MAX)
            continue;
        size_t d = distance(word, len, names[i], name_len);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}
