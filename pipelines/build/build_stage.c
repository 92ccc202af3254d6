#include "pipelines/build/build_stage.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "pipelines/builtin.h"
#include "pipelines/library.h"
#include "pipelines/plan.h"

#define DEFAULT_DELAY_NS 1000000000ll
#define DEFAULT_BACKOFF 2.0
#define DEFAULT_MAX_DELAY_NS 60000000000ll
#define BUILTINS_MAX 64
#define TIMEOUT_PERCENT_MAX 1000000u
#define LOAD_PERCENT_MAX 10000u

static const char *const kinds[] = {
    [STAGE_COMMAND] = "command", [STAGE_PIPE] = "pipe", [STAGE_KERNEL] = "kernel"};

// Plain text followed by a comment may have lost its tail.
static void warn_comment(struct builder *b, const struct node *node)
{
    size_t len;
    const char *line = line_find(b->diag->text, b->diag->len, node->end.line, &len);
    size_t column = 1, i = 0;
    if (!node->is_plain)
        return;
    for (; i < len && column < node->end.column; column++) {
        uint32_t c;
        size_t size = utf8_read(line + i, len - i, &c);
        i += size ? size : 1;
    }
    size_t blank = i;
    while (blank < len && (line[blank] == ' ' || line[blank] == '\t'))
        blank++;
    if (blank < len && line[blank] == '#')
        diag_warn(b->diag, (struct place){node->end.line, (uint32_t)(column + blank - i)},
                  "quote the whole text to keep what follows ' #'",
                  "the text ends here; what follows is a comment");
}

static void read_command(struct builder *b, struct node *node, struct stage *stage)
{
    const char *text;
    if (node->is_bad)
        return;
    if (node->kind != NODE_LIST) {
        if (!want_text(b, node, &text))
            return;
        if (strspn(text, " \t\n") == strlen(text)) {
            refuse(b, node, NULL, "the script is empty");
            return;
        }
        stage->is_script = true;
        words_add(b, &stage->words, &stage->n_words, text);
        warn_comment(b, node);
        return;
    }
    if (node->n == 0)
        refuse(b, node, NULL, "the list is empty; its first word is the program");
    if (node->n > PLAN_ARGS_MAX) {
        refuse(b, node, NULL, "more than %d words", PLAN_ARGS_MAX);
        return;
    }
    for (struct node *child = node->first; child; child = child->next)
        if (child->index == 0 ? want_text(b, child, &text) : want_any_text(b, child, &text))
            words_add(b, &stage->words, &stage->n_words, text);
    if (node->n == 1 && stage->n_words == 1 && strchr(stage->words[0], ' '))
        warn_at(b, node, "write it without [ ] to run it in a shell",
                "a list is a program and its arguments: here the program is '%s'", stage->words[0]);
}

static char *absolute(struct builder *b, const char *path)
{
    char *joined = NULL;
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    if (*path == '/')
        return keep(b, path);
    if (asprintf(&joined, "%s/%s", b->plan->directory, path) < 0) {
        b->error = -ENOMEM;
        return NULL;
    }
    return joined;
}

static void refuse_builtin(struct builder *b, struct node *node, const char *name)
{
    const char *names[BUILTINS_MAX];
    char hint[HINT_MAX], all[HINT_MAX - 24] = "";
    size_t n = 0, len = 0;
    for (; n < n_builtins && n < BUILTINS_MAX; n++) {
        names[n] = builtins[n].name;
        if (len < sizeof(all))
            len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", n ? ", " : "", names[n]);
    }
    if (!hint_nearest(hint, name, names, n))
        snprintf(hint, sizeof(hint), "built-in kernels: %s", all);
    refuse(b, node, hint, "'%s' is not a built-in kernel", name);
}

static void read_kernel(struct builder *b, struct node *node, struct stage *stage)
{
    const char *text;
    if (!want_text(b, node, &text))
        return;
    _free_ char *filled = fill_in(b, node, text, true);
    if (!filled)
        return;
    char *colon = strrchr(filled, ':');
    if (!colon && (strchr(filled, '/') || strstr(filled, ".so"))) {
        refuse(b, node, NULL, "'%s' names no function; write %s:FUNCTION", filled, filled);
        return;
    }
    const char *function = colon ? colon + 1 : filled;
    if (!colon || (colon - filled == 7 && memcmp(filled, "builtin", 7) == 0)) {
        if (!builtin_find(function))
            refuse_builtin(b, node, function);
        else
            stage->function = keep(b, function);
        return;
    }
    *colon = '\0';
    size_t len = strlen(function);
    for (size_t i = 0; i < len; i++)
        if (!(isalnum((unsigned char)function[i]) || function[i] == '_') ||
            isdigit((unsigned char)function[0]))
            len = 0;
    if (len == 0 || !*filled) {
        refuse(b, node, NULL, "'%s' is not library.so:function", text);
        return;
    }
    _free_ char *library = absolute(b, filled);
    if (!library)
        return;
    if (access(library, R_OK) < 0) {
        refuse(b, node, NULL, "'%s': %s (looked for %s)", filled, strerror(errno), library);
        return;
    }
    int r = library_digest(library, stage->digest);
    if (r < 0) {
        refuse(b, node, NULL, "'%s': %s (looked for %s)", filled, strerror(-r), library);
        return;
    }
    stage->library = take(library);
    stage->function = keep(b, function);
}

static void check_builtin_arg(struct builder *b, struct node *node, const struct builtin *builtin,
                              const char *value)
{
    const char *names[BUILTIN_ARGS_MAX];
    const struct builtin_arg *arg = NULL;
    char hint[HINT_MAX];
    size_t n = 0;
    uint64_t count;
    int64_t duration;
    for (; n < BUILTIN_ARGS_MAX && builtin->args[n].name; n++) {
        names[n] = builtin->args[n].name;
        if (strcmp(names[n], node->key->text) == 0)
            arg = &builtin->args[n];
    }
    if (!arg && n == 0)
        refuse_key(b, node, NULL, "kernel '%s' takes no args", builtin->name);
    else if (!arg)
        refuse_key(b, node, hint_nearest(hint, node->key->text, names, n),
                   "kernel '%s' has no such arg", builtin->name);
    else if (arg->kind == BUILTIN_ARG_COUNT && parse_u64(value, &count) < 0)
        refuse(b, node, NULL, "'%s' is not a whole number", value);
    else if (arg->kind == BUILTIN_ARG_DURATION && parse_duration(value, &duration) < 0)
        refuse(b, node, "a bare number means seconds; or add ms, s, m, h or d",
               "'%s' is not a duration", value);
}

static void read_args(struct builder *b, const struct node *map, struct stage *stage)
{
    struct node *args = node_get(map, "args");
    const char *text;
    if (!args || !want_map(b, args))
        return;
    const struct builtin *builtin =
        stage->function && !stage->library ? builtin_find(stage->function) : NULL;
    for (struct node *node = args->first; node; node = node->next) {
        if (!want_any_text(b, node, &text))
            continue;
        _free_ char *value = fill_in(b, node, text, true);
        if (!value)
            continue;
        if (builtin)
            check_builtin_arg(b, node, builtin, value);
        pairs_add(b, &stage->args, &stage->n_args, node->key->text, value);
    }
}

static void read_shell(struct builder *b, const struct node *map, struct stage *stage)
{
    struct node *node = node_get(map, "shell");
    const char *text;
    size_t n = 0;
    if (node && !node->is_bad && !stage->is_script) {
        refuse_key(b, node, NULL, "only a command or pipe written as one text uses a shell");
        return;
    }
    if (!stage->is_script)
        return;
    if (!node) {
        words_add(b, &stage->shell, &n, "/bin/sh");
        words_add(b, &stage->shell, &n, "-c");
        return;
    }
    if (node->kind == NODE_LIST) {
        for (struct node *child = node->first; child; child = child->next)
            if (want_text(b, child, &text))
                words_add(b, &stage->shell, &n, text);
    } else if (want_text(b, node, &text)) {
        _free_ char *words = keep(b, text);
        char *at = words, *word;
        while (words && (word = strsep(&at, " \t\n")))
            if (*word)
                words_add(b, &stage->shell, &n, word);
    }
    if (n == 0)
        refuse(b, node, NULL, "needs a program, e.g. /bin/sh -c");
}

static void read_retries(struct builder *b, const struct node *map, struct draft *draft)
{
    struct node *node = node_get(map, "retries");
    uint64_t limit;
    draft->retry = (struct retry_policy){.delay_ns = DEFAULT_DELAY_NS,
                                         .backoff = DEFAULT_BACKOFF,
                                         .max_delay_ns = DEFAULT_MAX_DELAY_NS};
    if (!node || node->is_bad)
        return;
    draft->has_retry = true;
    if (node->kind != NODE_MAP) {
        if (read_count(b, SECTION_STAGE, map, "retries", &limit))
            draft->retry.limit = (uint32_t)limit;
        return;
    }
    check_keys(b, node, SECTION_RETRIES);
    if (read_count(b, SECTION_RETRIES, node, "limit", &limit))
        draft->retry.limit = (uint32_t)limit;
    bool has_max = read_duration(b, SECTION_RETRIES, node, "max_delay", &draft->retry.max_delay_ns);
    read_duration(b, SECTION_RETRIES, node, "delay", &draft->retry.delay_ns);
    read_number(b, SECTION_RETRIES, node, "backoff", &draft->retry.backoff);
    if (draft->retry.max_delay_ns >= draft->retry.delay_ns)
        return;
    if (has_max)
        refuse(b, node_get(node, "max_delay"), NULL, "is shorter than delay");
    draft->retry.max_delay_ns = draft->retry.delay_ns;
}

static void read_labels(struct builder *b, struct node *node, struct draft *draft)
{
    if (!node || !want_map(b, node))
        return;
    if (node->n > PLAN_LABELS_MAX)
        refuse(b, node, NULL, "has %zu labels; at most %d are allowed", (size_t)node->n,
               PLAN_LABELS_MAX);
    for (struct node *child = node->first; child; child = child->next) {
        double amount;
        char *end;
        if (!plan_label_ok(child->key->text))
            refuse_key(b, child, NULL,
                       "'%s' is not a name: lower-case letters, digits, - and _, at "
                       "most %d",
                       child->key->text, PLAN_LABEL_MAX);
        amount = child->kind == NODE_SCALAR ? strtod(child->text, &end) : -1;
        if (!(amount >= 0 && amount <= 1e6) || *end || end == child->text)
            refuse(b, child, NULL, "must be a number, e.g. 1 or 0.5");
    }
    draft->labels = node;
}

static void read_resources(struct builder *b, const struct node *map, struct draft *draft)
{
    struct node *node = node_get(map, "resources"), *cpus;
    draft->cpus = 1;
    if (!node || !want_map(b, node))
        return;
    draft->has_resources = true;
    check_keys(b, node, SECTION_RESOURCES);
    cpus = node_get(node, "cpus");
    if (read_number(b, SECTION_RESOURCES, node, "cpus", &draft->cpus) && draft->cpus == 0)
        refuse(b, cpus, NULL, "must be greater than 0");
    read_size(b, SECTION_RESOURCES, node, "memory", &draft->memory_bytes);
    read_number(b, SECTION_RESOURCES, node, "gpus", &draft->gpus);
    read_labels(b, node_get(node, "labels"), draft);
}

// "200%": the digits. 0: it is something else.
static uint64_t percent_of(const struct node *node)
{
    uint64_t n = 0;
    size_t digits = node && node->kind == NODE_SCALAR ? strspn(node->text, "0123456789") : 0;
    if (digits == 0 || digits > 9 || strcmp(node->text + digits, "%") != 0)
        return 0;
    for (size_t i = 0; i < digits; i++)
        n = n * 10 + (uint64_t)(node->text[i] - '0');
    return n;
}

static void read_timeout(struct builder *b, enum section section, const struct node *map,
                         struct draft *draft)
{
    struct node *node = node_get(map, "timeout");
    struct stage *stage = &draft->stage;
    uint64_t percent = percent_of(node);
    if (percent > TIMEOUT_PERCENT_MAX)
        refuse(b, node, NULL, "is more than %u%%", TIMEOUT_PERCENT_MAX);
    else if (percent > 100)
        draft->timeout_percent = (uint32_t)percent;
    else if (percent || (node && node->kind == NODE_SCALAR && strcmp(node->text, "0%") == 0))
        refuse(b, node, "e.g. 200%", "%s of the median time would end half of the chunks",
               node->text);
    else if (read_duration(b, section, map, "timeout", &stage->timeout_ns) &&
             stage->timeout_ns == 0)
        refuse(b, node, NULL, "must be greater than 0; omit it for no timeout");
}

static void read_throttle(struct builder *b, const struct node *map, struct draft *draft)
{
    struct node *node = node_get(map, "throttle"), *load;
    struct throttle *t = &draft->throttle;
    uint64_t n;
    if (!node || !want_map(b, node))
        return;
    check_keys(b, node, SECTION_THROTTLE);
    read_duration(b, SECTION_THROTTLE, node, "delay", &t->delay_ns);
    read_size(b, SECTION_THROTTLE, node, "memfree", &t->memfree_bytes);
    load = node_get(node, "load");
    if ((n = percent_of(load)) > 0 && n <= LOAD_PERCENT_MAX)
        t->load_percent = (uint32_t)n;
    else if (n > 0)
        refuse(b, load, NULL, "is more than %u%%", LOAD_PERCENT_MAX);
    else if (read_count(b, SECTION_THROTTLE, node, "load", &n))
        t->load = (uint32_t)n;
}

static void read_leftovers(struct builder *b, const struct node *map, struct stage *stage)
{
    struct node *node = node_get(map, "leftovers");
    unsigned until = 0;
    stage->leftovers_wait_ns = PLAN_LEFTOVERS_NS;
    if (!node || node->is_bad)
        return;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "kill") == 0) {
        stage->leftovers = LEFTOVERS_KILL;
    } else if (node->kind == NODE_SCALAR && strcmp(node->text, "keep") == 0) {
        stage->leftovers = LEFTOVERS_KEEP;
    } else if (node->kind != NODE_MAP) {
        refuse(b, node, "write {wait: TIME}, kill, keep or {keep: forever}",
               "does not say what to do with processes that outlive their program");
    } else {
        bool known = check_keys(b, node, SECTION_LEFTOVERS);
        check_kind(b, node, SECTION_LEFTOVERS, known, NULL);
        read_duration(b, SECTION_LEFTOVERS, node, "wait", &stage->leftovers_wait_ns);
        if (read_word(b, SECTION_LEFTOVERS, node, "keep", &until))
            stage->leftovers = until ? LEFTOVERS_KEEP_FOREVER : LEFTOVERS_KEEP;
    }
}

static void read_workdir(struct builder *b, const struct node *map, struct stage *stage)
{
    struct node *node = node_get(map, "workdir");
    const char *text;
    if (node && want_text(b, node, &text))
        stage->workdir = keep(b, text);
}

bool stage_read(struct builder *b, struct node *node, enum section section, struct draft *ret)
{
    struct stage *stage = &ret->stage;
    ret->node = node;
    if (!want_map(b, node))
        return false;
    bool known = check_keys(b, node, section);
    struct node *action = check_kind(b, node, section, known, NULL);
    if (!action)
        return false;
    stage->kind = (enum stage_kind)kind_index(action, kinds, sizeof(kinds) / sizeof(kinds[0]));
    if (stage->kind == STAGE_KERNEL)
        read_kernel(b, action, stage);
    else
        read_command(b, action, stage);
    stage->name = read_name(b, node);
    read_args(b, node, stage);
    if (!action->is_bad)
        read_shell(b, node, stage);
    read_workdir(b, node, stage);
    read_leftovers(b, node, stage);
    if (section == SECTION_STAGE) {
        read_flag(b, node, "batch", &stage->is_batch);
        read_flag(b, node, "tag", &stage->has_tag);
    }
    build_env(b, node, &stage->env, &stage->n_env);
    read_timeout(b, section, node, ret);
    read_throttle(b, node, ret);
    uint64_t nice;
    unsigned input;
    if (read_word(b, section, node, "stdin", &input))
        stage->stdin_is_file = input;
    if (read_count(b, section, node, "nice", &nice))
        stage->nice = (uint32_t)nice;
    ret->has_time = read_duration(b, section, node, "time", &ret->time_ns);
    read_retries(b, node, ret);
    read_resources(b, node, ret);
    struct node *chunk = section == SECTION_STAGE ? node_get(node, "chunk") : NULL;
    if (chunk) {
        ret->chunk = (struct chunking){CHUNK_AUTO, 0};
        ret->has_chunk = build_chunking(b, chunk, &ret->chunk);
    }
    return true;
}

void stage_check_texts(struct builder *b, const struct draft *draft)
{
    const struct stage *stage = &draft->stage;
    struct text_rules rules = {.is_script = stage->is_script,
                               .is_batch = stage->is_batch,
                               .has_item = stage_has_item(stage),
                               .has_fields = stage_has_item(stage) && draft->is_first};
    struct node *action = node_get(draft->node, kinds[stage->kind]);
    struct node *workdir = node_get(draft->node, "workdir");
    if (stage->kind != STAGE_KERNEL && stage->is_script)
        check_template(b, action, stage->words[0], &rules, NULL, NULL);
    else if (stage->kind != STAGE_KERNEL)
        for (struct node *word = action->first; word; word = word->next)
            if (!word->is_bad && word->kind == NODE_SCALAR)
                check_template(b, word, word->text, &rules, NULL, NULL);
    rules.is_script = false;
    rules.strict = true;
    if (stage->is_batch) // all of them share one directory
        rules.has_item = rules.has_fields = false;
    if (stage->workdir)
        check_template(b, workdir, stage->workdir, &rules, NULL, NULL);
}
