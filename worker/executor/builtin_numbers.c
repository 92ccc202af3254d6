// Kernels over numbers, one a line: items as they are, or the results of a stage before.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "worker/executor/builtin.h"

#define POINTS_DEFAULT 1000

struct number_lines {
    const char *at;
    const char *end;
    uint64_t number; // of the line given last, from 1
};

static struct number_lines lines_of(fm_call *call)
{
    size_t len;
    const char *data = fm_data(call, &len);
    return (struct number_lines){.at = data, .end = data ? data + len : NULL};
}

// The next line that is not empty, without blanks around it.
static bool next_line(struct number_lines *lines, const char **ret, size_t *ret_len)
{
    while (lines->at && lines->at < lines->end) {
        const char *end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
        const char *begin = lines->at;
        if (!end)
            end = lines->end;
        lines->at = end + 1;
        lines->number++;
        while (begin < end && (*begin == ' ' || *begin == '\t'))
            begin++;
        while (begin < end && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
            end--;
        if (begin == end)
            continue;
        *ret = begin;
        *ret_len = (size_t)(end - begin);
        return true;
    }
    return false;
}

static bool to_u64(const char *text, size_t len, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret = value;
    return len > 0;
}

static int bad_number(fm_call *call, const struct number_lines *lines, const char *text, size_t len,
                      const char *kind)
{
    return fm_fail(call, "line %" PRIu64 ": '%.*s' is not a %s", lines->number,
                   (int)(len < 60 ? len : 60), text, kind);
}

int builtin_sum_u64(fm_call *call)
{
    struct number_lines lines = lines_of(call);
    const char *text;
    size_t len;
    uint64_t sum = 0, value;
    while (next_line(&lines, &text, &len)) {
        if (!to_u64(text, len, &value))
            return bad_number(call, &lines, text, len, "whole number below 2^64");
        if (__builtin_add_overflow(sum, value, &sum))
            return fm_fail(call, "the sum is 2^64 or more");
    }
    return fm_emit_text(call, "%" PRIu64 "\n", sum);
}

// Neumaier's compensated sum: `lost` is what the additions lost.
struct decimal_sum {
    double sum;
    double lost;
};

static void decimal_add(struct decimal_sum *s, double value)
{
    double next = s->sum + value;
    s->lost += fabs(s->sum) >= fabs(value) ? (s->sum - next) + value : (value - next) + s->sum;
    s->sum = next;
}

static bool to_f64(const char *text, size_t len, double *ret)
{
    char number[64];
    char *end;
    if (len >= sizeof(number))
        return false;
    memcpy(number, text, len);
    number[len] = '\0';
    double value = strtod(number, &end);
    *ret = value;
    return !*end && isfinite(value);
}

int builtin_sum_f64(fm_call *call)
{
    struct number_lines lines = lines_of(call);
    struct decimal_sum s = {0};
    const char *text;
    size_t len;
    double value;
    while (next_line(&lines, &text, &len)) {
        if (!to_f64(text, len, &value))
            return bad_number(call, &lines, text, len, "number");
        decimal_add(&s, value);
    }
    return fm_emit_text(call, "%.17g\n", s.sum + s.lost);
}

// As few digits as distinguish it from every other number.
static int emit_shortest(fm_call *call, double value)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return fm_emit_text(call, "%s\n", text);
}

// Whole numbers are added as such; the first that isn't one, or a sum of more than 64 bits, makes
// the rest decimal.
int builtin_sum(fm_call *call)
{
    struct number_lines lines = lines_of(call);
    struct decimal_sum s = {0};
    const char *text;
    size_t len;
    int64_t whole = 0;
    bool is_whole = true;
    while (next_line(&lines, &text, &len)) {
        bool minus = *text == '-';
        uint64_t size;
        int64_t next;
        double value;
        if (is_whole && to_u64(text + minus, len - minus, &size) && size <= INT64_MAX &&
            !__builtin_add_overflow(whole, minus ? -(int64_t)size : (int64_t)size, &next)) {
            whole = next;
            continue;
        }
        if (!to_f64(text, len, &value))
            return bad_number(call, &lines, text, len, "number");
        if (is_whole)
            decimal_add(&s, (double)whole);
        is_whole = false;
        decimal_add(&s, value);
    }
    return is_whole ? fm_emit_text(call, "%" PRId64 "\n", whole)
                    : emit_shortest(call, s.sum + s.lost);
}

static uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t m)
{
    return (uint64_t)((unsigned __int128)a * b % m);
}

static uint64_t pow_mod(uint64_t base, uint64_t exponent, uint64_t m)
{
    uint64_t result = 1;
    for (base %= m; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = mul_mod(result, base, m);
        base = mul_mod(base, base, m);
    }
    return result;
}

// Miller-Rabin; the first twelve primes as bases decide every number below 2^64
// (https://oeis.org/A014233).
static bool is_prime(uint64_t n)
{
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2)
        return false;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
        if (n % bases[i] == 0)
            return n == bases[i];
    int twos = __builtin_ctzll(n - 1);
    uint64_t odd = (n - 1) >> twos;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        uint64_t x = pow_mod(bases[i], odd, n);
        bool composite = x != 1 && x != n - 1;
        for (int k = 1; composite && k < twos; k++) {
            x = mul_mod(x, x, n);
            composite = x != n - 1;
        }
        if (composite)
            return false;
    }
    return true;
}

int builtin_primes(fm_call *call)
{
    struct number_lines lines = lines_of(call);
    const char *text;
    size_t len;
    uint64_t n = 0, value;
    while (next_line(&lines, &text, &len)) {
        if (!to_u64(text, len, &value))
            return bad_number(call, &lines, text, len, "whole number below 2^64");
        n += is_prime(value);
    }
    return fm_emit_text(call, "%" PRIu64 "\n", n);
}

int builtin_find_primes(fm_call *call)
{
    struct number_lines lines = lines_of(call);
    const char *text;
    size_t len;
    uint64_t value;
    int r = 0;
    while (r == 0 && next_line(&lines, &text, &len)) {
        if (!to_u64(text, len, &value))
            return bad_number(call, &lines, text, len, "whole number below 2^64");
        if (is_prime(value))
            r = fm_emit_text(call, "%" PRIu64 "\n", value);
    }
    return r;
}

// splitmix64 (https://prng.di.unimi.it/splitmix64.c, public domain): any seed is a good one.
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t points_inside(uint64_t seed, uint64_t points)
{
    uint64_t state = next_random(&seed);
    uint64_t inside = 0;
    for (uint64_t i = 0; i < points; i++) {
        uint64_t bits = next_random(&state);
        // 32 bits each way, squared, fit into 64 bits with a carry that means "outside".
        uint64_t x = bits >> 32, y = bits & 0xffffffffu;
        uint64_t sum;
        inside += !__builtin_add_overflow(x * x, y * y, &sum);
    }
    return inside;
}

int builtin_pi(fm_call *call)
{
    struct number_lines lines = lines_of(call);
    const char *arg = fm_arg(call, "points");
    const char *text;
    size_t len;
    uint64_t points = POINTS_DEFAULT, inside = 0, seed;
    if (arg && parse_u64(arg, &points) < 0)
        return fm_fail(call, "points: '%s' is not a whole number", arg);
    while (next_line(&lines, &text, &len)) {
        if (!to_u64(text, len, &seed))
            return bad_number(call, &lines, text, len, "whole number below 2^64");
        inside += points_inside(seed, points);
        int r = fm_progress(call, lines.number, fm_item_count(call));
        if (r < 0)
            return r;
    }
    return fm_emit_text(call, "%" PRIu64 "\n", inside);
}
