#include "pipelines/file/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "pipelines/plan.h"

#define JOB (1u << SECTION_JOB)
#define SOURCE (1u << SECTION_SOURCE)
#define RECORD (1u << SECTION_RECORD)
#define RANGE (1u << SECTION_RANGE)
#define CHUNK (1u << SECTION_CHUNK)
#define STAGE (1u << SECTION_STAGE)
#define REDUCE (1u << SECTION_REDUCE)
#define RESOURCES (1u << SECTION_RESOURCES)
#define RETRIES (1u << SECTION_RETRIES)
#define SINK (1u << SECTION_SINK)

#define SECTION_KEYS_MAX 32
#define DAYS 86400ull

const struct schema_key schema[] = {
    {JOB, "version", KEY_COUNT, KEY_REQUIRED, 1, 1, NULL, "the format: 1"},
    {JOB, "name", KEY_NAME, 0, 0, 0, NULL, "for messages; the file's name"},
    {JOB, "description", KEY_NOTE, 0, 0, 0, NULL, "for people"},
    {JOB, "params", KEY_PARAMS, 0, 0, 0, NULL,
     "`{name}` in the rest of the file, which `-p name=value` changes"},
    {JOB, "env", KEY_ENV, 0, 0, 0, NULL,
     "environment of every command, added to that of `fanmill run`"},
    {JOB, "source", KEY_MAP, KEY_REQUIRED, 0, 0, NULL, "where items or data come from"},
    {JOB, "chunk", KEY_MAP, 0, 0, 0, "auto", "how the input is cut; auto"},
    {JOB, "stages", KEY_STAGES, KEY_REQUIRED, 0, 0, NULL,
     "what is done with each chunk, one after another"},
    {JOB, "reduce", KEY_MAP, 0, 0, 0, NULL, "how all results become one"},
    {JOB, "sink", KEY_MAP, 0, 0, 0, "stdout, none", "where results go; stdout"},
    {JOB, "order", KEY_WORD, 0, 0, 0, "input, completion", "of the results; input"},
    {JOB, "on_error", KEY_WORD, 0, 0, 0, "continue, finish, stop",
     "after a failed chunk: go on, start no more, or end what runs; continue"},
    {JOB, "max_failures", KEY_SHARE, 0, 0, UINT32_MAX, NULL,
     "more failed chunks than this end the job; none"},
    {JOB, "crash_limit", KEY_COUNT, 0, 1, 1000, NULL,
     "losses of an executor or worker blamed on one chunk before it fails; 5"},
    {JOB, "parallelism", KEY_COUNT, 0, 1, 1000000, NULL, "chunks that run at once; all slots"},
    {JOB | STAGE, "needs", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB, "jobs", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB, "on", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB | STAGE, "if", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},

    {SOURCE, "files", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "names of files, sorted bytewise: globs, `**` too, and `!exclude`"},
    {SOURCE, "items", KEY_LIST, KEY_ONE_OF, 0, 0, NULL, "the items themselves"},
    {SOURCE, "lines", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "files, each line of them an item, or \"-\", standard input"},
    {SOURCE, "csv", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "rows of tables, each of them an item, or \"-\", standard input"},
    {SOURCE, "range", KEY_RANGE, KEY_ONE_OF, 0, 0, NULL, "numbers, both ends included"},
    {SOURCE, "matrix", KEY_MATRIX, KEY_ONE_OF, 0, 0, NULL,
     "all combinations of named lists and ranges, with `include` and `exclude`"},
    {SOURCE, "data", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "contents of files (globs too) or \"-\", cut where a record ends"},
    {SOURCE, "record", KEY_MAP, 0, 0, 0, NULL, "`data`: where a record begins and ends"},
    {SOURCE, "delimiter", KEY_TEXT, 0, 0, 0, NULL,
     "`lines`: \"\\n\" or \"\\0\", `csv`: one character; \"\\n\" and ','"},
    {SOURCE, "header", KEY_FLAG, 0, 0, 0, NULL, "`csv`: the first row names the columns; true"},

    {RECORD, "end", KEY_NOTE, 0, 0, 0, NULL, "the last bytes of a record; \"\\n\""},
    {RECORD, "start", KEY_NOTE, 0, 0, 0, NULL, "the first bytes of a record; none"},
    {RECORD, "header", KEY_COUNT, 0, 0, SEPARATOR_HEADER_MAX, NULL,
     "lines of each file that are repeated in each chunk; 0"},
    {RECORD, "keep", KEY_FLAG, 0, 0, 0, NULL, "whether the end stays in the record; true"},

    {RANGE, "start", KEY_INTEGER, 0, 0, 0, NULL, "the first number; 0"},
    {RANGE, "count", KEY_COUNT, KEY_REQUIRED, 0, INT64_MAX, NULL, "how many numbers"},
    {RANGE, "step", KEY_INTEGER, 0, 0, 0, NULL, "from one number to the next; 1"},

    {CHUNK, "items", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL,
     "items in a chunk, or results of the step before; 1 of a `command`"},
    {CHUNK, "bytes", KEY_SIZE, KEY_ONE_OF, 1, 1ull << 30, NULL,
     "data in a chunk, and on to the end of the record; 4MiB of `data`"},
    {CHUNK, "lines", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL,
     "records of data in a chunk, which, unlike `bytes`, needs a pass over the file"},
    {CHUNK, "parts", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL,
     "chunks in all, of a range, items, files, or data of files"},
    {CHUNK, "records", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL, "the same as `lines`"},

    {STAGE | REDUCE, "name", KEY_NAME, 0, 0, 0, NULL, "for messages"},
    {STAGE, "command", KEY_COMMAND, KEY_ONE_OF, 0, 0, NULL, "a program run once for each item"},
    {REDUCE, "command", KEY_COMMAND, KEY_ONE_OF | KEY_WRONG, 0, 0, NULL,
     "a reduce gets results, not items; use pipe or kernel"},
    {STAGE | REDUCE, "pipe", KEY_COMMAND, KEY_ONE_OF, 0, 0, NULL,
     "a program that gets the chunk on its standard input"},
    {STAGE | REDUCE, "kernel", KEY_KERNEL, KEY_ONE_OF, 0, 0, NULL,
     "a C function, called without starting a process"},
    {STAGE | REDUCE, "args", KEY_PAIRS, 0, 0, 0, NULL, "`kernel`: named values for it"},
    {STAGE | REDUCE, "shell", KEY_TEXTS, 0, 0, 0, NULL,
     "what runs a script, as `[bash, -eo, pipefail, -c]`; /bin/sh -c"},
    {STAGE | REDUCE, "workdir", KEY_TEXT, 0, 0, 0, NULL,
     "where the program starts, made if it is missing, placeholders too; the job file's folder"},
    {STAGE | REDUCE, "env", KEY_ENV, 0, 0, 0, NULL, "environment, added to the job's"},
    {STAGE, "batch", KEY_FLAG, 0, 0, 0, NULL,
     "`command`: one run for as many items of the chunk as fit; false"},
    {STAGE, "tag", KEY_FLAG, 0, 0, 0, NULL,
     "`command`: the item and a tab in front of each line it writes; false"},
    {STAGE | REDUCE, "resources", KEY_MAP, 0, 0, 0, NULL,
     "what a running chunk takes of its worker"},
    {STAGE | REDUCE, "retries", KEY_COUNT, 0, 0, 1000, NULL, "runs after the first that failed; 0"},
    {STAGE | REDUCE, "timeout", KEY_DURATION, 0, 0, 1000 * DAYS, NULL,
     "of one run: then TERM, and KILL 5 s later, to its process group; none"},
    {STAGE, "chunk", KEY_MAP, 0, 0, 0, "auto",
     "the stage begins a new step, fed by the results before it"},
    {REDUCE, "fan_in", KEY_COUNT, 0, 2, 1000000, "all", "results that one run takes in; 16"},

    {RESOURCES, "cpus", KEY_NUMBER, 0, 0, 1024, NULL, "processors; 1"},
    {RESOURCES, "memory", KEY_SIZE, 0, 1, 1ull << 50, NULL, "memory, counted and not enforced"},
    {RESOURCES, "gpus", KEY_NUMBER, 0, 0, 1024, NULL,
     "graphics processors, of workers started with `--gpus`; 0"},
    {RESOURCES, "labels", KEY_AMOUNTS, 0, 0, 0, NULL,
     "what else workers were started with, `--labels ssd,license=4`"},

    {RETRIES, "limit", KEY_COUNT, KEY_REQUIRED, 0, 1000, NULL, "runs after the first"},
    {RETRIES, "delay", KEY_DURATION, 0, 0, 30 * DAYS, NULL, "before the first retry; 1s"},
    {RETRIES, "backoff", KEY_NUMBER, 0, 1, 100, NULL, "factor from one delay to the next; 2"},
    {RETRIES, "max_delay", KEY_DURATION, 0, 0, 30 * DAYS, NULL, "no delay is longer; 60s"},

    {SINK, "stdout", KEY_WORD, KEY_ONE_OF, 0, 0, "raw, json",
     "to standard output: the bytes, or a line of JSON for each chunk"},
    {SINK, "file", KEY_TEXT, KEY_ONE_OF, 0, 0, NULL,
     "to one file, which takes its place when it is whole"},
    {SINK, "dir", KEY_TEXT, KEY_ONE_OF, 0, 0, NULL, "each result to a file of its own"},
    {SINK, "name", KEY_TEXT, 0, 0, 0, NULL, "`dir`: the file's name, with placeholders"},
    {SINK, "format", KEY_WORD, 0, 0, 0, "raw, json", "the bytes, or JSON; raw"},
    {SINK, "if_exists", KEY_WORD, 0, 0, 0, "overwrite, error, append, skip",
     "when the file is there already; overwrite"},
};
const size_t n_schema = sizeof(schema) / sizeof(schema[0]);

const struct schema_section schema_sections[SECTION_COUNT] = {
    [SECTION_JOB] = {NULL, "a job"},
    [SECTION_SOURCE] = {"source", "a source"},
    [SECTION_RECORD] = {"record", "a record"},
    [SECTION_RANGE] = {"range", "a range"},
    [SECTION_CHUNK] = {"chunk", "a chunk"},
    [SECTION_STAGE] = {NULL, "a stage"},
    [SECTION_REDUCE] = {"reduce", "a reduce"},
    [SECTION_RESOURCES] = {"resources", "resources"},
    [SECTION_RETRIES] = {"retries", "retries"},
    [SECTION_SINK] = {"sink", "a sink"},
};

const struct schema_company schema_company[] = {
    {SOURCE, "record", "data", "only data has records", NULL},
    {SOURCE, "delimiter", "lines, csv", "only lines and csv have a delimiter", NULL},
    {SOURCE, "header", "csv", "only csv has a header", NULL},
    {STAGE | REDUCE, "args", "kernel", "only a kernel takes args", NULL},
    {STAGE | REDUCE, "shell", "command, pipe",
     "only a command or pipe that is one text is run by a shell", NULL},
    {STAGE | REDUCE, "workdir", "command, pipe",
     "a kernel is called within an executor and has no directory", NULL},
    {STAGE | REDUCE, "env", "command, pipe", "a kernel is called within an executor; give it args",
     NULL},
    {STAGE, "batch", "command", "only for a command", NULL},
    {STAGE, "tag", "command", "only for a command", NULL},
    {SINK, "dir", "name", "needs name, the name of each result's file", "name: \"{#}.txt\""},
    {SINK, "name", "dir", "only dir has names", NULL},
    {SINK, "if_exists", "file, dir", "only a file can be there already", NULL},
};
const size_t n_schema_company = sizeof(schema_company) / sizeof(schema_company[0]);

enum section schema_inside(const struct schema_key *key)
{
    unsigned i = 0;
    while (i < SECTION_COUNT &&
           !(schema_sections[i].key && strcmp(schema_sections[i].key, key->name) == 0))
        i++;
    return (enum section)i;
}

const char *schema_default(const struct schema_key *key, size_t *ret_len)
{
    size_t len = strlen(key->help);
    *ret_len = len;
    while (len > 2 && strncmp(key->help + len - 2, "; ", 2) != 0)
        len--;
    if (len <= 2)
        return NULL;
    *ret_len = len - 2;
    return key->help + len;
}

const struct schema_key *schema_find(enum section section, const char *name)
{
    for (size_t i = 0; i < n_schema; i++)
        if ((schema[i].sections >> section & 1) && strcmp(schema[i].name, name) == 0)
            return &schema[i];
    return NULL;
}

static size_t offered(enum section section, unsigned flags, const char *ret[SECTION_KEYS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < n_schema && n < SECTION_KEYS_MAX; i++)
        if ((schema[i].sections >> section & 1) && !(schema[i].flags & KEY_NOT_OFFERED) &&
            (schema[i].flags & flags) == flags)
            ret[n++] = schema[i].name;
    return n;
}

const char *schema_nearest(enum section section, const char *word)
{
    const char *names[SECTION_KEYS_MAX];
    return parse_nearest(word, names, offered(section, 0, names));
}

enum section schema_elsewhere(enum section section, const char *name)
{
    for (size_t i = 0; i < n_schema; i++)
        if (strcmp(schema[i].name, name) == 0 && !(schema[i].sections >> section & 1) &&
            !(schema[i].flags & KEY_NOT_OFFERED))
            return (enum section)__builtin_ctz(schema[i].sections);
    return SECTION_COUNT;
}

void schema_list(enum section section, unsigned flags, char *ret, size_t size)
{
    const char *names[SECTION_KEYS_MAX];
    size_t n = offered(section, flags, names), len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++)
        len += (size_t)snprintf(ret + len, size - len, "%s%s", i ? ", " : "", names[i]);
}

size_t schema_words(const char *words, char ret[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1])
{
    size_t n = 0;
    for (const char *c = words ? words : ""; *c && n < SCHEMA_WORDS_MAX; n++) {
        size_t len = strcspn(c, ",");
        size_t kept = len < SCHEMA_WORD_LEN_MAX ? len : SCHEMA_WORD_LEN_MAX;
        memcpy(ret[n], c, kept);
        ret[n][kept] = '\0';
        c += len + strspn(c + len, ", ");
    }
    return n;
}
