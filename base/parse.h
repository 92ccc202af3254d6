// Words to numbers, as a person writes them in a job file or on the command line. Every function
// returns 0 or -EINVAL / -ERANGE and leaves the output untouched on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Decimal only; a leading zero, sign or blank is refused.
int parse_u64(const char *text, uint64_t *ret);
int parse_i64(const char *text, int64_t *ret);
// Sizes in bytes: bare = bytes; K M G T and KiB MiB GiB TiB = 1024^n; KB MB GB TB = 1000^n (the
// letters of coreutils). A fraction is allowed: 1.5GiB. Lower case is refused.
int parse_size(const char *text, uint64_t *ret_bytes);
// Durations: a bare number is seconds, as coreutils' timeout has it; suffixes ms s m h d.
int parse_duration(const char *text, int64_t *ret_ns);
// "5%" -> 500, "0.5%" -> 50: hundredths of a percent, 0..10000.
int parse_percent(const char *text, uint32_t *ret_basis_points);

// The nearest of `n` names by edit distance, or NULL if none is near enough to be meant.
const char *parse_nearest(const char *word, const char *const *names, size_t n);
