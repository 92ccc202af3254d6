// A count that may be relative to another, as -j is to the CPUs.
#pragma once
#include <stdint.h>

// "4"; "50%", "+1" and "-1" of `whole`, at least one. -EINVAL for anything else, and for less
// than 1 or more than PROTO_SLOTS_MAX.
int slots_parse(const char *word, uint32_t whole, uint32_t *ret);
