// The kernels that pipelines/builtin.h names. They are written against include/fanmill/kernel.h
// alone, as any kernel is.
#pragma once
#include "fanmill/kernel.h"

// NULL: no kernel has that name.
fm_kernel_fn *builtin_kernel(const char *name);

// builtin_numbers.c
fm_kernel_fn builtin_sum, builtin_sum_u64, builtin_sum_f64, builtin_primes, builtin_find_primes,
    builtin_pi;
// builtin_text.c
fm_kernel_fn builtin_count_lines, builtin_word_count, builtin_merge_counts;
