#include "pipelines/builtin.h"

#include <string.h>

const struct builtin builtins[] = {
    {"noop", "do nothing: the result is empty", {{0}}},
    {"identity", "return the input unchanged", {{0}}},
    {"sleep",
     "sleep, then return an empty result",
     {{"time", BUILTIN_ARG_DURATION, "how long, e.g. 0.1, 50ms or 2s"}}},
    {"sum", "sum of the items; exact for whole numbers, with or without a sign", {{0}}},
    {"sum_u64", "sum of the items, which are whole numbers without a sign", {{0}}},
    {"sum_f64", "sum of the items, which are decimal numbers", {{0}}},
    {"count_lines", "number of lines in the input", {{0}}},
    {"word_count", "each word and its number of occurrences, sorted by word", {{0}}},
    {"merge_counts", "add up the counts of equal words, sorted by word", {{0}}},
    {"primes", "how many of the items are prime", {{0}}},
    {"find_primes", "the items that are prime, one per line", {{0}}},
    {"pi",
     "how many of the random `points` drawn for each item, its seed, lie inside the circle",
     {{"points", BUILTIN_ARG_COUNT, "points drawn for each item; 1000"}}},
    {"fail",
     "fail with a message; for tests",
     {{"text", BUILTIN_ARG_TEXT, "the message"},
      {"attempts", BUILTIN_ARG_COUNT, "succeed after this many failures; never"}}},
    {"crash",
     "end the executor by a signal; for tests",
     {{"signal", BUILTIN_ARG_COUNT, "its number; 11"},
      {"attempts", BUILTIN_ARG_COUNT, "succeed after this many crashes; never"}}},
};
const size_t n_builtins = sizeof(builtins) / sizeof(builtins[0]);

const struct builtin *builtin_find(const char *name)
{
    for (size_t i = 0; i < n_builtins; i++)
        if (strcmp(builtins[i].name, name) == 0)
            return &builtins[i];
    return NULL;
}
