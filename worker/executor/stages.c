#include "worker/executor/stages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "worker/executor/command.h"
#include "worker/executor/kernel.h"
#include "worker/executor/pipe.h"
#include "worker/page.h"

// Puts "stage 2 (gzip): " before the text, where a step has more than one stage.
static void name_stage(struct chunk_run *c, size_t stage)
{
    char text[sizeof(c->error)];
    memcpy(text, c->error, sizeof(text));
    const char *name = c->recipe->stages[stage].stage->name;
    if (name)
        snprintf(c->error, sizeof(c->error), "stage %zu (%.63s): %.400s", stage + 1, name, text);
    else
        snprintf(c->error, sizeof(c->error), "stage %zu: %.400s", stage + 1, text);
}

// What a program of the last stage wrote before it failed shows why; that of others is no result.
static void keep_output(struct chunk_run *c, size_t stage, struct output *out)
{
    bool by_program =
        c->recipe->stages[stage].stage->kind != STAGE_KERNEL &&
        (c->ending.outcome == OUTCOME_EXIT || c->ending.outcome == OUTCOME_SIGNAL ||
         c->ending.outcome == OUTCOME_TIMEOUT || c->ending.outcome == OUTCOME_NOT_FOUND ||
         c->ending.outcome == OUTCOME_NOT_RUNNABLE);
    if (stage + 1 != c->recipe->n_stages || !by_program)
        output_clear(out);
    buf_clear(&out->lens);
    out->n = 1;
}

static int run_stage(struct chunk_run *c, size_t stage, struct output *before, struct output *out)
{
    struct recipe_stage *s = &c->recipe->stages[stage];
    struct input *in = &c->first;
    output_clear(out);
    if (before) {
        if (page_cancelled(c->page, c->serial))
            return chunk_run_fail(c, OUTCOME_CANCELLED, 0, "cancelled");
        if (buf_reserve(&before->body, 1) < 0)
            return chunk_run_fail(c, OUTCOME_LIMIT, -ENOMEM, "no memory for a stage's input");
        input_open_bytes(&c->later, before->body.data, before->body.len);
        in = &c->later;
    }
    if (s->stage->kind == STAGE_KERNEL)
        return kernel_run(c, s, in, out);
    return s->stage->kind == STAGE_PIPE ? pipe_run(c, s, in, out) : command_run(c, s, before, out);
}

static void run_stages(struct chunk_run *c)
{
    struct output *before = NULL;
    c->result = &c->outputs[0];
    output_clear(c->result);
    for (size_t i = 0; i < c->recipe->n_stages; i++) {
        struct output *out = &c->outputs[before == &c->outputs[0]];
        c->result = out;
        if (run_stage(c, i, before, out) < 0) {
            if (c->recipe->n_stages > 1 && c->ending.outcome != OUTCOME_CANCELLED)
                name_stage(c, i);
            keep_output(c, i, out);
            return;
        }
        before = out;
    }
}

// After the reason of a failure, cut if it must be.
static void add_note(struct chunk_run *c)
{
    size_t len = strlen(c->error), most = sizeof(c->error) - strlen(c->note) - 3;
    if (!c->note[0])
        return;
    if (len > most)
        len = most;
    snprintf(c->error + len, sizeof(c->error) - len, "%s%s", len ? "; " : "", c->note);
}

void stages_run(struct chunk_run *c, const struct input_chunk *input)
{
    c->ending = (struct ending){.outcome = OUTCOME_OK};
    c->error[0] = '\0';
    c->has_run = false;
    c->full = 0;
    c->note[0] = '\0';
    c->item_first = input->item_first;
    buf_clear(&c->errors);
    c->error_bytes = 0;
    c->mid_line = false;
    struct err err;
    int r = input_open(&c->first, c->recipe->plan, input, &err);
    if (r < 0) {
        output_clear(&c->outputs[0]);
        c->result = &c->outputs[0];
        chunk_run_fail(c, OUTCOME_INPUT, r, "%s", err.text);
        return;
    }
    if (c->first.has_no_record) {
        output_clear(&c->outputs[0]);
        c->result = &c->outputs[0];
        return;
    }
    run_stages(c);
    add_note(c);
    chunk_run_send_stderr(c);
}
