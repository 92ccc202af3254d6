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
#define UNTIL (1u << SECTION_UNTIL)
#define THROTTLE (1u << SECTION_THROTTLE)
#define LEFTOVERS (1u << SECTION_LEFTOVERS)
#define SINK (1u << SECTION_SINK)

#define SECTION_KEYS_MAX 32
#define DAYS 86400ull

const struct schema_key schema[] = {
    {JOB, "version", KEY_COUNT, KEY_REQUIRED, 1, 1, NULL, "version of the format"},
    {JOB, "name", KEY_NAME, 0, 0, 0, NULL, "name shown in messages; the file's name"},
    {JOB, "description", KEY_NOTE, 0, 0, 0, NULL, "free text, ignored"},
    {JOB, "params", KEY_PARAMS, 0, 0, 0, NULL,
     "values for `{name}` anywhere in the file, changed by `-p name=value`"},
    {JOB, "env", KEY_ENV, 0, 0, 0, NULL,
     "environment variables of every command, added to those of `fanmill run`"},
    {JOB, "source", KEY_MAP, KEY_REQUIRED, 0, 0, NULL, "where items or data come from"},
    {JOB, "chunk", KEY_MAP, 0, 0, 0, "auto", "how the input is cut into chunks; auto"},
    {JOB, "stages", KEY_STAGES, KEY_REQUIRED, 0, 0, NULL, "what is done with each chunk, in order"},
    {JOB, "reduce", KEY_MAP, 0, 0, 0, NULL, "how all results are combined into one"},
    {JOB, "sink", KEY_MAP, 0, 0, 0, "stdout, none", "where results go; stdout"},
    {JOB, "order", KEY_WORD, 0, 0, 0, "input, completion", "order of the results; input"},
    {JOB, "on_error", KEY_WORD, 0, 0, 0, "continue, finish, stop",
     "after a failed chunk: go on, start no more chunks, or also stop the running ones; continue"},
    {JOB, "max_failures", KEY_SHARE, 0, 0, UINT32_MAX, NULL,
     "the job ends when more chunks than this have failed; no limit"},
    {JOB, "until", KEY_MAP, 0, 0, 0, NULL,
     "the job ends once so many chunks are ok, failed or done; all of them are done"},
    {JOB, "crash_limit", KEY_COUNT, 0, 1, 1000, NULL,
     "how many lost executors or workers are blamed on a chunk before it fails; 5"},
    {JOB, "priority", KEY_INTEGER, 0, 0, 0, NULL,
     "jobs with a higher one get workers first, -1000 to 1000; 0"},
    {JOB, "parallelism", KEY_COUNT, 0, 1, 1000000, NULL,
     "how many chunks may run at once; all slots"},
    {JOB | STAGE, "needs", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB, "jobs", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB, "on", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},
    {JOB | STAGE, "if", KEY_MAP, KEY_RESERVED, 0, 0, NULL, ""},

    {SOURCE, "files", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "file names, sorted bytewise: globs, including `**`, and `!pattern` to exclude"},
    {SOURCE, "items", KEY_LIST, KEY_ONE_OF, 0, 0, NULL, "the items themselves"},
    {SOURCE, "lines", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "files with one item per line, or \"-\" for standard input"},
    {SOURCE, "csv", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "tables with one item per row, or \"-\" for standard input"},
    {SOURCE, "range", KEY_RANGE, KEY_ONE_OF, 0, 0, NULL, "numbers, both ends included"},
    {SOURCE, "matrix", KEY_MATRIX, KEY_ONE_OF, 0, 0, NULL,
     "all combinations of named lists and ranges, with `include` and `exclude`"},
    {SOURCE, "data", KEY_TEXTS, KEY_ONE_OF, 0, 0, NULL,
     "contents of files (globs allowed), or \"-\" for standard input, cut between records"},
    {SOURCE, "record", KEY_MAP, 0, 0, 0, NULL, "`data`: how a record begins and ends"},
    {SOURCE, "delimiter", KEY_TEXT, 0, 0, 0, NULL,
     "`lines`: \"\\n\" or \"\\0\", `csv`: one character; \"\\n\" and ','"},
    {SOURCE, "header", KEY_FLAG, 0, 0, 0, NULL,
     "`csv`: whether the first row names the columns; true"},

    {RECORD, "end", KEY_NOTE, 0, 0, 0, NULL, "bytes that end a record; \"\\n\""},
    {RECORD, "start", KEY_NOTE, 0, 0, 0, NULL, "bytes that start a record; none"},
    {RECORD, "header", KEY_COUNT, 0, 0, SEPARATOR_HEADER_MAX, NULL,
     "lines at the start of each file that are repeated in each chunk; 0"},
    {RECORD, "keep", KEY_FLAG, 0, 0, 0, NULL, "whether the end stays in the record; true"},

    {RANGE, "start", KEY_INTEGER, 0, 0, 0, NULL, "first number; 0"},
    {RANGE, "count", KEY_COUNT, KEY_REQUIRED, 0, INT64_MAX, NULL, "how many numbers"},
    {RANGE, "step", KEY_INTEGER, 0, 0, 0, NULL, "difference between two numbers; 1"},

    {CHUNK, "items", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL,
     "items per chunk, or results of the step before"},
    {CHUNK, "bytes", KEY_SIZE, KEY_ONE_OF, 1, 1ull << 30, NULL,
     "data per chunk, extended to the end of a record"},
    {CHUNK, "lines", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL,
     "records per chunk (this needs a pass over each file, unlike `bytes`)"},
    {CHUNK, "parts", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL,
     "number of chunks, of a range, items, files or data in files"},
    {CHUNK, "records", KEY_COUNT, KEY_ONE_OF, 1, 1000000000, NULL, "same as `lines`"},

    {STAGE | REDUCE, "name", KEY_NAME, 0, 0, 0, NULL, "name shown in messages"},
    {STAGE, "command", KEY_COMMAND, KEY_ONE_OF, 0, 0, NULL, "program run once for each item"},
    {REDUCE, "command", KEY_COMMAND, KEY_ONE_OF | KEY_WRONG, 0, 0, NULL,
     "a reduce gets results, not items: use pipe or kernel"},
    {STAGE | REDUCE, "pipe", KEY_COMMAND, KEY_ONE_OF, 0, 0, NULL,
     "program that gets the chunk on standard input"},
    {STAGE | REDUCE, "kernel", KEY_KERNEL, KEY_ONE_OF, 0, 0, NULL,
     "C function, called without starting a process"},
    {STAGE | REDUCE, "args", KEY_PAIRS, 0, 0, 0, NULL, "`kernel`: named values passed to it"},
    {STAGE | REDUCE, "shell", KEY_TEXTS, 0, 0, 0, NULL,
     "what runs a script, e.g. `[bash, -eo, pipefail, -c]`; /bin/sh -c"},
    {STAGE | REDUCE, "workdir", KEY_TEXT, 0, 0, 0, NULL,
     "folder where the program starts, created if missing, may have placeholders; the job file's "
     "folder"},
    {STAGE | REDUCE, "env", KEY_ENV, 0, 0, 0, NULL, "environment variables, added to the job's"},
    {STAGE | REDUCE, "stdin", KEY_WORD, 0, 0, 0, "pipe, file",
     "`pipe`: what its standard input is; /dev/stdin of a file can be read from any place, and "
     "again; pipe"},
    {STAGE, "batch", KEY_FLAG, 0, 0, 0, NULL,
     "`command`: one run for as many items of the chunk as fit; false"},
    {STAGE, "tag", KEY_FLAG, 0, 0, 0, NULL,
     "`command`: prefix each line of its output with the item and a tab; false"},
    {STAGE | REDUCE, "resources", KEY_MAP, 0, 0, 0, NULL,
     "what a running chunk needs of its worker"},
    {STAGE | REDUCE, "retries", KEY_COUNT, 0, 0, 1000, NULL,
     "how many times a failed chunk is retried; 0"},
    {STAGE | REDUCE, "timeout", KEY_TIMEOUT, 0, 0, 1000 * DAYS, NULL,
     "limit for one run, then TERM and 5 s later KILL to its process group; N% is of the median "
     "time that the worker's chunks took, once it knows three; none"},
    {STAGE, "throttle", KEY_MAP, 0, 0, 0, NULL,
     "when a worker begins a chunk, besides having room"},
    {STAGE | REDUCE, "nice", KEY_COUNT, 0, 0, 19, NULL,
     "niceness of the programs: higher yields to others; 0"},
    {STAGE | REDUCE, "time", KEY_DURATION, 0, 1, 1000 * DAYS, NULL,
     "what a chunk needs at most: it starts on no worker whose time ends before; not known"},
    {STAGE | REDUCE, "leftovers", KEY_MAP, 0, 0, 0, "kill, keep",
     "processes that outlive the program: wait for them, end them at once, or leave them alone; "
     "{wait: 10s}"},
    {STAGE, "chunk", KEY_MAP, 0, 0, 0, "auto", "start a new step, fed by the results before it"},
    {REDUCE, "fan_in", KEY_COUNT, 0, 2, 1000000, "all", "how many results one run combines; 16"},

    {RESOURCES, "cpus", KEY_NUMBER, 0, 0, 1024, NULL, "CPUs; 1"},
    {RESOURCES, "memory", KEY_SIZE, 0, 1, 1ull << 50, NULL, "memory, counted but not enforced"},
    {RESOURCES, "gpus", KEY_NUMBER, 0, 0, 1024, NULL, "GPUs, on workers started with `--gpus`; 0"},
    {RESOURCES, "labels", KEY_AMOUNTS, 0, 0, 0, NULL,
     "labels, on workers started with e.g. `--labels ssd,license=4`"},

    {RETRIES, "limit", KEY_COUNT, KEY_REQUIRED, 0, 1000, NULL,
     "how many times a failed chunk is retried"},
    {RETRIES, "delay", KEY_DURATION, 0, 0, 30 * DAYS, NULL, "time before the first retry; 1s"},
    {RETRIES, "backoff", KEY_NUMBER, 0, 1, 100, NULL, "factor from one delay to the next; 2"},
    {RETRIES, "max_delay", KEY_DURATION, 0, 0, 30 * DAYS, NULL, "longest delay; 60s"},

    {UNTIL, "ok", KEY_SHARE, KEY_ONE_OF, 1, INT64_MAX, NULL, "so many are ok: the job is done"},
    {UNTIL, "done", KEY_SHARE, KEY_ONE_OF, 1, INT64_MAX, NULL,
     "so many are ok or have failed: the job is done"},
    {UNTIL, "failed", KEY_SHARE, KEY_ONE_OF, 1, INT64_MAX, NULL,
     "so many have failed: the job has ended early"},
    {UNTIL, "running", KEY_WORD, 0, 0, 0, "finish, stop",
     "what runs then goes on to its end, or is ended; finish"},

    {THROTTLE, "delay", KEY_DURATION, 0, 0, 30 * DAYS, NULL,
     "time between two chunks that begin on a worker; none"},
    {THROTTLE, "load", KEY_LOAD, 0, 1, 1000000, NULL,
     "none begins while so many processes of the machine run, or N% of its CPUs; no limit"},
    {THROTTLE, "memfree", KEY_SIZE, 0, 1, 1ull << 50, NULL,
     "none begins while less memory is available; no limit"},
    {LEFTOVERS, "wait", KEY_DURATION, KEY_ONE_OF, 0, 1000 * DAYS, NULL,
     "how long they may go on, within the stage's timeout; then TERM, and KILL 5 s later"},
    {LEFTOVERS, "keep", KEY_WORD, KEY_ONE_OF, 0, 0, "worker, forever",
     "they stay until the worker ends, or for good"},

    {SINK, "stdout", KEY_WORD, KEY_ONE_OF, 0, 0, "raw, json",
     "standard output: the bytes, or one line of JSON per chunk"},
    {SINK, "file", KEY_TEXT, KEY_ONE_OF, 0, 0, NULL,
     "one file, written atomically: it appears once it is complete"},
    {SINK, "dir", KEY_TEXT, KEY_ONE_OF, 0, 0, NULL, "folder that gets one file per result"},
    {SINK, "name", KEY_TEXT, 0, 0, 0, NULL, "`dir`: name of each file, with placeholders"},
    {SINK, "format", KEY_WORD, 0, 0, 0, "raw, json", "the bytes, or JSON; raw"},
    {SINK, "each", KEY_WORD, 0, 0, 0, "file, folder",
     "`dir`: what a result becomes: a file, or a folder with the files stdout, stderr and seq (the "
     "chunk's number); file"},
    {SINK, "if_exists", KEY_WORD, 0, 0, 0, "overwrite, error, append, skip",
     "what to do if the file already exists; overwrite"},
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
    [SECTION_UNTIL] = {"until", "until"},
    [SECTION_THROTTLE] = {"throttle", "a throttle"},
    [SECTION_LEFTOVERS] = {"leftovers", "leftovers"},
    [SECTION_SINK] = {"sink", "a sink"},
};

const struct schema_company schema_company[] = {
    {SOURCE, "record", "data", "only data has records", NULL},
    {SOURCE, "delimiter", "lines, csv", "only lines and csv have a delimiter", NULL},
    {SOURCE, "header", "csv", "only csv has a header", NULL},
    {STAGE | REDUCE, "args", "kernel", "only a kernel takes args", NULL},
    {STAGE | REDUCE, "shell", "command, pipe",
     "only a command or pipe written as one text uses a shell", NULL},
    {STAGE | REDUCE, "workdir", "command, pipe",
     "a kernel runs inside an executor and has no directory of its own", NULL},
    {STAGE | REDUCE, "env", "command, pipe",
     "a kernel runs inside an executor and has no environment of its own; use args", NULL},
    {STAGE | REDUCE, "nice", "command, pipe",
     "a kernel runs inside an executor, which serves other jobs, too", NULL},
    {STAGE | REDUCE, "leftovers", "command, pipe", "a kernel starts no processes", NULL},
    {STAGE | REDUCE, "stdin", "pipe", "only a pipe gets its chunk there", NULL},
    {STAGE, "batch", "command", "only for a command", NULL},
    {STAGE, "tag", "command", "only for a command", NULL},
    {SINK, "dir", "name", "needs 'name', the name of each result's file", "name: \"{#}.txt\""},
    {SINK, "name", "dir", "only 'dir' has file names", NULL},
    {SINK, "each", "dir", "only 'dir' has a file for each result", NULL},
    {SINK, "if_exists", "file, dir", "only a file can exist already", NULL},
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
