// `fanmill schema`: the job file's format for other programs.
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/jobs/commands.h"
#include "pipelines/docs/schema_docs.h"

struct schema_command {
    const char *part;
};

static const struct arg flags[] = {
    {0, "keys", SETS_TEXT(struct schema_command, part), "PART",
     "print the keys of one part as a Markdown table: job, source, chunk, stage ..."},
    {0},
};
const struct args schema_args = {
    .usage = "[--keys PART]",
    .about = "Prints the JSON Schema (draft-07) of the job file, for editors that complete "
             "and check job files. Name it in a job file's first line:\n"
             "  # yaml-language-server: $schema=FILE\n"
             "An installed fanmill has the schema in share/fanmill/job.schema.json. 'fanmill "
             "check' finds all mistakes that the schema finds, and more.\n",
    .tables = {{.list = flags}}};

int cli_schema(int argc, char **argv)
{
    _cleanup_(buf_done)
    struct buf out = {0};
    struct schema_command c = {0};
    struct word_list words;
    int status;
    if (args_parse("schema", &schema_args, &c, argc, argv, &words, &status) != 0)
        return status;
    enum section section = c.part ? schema_section_named(c.part) : SECTION_COUNT;
    if (c.part && section == SECTION_COUNT)
        return args_mistake("schema", "a job file has no part '%s'", c.part);
    if ((c.part ? schema_markdown(section, &out) : schema_json(&out)) < 0)
        return EXIT_FAULT;
    return fd_write_all(STDOUT_FILENO, out.data, out.len) < 0 ? EXIT_OUTPUT : EXIT_ALL_WELL;
}
