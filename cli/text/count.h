// Numbers with their nouns.
#pragma once
#include <stdint.h>
#include <stdio.h>

struct count_text {
    char text[64];
};
// "1 chunk", "2 chunks": count(n, "chunk").text, which lives as long as the full expression. Nouns
// that take an s.
struct count_text count(uint64_t n, const char *noun);
