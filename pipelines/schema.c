#include "pipelines/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "pipelines/load.h"
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
    {JOB, "name", KEY_NAME, 0, 0, 0, NULL, "of the job; else the file's name"},
    {JOB, "description", KEY_TEXT, 0, 0, 0, NULL, "for people"},
    {JOB, "params", KEY_PAIRS, 0, 0, 0, NULL, "names and values that -p name=value may change"},
    {JOB | STAGE | REDUCE, "env", KEY_PAIRS, 0, 0, 0, NULL, "environment variables"},
    {JOB, "source", KEY_MAP, KEY_REQUIRED, 0, 0, NULL, "where items or data come from"},
    {JOB | STAGE, "chunk", KEY_MAP, 0, 0, 0, NULL, "how the input is cut"},
    {JOB, "stages", KEY_STAGES, KEY_REQUIRED, 0, 0, NULL, "what is done with each chunk"},
    {JOB, "reduce", KEY_MAP, 0, 0, 0, NULL, "how results become one"},
    {JOB, "sink", KEY_MAP, 0, 0, 0, NULL, "where results go; stdout"},
    {JOB, "order", KEY_WORD, 0, 0, 0, "input, completion", "of the results; input"},
    {JOB, "on_error", KEY_WORD, 0, 0, 0, "continue, finish, stop",
     "after a failed chunk: go on, start no more, or end what runs; continue"},
    {JOB, "max_failures", KEY_SHARE, 0, 0, UINT32_MAX, NULL,
     "more failed chunks than this, a count or N%, end the job"},
    {JOB, "crash_limit", KEY_COUNT, 0, 1, 1000, NULL,
     "executor or worker losses blamed on one chunk before it fails; 5"},
    {JOB, "parallelism", KEY_COUNT, 0, 1, 1000000, NULL, "chunks that run at once; all slots"},
    {JOB | STAGE, "needs", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB, "jobs", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB, "on", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB | STAGE, "if", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},

    {SOURCE, "files", KEY_TEXTS, 0, 0, 0, NULL, "the names of files: globs, ** too, and !exclude"},
    {SOURCE, "items", KEY_LIST, 0, 0, 0, NULL, "the items themselves"},
    {SOURCE, "lines", KEY_TEXTS, 0, 0, 0, NULL, "the lines of files; \"-\" is standard input"},
    {SOURCE, "range", KEY_MAP, 0, 0, 0, NULL, "numbers: A..B or A..B..STEP, both ends included"},
    {SOURCE, "data", KEY_TEXTS, 0, 0, 0, NULL, "the contents of files, cut at record ends"},
    {SOURCE, "record", KEY_MAP, 0, 0, 0, NULL, "data: where a record begins and ends"},
    {SOURCE, "delimiter", KEY_TEXT, 0, 0, 0, NULL,
     "lines: \"\\n\" or \"\\0\"; csv: one character; \"\\n\", ','"},
    {SOURCE, "csv", KEY_TEXTS, 0, 0, 0, NULL, "the rows of tables; \"-\" is standard input"},
    {SOURCE, "header", KEY_FLAG, 0, 0, 0, NULL, "csv: the first row names the columns; true"},
    {SOURCE, "matrix", KEY_MATRIX, 0, 0, 0, NULL,
     "all combinations of named lists and ranges; include, exclude"},

    {RECORD, "end", KEY_TEXT, 0, 0, 0, NULL, "the last bytes of a record; \"\\n\""},
    {RECORD, "start", KEY_TEXT, 0, 0, 0, NULL, "the first bytes of a record; none"},
    {RECORD, "header", KEY_COUNT, 0, 0, RECORD_HEADER_MAX, NULL,
     "lines of each file that are repeated in each chunk; 0"},
    {RECORD, "keep", KEY_FLAG, 0, 0, 0, NULL, "whether the end stays in the record; true"},

    {RANGE, "start", KEY_INTEGER, 0, 0, 0, NULL, "the first number; 0"},
    {RANGE, "count", KEY_COUNT, KEY_REQUIRED, 0, INT64_MAX, NULL, "how many numbers"},
    {RANGE, "step", KEY_INTEGER, 0, 0, 0, NULL, "from one number to the next; 1"},

    {CHUNK, "items", KEY_COUNT, 0, 1, 1000000000, NULL, "items in a chunk"},
    {CHUNK, "bytes", KEY_SIZE, 0, 1, 1ull << 30, NULL, "data in a chunk, up to a record's end"},
    {CHUNK, "lines", KEY_COUNT, 0, 1, 1000000000, NULL, "records of data in a chunk"},
    {CHUNK, "parts", KEY_COUNT, 0, 1, 1000000000, NULL, "chunks in all"},
    {CHUNK, "records", KEY_COUNT, 0, 1, 1000000000, NULL, "records of data in a chunk"},

    {STAGE | REDUCE, "name", KEY_NAME, 0, 0, 0, NULL, "for messages"},
    {STAGE | REDUCE, "command", KEY_COMMAND, 0, 0, 0, NULL, "a program run once for each item"},
    {STAGE | REDUCE, "pipe", KEY_COMMAND, 0, 0, 0, NULL,
     "a program that gets the chunk on its standard input"},
    {STAGE | REDUCE, "kernel", KEY_KERNEL, 0, 0, 0, NULL,
     "a function: library.so:function, or a built-in name"},
    {STAGE | REDUCE, "args", KEY_PAIRS, 0, 0, 0, NULL, "kernel: named values for it"},
    {STAGE | REDUCE, "shell", KEY_TEXTS, 0, 0, 0, NULL, "what runs a script; /bin/sh -c"},
    {STAGE | REDUCE, "workdir", KEY_TEXT, 0, 0, 0, NULL,
     "where the program runs; the job's directory"},
    {STAGE, "batch", KEY_FLAG, 0, 0, 0, NULL,
     "command: one run for as many items of the chunk as fit; false"},
    {STAGE, "tag", KEY_FLAG, 0, 0, 0, NULL,
     "command: the item and a tab in front of each line it writes; false"},
    {STAGE | REDUCE, "resources", KEY_MAP, 0, 0, 0, NULL, "what a running chunk needs"},
    {STAGE | REDUCE, "retries", KEY_COUNT, 0, 0, 1000, NULL, "runs after the first that failed; 0"},
    {STAGE | REDUCE, "timeout", KEY_DURATION, 0, 0, 1000 * DAYS, NULL,
     "of one run: then TERM, and KILL 5 s later"},
    {REDUCE, "fan_in", KEY_COUNT, 0, 2, 1000000, NULL, "results that one run takes in, or all; 16"},

    {RESOURCES, "cpus", KEY_NUMBER, 0, 0, 1024, NULL, "processors; 1"},
    {RESOURCES, "memory", KEY_SIZE, 0, 1, 1ull << 50, NULL, "limit of memory"},
    {RESOURCES, "gpus", KEY_NUMBER, 0, 0, 1024, NULL, "graphics processors; 0"},
    {RESOURCES, "labels", KEY_MAP, 0, 0, 0, NULL, "what else the worker must have: name: amount"},

    {RETRIES, "limit", KEY_COUNT, KEY_REQUIRED, 0, 1000, NULL, "runs after the first"},
    {RETRIES, "delay", KEY_DURATION, 0, 0, 30 * DAYS, NULL, "before the first retry; 1s"},
    {RETRIES, "backoff", KEY_NUMBER, 0, 1, 100, NULL, "factor from one delay to the next; 2"},
    {RETRIES, "max_delay", KEY_DURATION, 0, 0, 30 * DAYS, NULL, "no delay is longer; 60s"},

    {SINK, "stdout", KEY_WORD, 0, 0, 0, "raw, json", "results to standard output"},
    {SINK, "file", KEY_TEXT, 0, 0, 0, NULL, "results to one file"},
    {SINK, "dir", KEY_TEXT, 0, 0, 0, NULL, "each result to a file of its own"},
    {SINK, "name", KEY_TEXT, 0, 0, 0, NULL, "dir: the file's name, with placeholders"},
    {SINK, "format", KEY_WORD, 0, 0, 0, "raw, json", "raw: the bytes; json: a line each; raw"},
    {SINK, "if_exists", KEY_WORD, 0, 0, 0, "overwrite, error, append, skip",
     "when the file is there already; overwrite"},
};
const size_t n_schema = sizeof(schema) / sizeof(schema[0]);

const char *section_title(enum section section)
{
    static const char *const titles[SECTION_COUNT] = {
        [SECTION_JOB] = "a job",       [SECTION_SOURCE] = "a source",
        [SECTION_RECORD] = "a record", [SECTION_RANGE] = "a range",
        [SECTION_CHUNK] = "a chunk",   [SECTION_STAGE] = "a stage",
        [SECTION_REDUCE] = "a reduce", [SECTION_RESOURCES] = "resources",
        [SECTION_RETRIES] = "retries", [SECTION_SINK] = "a sink",
    };
    return titles[section];
}

const struct schema_key *schema_find(enum section section, const char *name)
{
    for (size_t i = 0; i < n_schema; i++)
        if ((schema[i].sections >> section & 1) && strcmp(schema[i].name, name) == 0)
            return &schema[i];
    return NULL;
}

static size_t offered(enum section section, const char *ret[SECTION_KEYS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < n_schema && n < SECTION_KEYS_MAX; i++)
        if ((schema[i].sections >> section & 1) && !(schema[i].flags & (KEY_LATER | KEY_RESERVED)))
            ret[n++] = schema[i].name;
    return n;
}

const char *schema_nearest(enum section section, const char *word)
{
    const char *names[SECTION_KEYS_MAX];
    return parse_nearest(word, names, offered(section, names));
}

enum section schema_elsewhere(enum section section, const char *name)
{
    for (size_t i = 0; i < n_schema; i++)
        if (strcmp(schema[i].name, name) == 0 && !(schema[i].sections >> section & 1) &&
            !(schema[i].flags & (KEY_LATER | KEY_RESERVED)))
            return (enum section)__builtin_ctz(schema[i].sections);
    return SECTION_COUNT;
}

void schema_list(enum section section, char *ret, size_t size)
{
    const char *names[SECTION_KEYS_MAX];
    size_t n = offered(section, names), len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++)
        len += (size_t)snprintf(ret + len, size - len, "%s%s", i ? ", " : "", names[i]);
}

size_t schema_words(const struct schema_key *key,
                    char ret[SCHEMA_WORDS_MAX][SCHEMA_WORD_LEN_MAX + 1])
{
    size_t n = 0;
    for (const char *c = key->words; *c && n < SCHEMA_WORDS_MAX; n++) {
        size_t len = strcspn(c, ",");
        size_t kept = len < SCHEMA_WORD_LEN_MAX ? len : SCHEMA_WORD_LEN_MAX;
        memcpy(ret[n], c, kept);
        ret[n][kept] = '\0';
        c += len + strspn(c + len, ", ");
    }
    return n;
}
