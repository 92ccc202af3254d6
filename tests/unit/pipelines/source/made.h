// Plans with nothing but a source, for tests.
#pragma once
#include <stdint.h>

#include "pipelines/plan.h"

// A plan with nothing but a source, on the stack.
struct made {
    struct plan plan;
    struct step step;
    char *texts[8];
};

static inline struct plan *make(struct made *m, const char *directory, enum source_kind kind,
                                enum chunk_rule rule, uint64_t n)
{
    *m = (struct made){0};
    m->step.chunking = (struct chunking){rule, n};
    m->plan.directory = (char *)(uintptr_t)directory;
    m->plan.steps = &m->step;
    m->plan.n_steps = 1;
    m->plan.source.kind = kind;
    m->plan.source.texts = m->texts;
    m->plan.source.separator.end[0] = '\n';
    m->plan.source.separator.end_len = 1;
    m->plan.source.delimiter = '\n';
    if (kind == SOURCE_CSV)
        m->plan.source.rows =
            (struct row_rule){.form = ROW_CSV, .delimiter = ',', .has_header = true};
    return &m->plan;
}

static inline void add(struct made *m, const char *text)
{
    m->texts[m->plan.source.n_texts++] = (char *)(uintptr_t)text;
}
