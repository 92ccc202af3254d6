#include "pipelines/builtin.h"

#include <string.h>

const struct builtin builtins[] = {
    {"noop", "nothing: an empty result", {{0}}},
    {"identity", "the input as it came", {{0}}},
    {"sleep",
     "sleeps, then an empty result",
     {{"time", BUILTIN_ARG_DURATION, "how long: 0.1, 50ms, 2s"}}},
    {"sum", "the sum of items that are numbers: whole ones exactly, with a sign or not", {{0}}},
    {"sum_u64", "the sum of items that are whole numbers", {{0}}},
    {"sum_f64", "the sum of items that are decimal numbers", {{0}}},
    {"count_lines", "how many lines the input has", {{0}}},
    {"word_count", "each word and how often it occurs, sorted by word", {{0}}},
    {"merge_counts", "adds the counts of equal words, sorted by word", {{0}}},
    {"primes", "how many of the items are prime", {{0}}},
    {"find_primes", "those of the items that are prime, one a line", {{0}}},
    {"pi",
     "points inside the circle: draws `points` for each item, seeded by the item",
     {{"points", BUILTIN_ARG_COUNT, "points drawn for one item; 1000"}}},
    {"fail",
     "fails with a text; for tests",
     {{"text", BUILTIN_ARG_TEXT, "the text"},
      {"attempts", BUILTIN_ARG_COUNT, "succeed after so many failures; never"}}},
    {"crash",
     "ends the executor by a signal; for tests",
     {{"signal", BUILTIN_ARG_COUNT, "its number; 11"},
      {"attempts", BUILTIN_ARG_COUNT, "succeed after so many crashes; never"}}},
};
const size_t n_builtins = sizeof(builtins) / sizeof(builtins[0]);

const struct builtin *builtin_find(const char *name)
{
    for (size_t i = 0; i < n_builtins; i++)
        if (strcmp(builtins[i].name, name) == 0)
            return &builtins[i];
    return NULL;
}
