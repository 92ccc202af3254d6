// `fanmill schema`: the job file's format for other programs.
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/jobs/commands.h"
#include "pipelines/docs/schema_docs.h"

int cli_schema(int argc, char **argv)
{
    _cleanup_(buf_done)
    struct buf out = {0};
    const char *keys = NULL;
    struct words words;
    int status;
    const struct arg table[] = {
        {0, "keys", ARG_TEXT, &keys, "PART",
         "the keys of one part as a table of Markdown: job, source, chunk, stage ..."}};
    const struct args args = {
        .command = "schema",
        .usage = "[--keys PART]",
        .about = "Writes the JSON Schema (draft-07) of the job file. Editors complete and check by "
                 "it: put\n# yaml-language-server: $schema=FILE into a job file's first line. An "
                 "installed fanmill has it in\nshare/fanmill/job.schema.json. 'fanmill check' "
                 "finds all that it finds, and more.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0])};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    enum section section = keys ? schema_section_named(keys) : SECTION_COUNT;
    if (keys && section == SECTION_COUNT)
        return args_mistake("schema", "a job file has no part '%s'", keys);
    if ((keys ? schema_markdown(section, &out) : schema_json(&out)) < 0)
        return EXIT_FAULT;
    return fd_write_all(STDOUT_FILENO, out.data, out.len) < 0 ? EXIT_OUTPUT : EXIT_ALL_WELL;
}
