#include "worker/executor/program.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signals.h"
#include "worker/executor/spawn.h"
#include "worker/executor/which.h"
#include "worker/executor/words.h"

struct numbers {
    char text[RECIPE_NUMBERS][48];
};

static void put_numbers(struct chunk_run *c, struct recipe_stage *s, struct numbers *numbers,
                        uint64_t seq)
{
    char(*text)[48] = numbers->text;
    snprintf(text[0], sizeof(text[0]), "FANMILL_JOB=%" PRIu64, c->recipe->job);
    snprintf(text[1], sizeof(text[1]), "FANMILL_CHUNK=%" PRIu64, c->number);
    snprintf(text[2], sizeof(text[2]), "FANMILL_SEQ=%" PRIu64, seq);
    snprintf(text[3], sizeof(text[3]), "FANMILL_SLOT=%" PRIu32, c->slot);
    snprintf(text[4], sizeof(text[4]), "FANMILL_ATTEMPT=%" PRIu32, c->attempt);
    for (size_t i = 0; i < RECIPE_NUMBERS; i++)
        s->env[i] = text[i];
}

// FANMILL_ITEM is set when it can be: not for data, nor for what no variable can hold.
static int put_item(struct chunk_run *c, const struct program_item *item, size_t *ret_offset)
{
    *ret_offset = c->words.text.len;
    int r = buf_add_str(&c->words.text, "FANMILL_ITEM=");
    if (r == 0 && item->item && item->item_len < WORD_BYTES_MAX - 32 &&
        !memchr(item->item, '\0', item->item_len))
        r = buf_add(&c->words.text, item->item, item->item_len);
    return r < 0 ? r : buf_add(&c->words.text, "", 1);
}

static int make_directory(const char *path)
{
    if (access(path, F_OK) == 0)
        return 0;
    _free_ char *part = strdup(path);
    if (!part)
        return -ENOMEM;
    for (char *at = part + 1; *at; at++)
        if (*at == '/') {
            *at = '\0';
            if (mkdir(part, 0777) < 0 && errno != EEXIST)
                return -errno;
            *at = '/';
        }
    return mkdir(part, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

static int put_directory(struct chunk_run *c, const struct recipe_stage *s,
                         const struct template_values *values, size_t *ret_offset)
{
    const char *base = c->recipe->directory;
    *ret_offset = c->words.text.len;
    int r = 0;
    if (s->workdir) {
        r = template_expand(s->workdir, values, &c->words.text);
        if (r == 0 && c->words.text.len > *ret_offset && c->words.text.data[*ret_offset] != '/') {
            c->words.text.len = *ret_offset;
            r = buf_printf(&c->words.text, "%s/", base);
            if (r == 0)
                r = template_expand(s->workdir, values, &c->words.text);
        }
    } else {
        r = buf_add_str(&c->words.text, base);
    }
    return r < 0 ? r : buf_add(&c->words.text, "", 1);
}

static int fail_words(struct chunk_run *c, int r, const struct program_item *item)
{
    if (r == -E2BIG)
        return chunk_run_fail(c, OUTCOME_LIMIT, r,
                              "item %" PRIu64 " %s %zu KB; a command argument may hold %u KiB; use "
                              "pipe",
                              item->seq,
                              c->words.too_long <= item->item_len ? "is" : "makes a word of",
                              c->words.too_long / 1000, WORD_BYTES_MAX >> 10);
    if (r == -EILSEQ)
        return chunk_run_fail(
            c, OUTCOME_LIMIT, r,
            "item %" PRIu64 " holds a NUL byte; no command argument can; use pipe", item->seq);
    return chunk_run_fail(c, OUTCOME_LIMIT, r, "can't build the command: %s", strerror(-r));
}

static int fail_start(struct chunk_run *c, const struct spawn *s, const struct spawn_end *end)
{
    const char *name = s->argv[0];
    int error = end->error;
    char why[256];
    if (error == -ENOBUFS)
        return chunk_run_fail(c, OUTCOME_LIMIT, error, "its output is larger than %llu MiB",
                              PROTO_RESULT_MAX >> 20);
    if (end->at == SPAWN_AT_OUTPUT)
        return chunk_run_fail(c, OUTCOME_LIMIT, error, "no memory for its output");
    if (end->at != SPAWN_AT_OUTPUT && start_is_refused(error) && !c->has_run)
        c->full = error; // it goes back, and this text with it
    if (start_is_refused(error))
        return chunk_run_fail(c, OUTCOME_LIMIT, error,
                              "'%.200s' can't be run: the machine refuses %s: %s", name,
                              end->at == SPAWN_AT_PIPES ? "pipes" : "a process", strerror(-error));
    if (error == -E2BIG)
        return chunk_run_fail(c, OUTCOME_LIMIT, error,
                              "'%.200s' can't be run: its arguments and environment are too long",
                              name);
    if (end->at == SPAWN_AT_FOLDER)
        return chunk_run_fail(c, OUTCOME_NOT_RUNNABLE, 126,
                              "'%.200s' can't be run in the folder '%.200s': %s", name,
                              s->directory, strerror(-error));
    if (end->at != SPAWN_AT_PROGRAM)
        return chunk_run_fail(c, OUTCOME_NOT_RUNNABLE, 126, "'%.200s' can't be run: %s", name,
                              strerror(-error));
    if (!start_explain(s->path, s->directory, error, why, sizeof(why)))
        return chunk_run_fail(c, OUTCOME_NOT_FOUND, 127, "'%.200s' was not found", name);
    return chunk_run_fail(c, OUTCOME_NOT_RUNNABLE, 126, "'%.200s' can't be run: %s", name, why);
}

static int fail_search(struct chunk_run *c, int error, const char *name)
{
    if (error == -ENOENT)
        return chunk_run_fail(c, OUTCOME_NOT_FOUND, 127, "'%.200s' was not found on the PATH",
                              name);
    if (error == -ENOMEM)
        return chunk_run_fail(c, OUTCOME_LIMIT, error, "no memory to look for '%.200s'", name);
    return chunk_run_fail(c, OUTCOME_NOT_RUNNABLE, 126, "'%.200s' on the PATH can't be run: %s",
                          name, strerror(-error));
}

// What the texts call it: a script has no name of its own.
static void name_program(const struct recipe_stage *s, const char *name, char *text, size_t size)
{
    if (s->words.is_script)
        snprintf(text, size, "the script");
    else
        snprintf(text, size, "'%.200s'", name);
}

static int judge(struct chunk_run *c, const struct recipe_stage *s, const struct spawn *spawn,
                 const struct spawn_end *end)
{
    char who[256];
    if (end->error < 0)
        return fail_start(c, spawn, end);
    c->has_run = true;
    if (end->cancelled)
        return chunk_run_fail(c, OUTCOME_CANCELLED, 0, "cancelled");
    name_program(s, spawn->argv[0], who, sizeof(who));
    if (end->timed_out)
        return chunk_run_fail(c, OUTCOME_TIMEOUT, 0, "%s took longer than %g s", who,
                              (double)s->stage->timeout_ns / 1e9);
    if (WIFSIGNALED(end->status)) {
        int number = WTERMSIG(end->status);
        char death[SIGNAL_TEXT_MAX];
        return chunk_run_fail(c, OUTCOME_SIGNAL, number, "%s was ended by %s", who,
                              signal_text(number, death));
    }
    int status = WEXITSTATUS(end->status);
    // A shell's own words for the same: a typo must not cost a million starts.
    if (s->words.is_script && status == 127)
        return chunk_run_fail(c, OUTCOME_NOT_FOUND, 127,
                              "the script ended with exit status 127: a command was not found");
    if (s->words.is_script && status == 126)
        return chunk_run_fail(c, OUTCOME_NOT_RUNNABLE, 126,
                              "the script ended with exit status 126: a command can't be run");
    if (status)
        return chunk_run_fail(c, OUTCOME_EXIT, status, "%s ended with exit status %d", who, status);
    return 0;
}

// The values of the run's first item, and of the next ones for a batch command.
struct giving {
    struct chunk_run *chunk;
    const struct program_item *item;
    const struct template_values *first;
};

static int give_item(void *arg, size_t index, struct template_values *ret)
{
    const struct giving *g = arg;
    *ret = *g->first;
    if (index == 0)
        return 1;
    const struct input_item *item = input_item(g->item->batch, g->item->batch_at + index);
    if (!item)
        return 0;
    ret->item = (const char *)item->at;
    ret->item_len = item->len;
    ret->seq += index;
    ret->row = &g->chunk->next_row;
    int r = input_row(g->item->batch, g->item->batch_at + index, &g->chunk->next_row);
    return r < 0 ? r : 1;
}

int program_run(struct chunk_run *c, struct recipe_stage *s, struct program_item *item,
                struct output *out)
{
    struct template_values values = {.item = item->item ? item->item : "",
                                     .item_len = item->item ? item->item_len : 0,
                                     .row = item->row,
                                     .seq = item->seq,
                                     .slot = c->slot,
                                     .params = c->recipe->params};
    struct giving giving = {.chunk = c, .item = item, .first = &values};
    struct numbers numbers;
    put_numbers(c, s, &numbers, item->seq);
    size_t item_at = 0;
    size_t directory_at = 0;
    recipe_settle(s, c->recipe->directory);
    int r = words_build(&c->words, s, give_item, &giving, &item->taken);
    if (r == 0)
        r = put_item(c, item, &item_at);
    if (r == 0)
        r = put_directory(c, s, &values, &directory_at);
    char **argv = r == 0 ? words_argv(&c->words) : NULL;
    if (!argv || !argv[0])
        return fail_words(c, r ? r : -ENOMEM, item);
    const char *words = (const char *)c->words.text.data;
    s->env[RECIPE_ITEM] = (char *)c->words.text.data + item_at;
    const char *directory = words + directory_at;
    if (s->workdir && (r = make_directory(directory)) < 0)
        return chunk_run_fail(c, OUTCOME_NOT_RUNNABLE, 126, "workdir '%.200s' can't be made: %s",
                              directory, strerror(-r));
    const char *path;
    r = find_program(s, argv[0], directory, &path);
    if (r < 0)
        return fail_search(c, r, argv[0]);
    struct spawn spawn = {.path = path,
                          .argv = argv,
                          .envp = s->env,
                          .directory = directory,
                          .input = item->input,
                          .input_len = item->input_len,
                          .blocked = &c->blocked,
                          .timeout_ns = s->stage->timeout_ns,
                          .nice = s->stage->nice,
                          .input_is_file = s->stage->stdin_is_file,
                          .leftovers = s->stage->leftovers,
                          .leftovers_wait_ns = s->stage->leftovers_wait_ns};
    struct spawn_end end;
    spawn_run(c, &spawn, &out->body, &end);
    return judge(c, s, &spawn, &end);
}
