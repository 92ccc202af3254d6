#include "worker/executor/recipe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/library.h"
#include "worker/executor/bare.h"
#include "worker/executor/builtin.h"
#include "worker/executor/which.h"
#include "worker/kept.h"

DEFINE_CLEANUP(struct recipe *, recipe_free)

void recipe_words_done(struct recipe_words *words)
{
    for (size_t i = 0; words->list && i < words->n; i++)
        template_free(words->list[i]);
    free(words->list);
    bare_free(words->own);
    *words = (struct recipe_words){0};
}

static void stage_done(struct recipe_stage *s)
{
    recipe_words_done(&s->words);
    recipe_words_done(&s->bare);
    template_free(s->workdir);
    for (size_t i = RECIPE_NUMBERS + 1; i < s->n_env; i++)
        free(s->env[i]);
    free(s->env);
    free(s->path_found);
    free(s->path_for);
    // The library stays: its destructors would run here. The process ends with the job (slot.h).
    free(s->text);
}

struct recipe *recipe_free(struct recipe *recipe)
{
    if (!recipe)
        return NULL;
    for (size_t i = 0; i < recipe->n_stages; i++)
        stage_done(&recipe->stages[i]);
    free(recipe->stages);
    free(recipe->params);
    plan_free(recipe->plan);
    free(recipe);
    return NULL;
}

static bool same_name(const char *entry, const char *name, size_t name_len)
{
    return strncmp(entry, name, name_len) == 0 && entry[name_len] == '=';
}

// Later entries win over earlier ones of the same name.
static int env_put(struct recipe_stage *s, const char *name, const char *value)
{
    char *entry = NULL;
    if (asprintf(&entry, "%s=%s", name, value) < 0)
        return -ENOMEM;
    for (size_t i = RECIPE_NUMBERS + 1; i < s->n_env; i++)
        if (same_name(s->env[i], name, strlen(name))) {
            free(s->env[i]);
            s->env[i] = entry;
            return 0;
        }
    s->env[s->n_env++] = entry;
    return 0;
}

static int env_build(const struct recipe *recipe, struct recipe_stage *s)
{
    const struct plan *plan = recipe->plan;
    const struct stage *stage = s->stage;
    size_t inherited = 0;
    while (environ && environ[inherited])
        inherited++;
    size_t most = RECIPE_NUMBERS + 1 + inherited + plan->n_env + stage->n_env + 1; // KEPT_MARK
    s->env = calloc(most + 1, sizeof(*s->env));
    if (!s->env)
        return -ENOMEM;
    s->n_env = RECIPE_NUMBERS + 1;
    for (size_t i = 0; i < inherited; i++) {
        if (strncmp(environ[i], "FANMILL_", 8) == 0)
            continue;
        s->env[s->n_env] = strdup(environ[i]);
        if (!s->env[s->n_env])
            return -ENOMEM;
        s->n_env++;
    }
    int r = 0;
    for (size_t i = 0; i < plan->n_env && r == 0; i++)
        r = env_put(s, plan->env[i].name, plan->env[i].value);
    for (size_t i = 0; i < stage->n_env && r == 0; i++)
        r = env_put(s, stage->env[i].name, stage->env[i].value);
    if (r == 0 && stage->leftovers == LEFTOVERS_KEEP)
        r = env_put(s, KEPT_MARK, KEPT_UNTIL_END);
    if (r == 0 && stage->leftovers == LEFTOVERS_KEEP_FOREVER)
        r = env_put(s, KEPT_MARK, KEPT_FOREVER);
    return r;
}

static int compile(const char *text, enum template_mode mode, const struct template_names *names,
                   struct template **ret, struct err *err)
{
    size_t offset;
    int r = template_compile(text, mode, names, ret, err, &offset);
    return r < 0 ? err_wrap(err, r, "'%.80s'", text) : 0;
}

// A script that needs no shell as the words it stands for; nothing happens for another one.
static int compile_bare(struct recipe_stage *s, const struct template_names *names, struct err *err)
{
    struct recipe_words *bare = &s->bare;
    const struct stage *stage = s->stage;
    char *const *shell = stage->shell;
    if (strcmp(shell[0], "/bin/sh") != 0 || !shell[1] || strcmp(shell[1], "-c") != 0 || shell[2])
        return 0;
    if (bare_split(stage->words[0], &bare->own, &bare->n) < 0)
        return err_sys(err, -ENOMEM, "a stage");
    bare->texts = bare->own;
    bare->list = bare->n ? calloc(bare->n, sizeof(struct template *)) : NULL;
    if (bare->n && !bare->list)
        return err_sys(err, -ENOMEM, "a stage");
    for (size_t i = 0; i < bare->n; i++) {
        int r = compile(bare->own[i], TEMPLATE_WORD, names, &bare->list[i], err);
        if (r < 0)
            return r;
        // What only looks like a placeholder may mean something to the shell.
        if (i > 0 && template_is_constant(bare->list[i])) {
            recipe_words_done(bare);
            return 0;
        }
    }
    return 0;
}

static int stage_compile(const struct recipe *recipe, struct recipe_stage *s, struct err *err)
{
    const struct stage *stage = s->stage;
    const struct plan *plan = recipe->plan;
    if (stage->kind == STAGE_KERNEL)
        return 0;
    _free_ const char **names = calloc(plan->n_params + 1, sizeof(*names));
    s->words = (struct recipe_words){.list = calloc(stage->n_words + 1, sizeof(struct template *)),
                                     .n = stage->n_words,
                                     .texts = stage->words,
                                     .is_script = stage->is_script};
    if (!names || !s->words.list || env_build(recipe, s) < 0)
        return err_sys(err, -ENOMEM, "a stage");
    if (!stage->n_words || (stage->is_script && !(stage->shell && stage->shell[0])))
        return err_set(err, -EPROTO, "a stage without a command");
    for (size_t i = 0; i < plan->n_params; i++)
        names[i] = plan->params[i].name;
    struct template_names known = {.params = names,
                                   .n_params = plan->n_params,
                                   .has_item = stage->kind == STAGE_COMMAND,
                                   .source = &plan->source};
    enum template_mode mode = !stage->is_script ? TEMPLATE_WORD
                              : stage->is_batch ? TEMPLATE_BATCH
                                                : TEMPLATE_SCRIPT;
    for (size_t i = 0; i < stage->n_words; i++) {
        int r = compile(stage->words[i], mode, &known, &s->words.list[i], err);
        if (r < 0)
            return r;
    }
    if (stage->is_script) {
        int r = compile_bare(s, &known, err);
        if (r < 0)
            return r;
    }
    return stage->workdir ? compile(stage->workdir, TEMPLATE_WORD, &known, &s->workdir, err) : 0;
}

// A machine that does not share the job's folder runs its programs all the same.
static const char *choose_directory(const struct plan *plan)
{
    const char *home = getenv("HOME");
    if (access(plan->directory, F_OK) == 0 || errno != ENOENT)
        return plan->directory;
    return home && home[0] == '/' ? home : "/";
}

int recipe_new(uint64_t job, uint32_t step, const void *packed, size_t len, struct recipe **ret,
               struct err *err)
{
    _cleanup_(recipe_free_ptr)
    struct recipe *recipe = calloc(1, sizeof(*recipe));
    if (!recipe)
        return err_sys(err, -ENOMEM, "a step");
    recipe->job = job;
    recipe->step = step;
    int r = plan_unpack_step(packed, len, &recipe->plan, err);
    if (r < 0)
        return r;
    const struct plan *plan = recipe->plan;
    recipe->directory = choose_directory(plan);
    const struct step *only = &plan->steps[0];
    recipe->stages = calloc(only->n_stages + 1, sizeof(*recipe->stages));
    recipe->params = calloc(plan->n_params + 1, sizeof(*recipe->params));
    if (!recipe->stages || !recipe->params)
        return err_sys(err, -ENOMEM, "a step");
    for (size_t i = 0; i < plan->n_params; i++)
        recipe->params[i] = plan->params[i].value;
    recipe->only_kernels = true;
    for (size_t i = 0; i < only->n_stages; i++) {
        struct recipe_stage *s = &recipe->stages[recipe->n_stages++];
        s->stage = &only->stages[i];
        recipe->only_kernels &= s->stage->kind == STAGE_KERNEL;
        r = stage_compile(recipe, s, err);
        if (r < 0)
            return r;
    }
    *ret = take(recipe);
    return 0;
}

// What the system says of the file, which dlopen tells only in words.
static int probe(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int library_open(struct recipe_stage *s, struct err *err)
{
    const struct stage *stage = s->stage;
    const char *at = stage->library_at ? stage->library_at : stage->library;
    uint8_t digest[DIGEST_BYTES];
    int r = probe(at);
    if (r < 0)
        return err_set(err, r, "'%s' can't be loaded: %s", stage->library, strerror(-r));
    s->library = dlopen(at, RTLD_NOW | RTLD_LOCAL);
    if (s->library)
        return 0;
    err_set(err, -ENOENT, "'%s' can't be loaded: %s", stage->library, dlerror());
    // What it needs may be looked for beside it ($ORIGIN), and its copy has no such place.
    if (stage->library_at && library_digest(stage->library, digest) == 0 &&
        memcmp(digest, stage->digest, DIGEST_BYTES) == 0)
        s->library = dlopen(stage->library, RTLD_NOW | RTLD_LOCAL);
    return s->library ? 0 : -ENOENT;
}

static int kernel_open(struct recipe_stage *s, struct err *err)
{
    const struct stage *stage = s->stage;
    if (!stage->library) {
        s->kernel = builtin_kernel(stage->function);
        return s->kernel
                   ? 0
                   : err_set(err, -ENOENT, "no built-in kernel is named '%s'", stage->function);
    }
    int r = library_open(s, err);
    if (r < 0)
        return r;
    void *symbol = dlsym(s->library, stage->function);
    if (!symbol)
        return err_set(err, -ENOENT, "'%s' has no function '%s'", stage->library, stage->function);
    memcpy(&s->kernel, &symbol, sizeof(symbol)); // ISO C has no cast between the two
    return 0;
}

int recipe_kernel(struct recipe_stage *s, struct err *err)
{
    if (!s->opened) {
        int r = kernel_open(s, err);
        if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
            return r; // that may pass
        s->opened = true;
        s->failed = r;
        if (r < 0)
            s->text = strdup(err->text);
    }
    return s->failed < 0 ? err_set(err, s->failed, "%s", s->text ? s->text : "kernel") : 0;
}

void recipe_settle(struct recipe_stage *s, const char *directory)
{
    const char *path;
    if (!s->bare.list || find_program(s, s->bare.texts[0], directory, &path) < 0)
        return;
    struct recipe_words script = s->words;
    s->words = s->bare;
    s->bare = (struct recipe_words){0};
    recipe_words_done(&script);
}
