// What the tests of the contract share.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <fanmill/client.h>

#define TRIES 30000 // of 10 ms each, for what happens by itself
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s (fm_error: %s)\n", __FILE__, __LINE__, #condition,  \
                    fm_error());                                                                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

extern struct fm_client *client;

// Of contract.c, in a folder $WORK. A path is valid until the fourth call after.
char *path_of(const char *name);
int lines_of(const char *name);
struct fm_job *numbers(uint64_t count, const char *script, enum fm_order order,
                       const struct fm_submit_options *options);
struct fm_job *kernels(uint64_t count, const char *function);
long number_in(const struct fm_result *r);
struct fm_stream *window(struct fm_job *job, uint64_t items);
void until_lines(const char *file, int n);
void until_idle(struct fm_job *job);

void s1_lazy(void);
void s2_one_consumer(void);
void s3_sticky_end(void);
void s4_close_is_a_verb(void);
void s5_a_timeout_loses_nothing(void);
void s6_credit_bounds_both_ends(void);
void s7_orders(void);
void s8_envelope(void);
void s9_each_once(void);
void s10_resume(void);
void s11_partial_results(void);
void s12_scope(void);
void s13_operators(void);
void s14_nothing_runs_by_itself(void);
void s15_clocks(void);
void descriptor(void);
void descriptor_of_operators(void);
void groups(void);
void two_clients(void);
void nothing_is_held_up(void);
void pushing(void);
void mistakes(void);
