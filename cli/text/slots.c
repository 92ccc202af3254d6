#include "cli/text/slots.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "proto/limits.h"

#define PERCENT_MAX 100000u

int slots_parse(const char *word, uint32_t whole, uint32_t *ret)
{
    size_t len = strlen(word);
    bool percent = len > 1 && word[len - 1] == '%';
    char sign = *word == '+' || *word == '-' ? *word : '\0';
    char number[16];
    uint64_t n;
    if (len >= sizeof(number) || (percent && sign))
        return -EINVAL;
    snprintf(number, sizeof(number), "%.*s", (int)(len - percent - (sign != 0)),
             word + (sign != 0));
    if (parse_u64(number, &n) < 0 || n > (percent ? PERCENT_MAX : PROTO_SLOTS_MAX))
        return -EINVAL;
    if ((percent || !sign) && n == 0)
        return -EINVAL;
    if (percent)
        n = ((uint64_t)whole * n + 50) / 100;
    else if (sign == '+')
        n += whole;
    else if (sign == '-')
        n = n < whole ? whole - n : 1;
    if (n > PROTO_SLOTS_MAX)
        return -EINVAL;
    *ret = n ? (uint32_t)n : 1;
    return 0;
}
