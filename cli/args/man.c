// fanmill(1), one section for each command.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/roff.h"
#include "cli/args/describe.h"
#include "cli/args/exit_code.h"
#include "pipelines/docs/schema_docs.h"
#include "proto/limits.h"
#include "worker/executor/spawn.h"

struct item {
    const char *name;
    const char *text;
};

static const struct item statuses[] = {
    {"0", "All chunks are well, or there was no input."},
    {"1", "The job came to its end, some chunk failed."},
    {"2", "Wrong options, a mistake in the job file, input that is not there. Nothing ran."},
    {"3", "The coordinator does not answer, refused us, was started anew, or the worker of a local "
          "run was lost."},
    {"4", "The job ended early; chunks were left unrun."},
    {"5", "Output could not be written."},
    {"124", "The time was over, of the job or of the waiting for it."},
    {"125", "A fault in fanmill, or the system refused what it needs."},
    {"126, 127", "A program can't be run, or was not found."},
    {"128+N", "Ended by signal N; 141 when the reader of standard output went away."},
};

static const struct item environment[] = {
    {"FANMILL_CONNECT", "The coordinator, as of --connect."},
    {"FANMILL_SSH", "ssh and its first options, for `fanmill worker deploy-ssh`."},
    {"NO_COLOR, TERM", "Messages have no color when NO_COLOR is set, or TERM is dumb."},
};

// Limits of a job that the program's other parts set.
static const struct limit job_limits_here[] = {
    {"seconds from TERM to KILL", SPAWN_GRACE_NS / 1000000000, LIMIT_COUNT,
     "the process group is killed"},
    {"the result of one chunk", PROTO_RESULT_MAX, LIMIT_BYTES, "the chunk fails"},
    {"results that a kernel emits for one chunk", PROTO_ITEMS_MAX, LIMIT_COUNT, "the chunk fails"},
    {"inputs of one chunk of a later step, and of `fan_in: all`", PROTO_BODY_MAX, LIMIT_BYTES,
     "a chunk starts with fewer inputs; with `fan_in: all`, the result that does not fit fails"},
    {"standard error kept of a chunk", PROTO_STDERR_TAIL_MAX, LIMIT_BYTES,
     "only the last bytes are kept"},
    {"an item shown with its result", PROTO_ITEM_MAX, LIMIT_BYTES, "it is cut"},
    {"slots of a worker", PROTO_SLOTS_MAX, LIMIT_COUNT, NULL},
};

struct page {
    struct buf *out;
    int error; // sticky
};

static void add(struct page *p, int r)
{
    if (p->error == 0)
        p->error = r;
}

static void add_item(struct page *p, const char *term, const char *text)
{
    add(p, buf_add_str(p->out, ".TP\n.B "));
    add(p, roff_text(p->out, term));
    add(p, buf_add_str(p->out, "\n"));
    add(p, roff_text(p->out, text));
    add(p, buf_add_str(p->out, "\n"));
}

static void add_flag(struct page *p, const struct arg *flag)
{
    add(p, buf_add_str(p->out, ".TP\n"));
    if (flag->letter)
        add(p, buf_printf(p->out, "\\fB\\-%c\\fR, ", flag->letter));
    add(p, buf_add_str(p->out, "\\fB\\-\\-"));
    add(p, roff_text(p->out, flag->name));
    add(p, buf_add_str(p->out, "\\fR"));
    if (flag->meta) {
        add(p, buf_add_str(p->out, " \\fI"));
        add(p, roff_text(p->out, flag->meta));
        add(p, buf_add_str(p->out, "\\fR"));
    }
    add(p, buf_add_str(p->out, "\n"));
    add(p, roff_text(p->out, flag->help));
    add(p, buf_add_str(p->out, "\n"));
}

// Lines of it are indented for a terminal.
static void add_usage(struct page *p, const struct args *args)
{
    add(p, buf_add_str(p->out, ".nf\nfanmill "));
    add(p, roff_text(p->out, args->command));
    add(p, buf_add_str(p->out, *args->usage ? " " : ""));
    for (const char *line = args->usage; *line;) {
        size_t len = strcspn(line, "\n");
        char text[256];
        snprintf(text, sizeof(text), "%.*s", (int)len, line);
        add(p, roff_text(p->out, text));
        line += len + strspn(line + len, "\n ");
        add(p, buf_add_str(p->out, *line ? "\n" : ""));
    }
    add(p, buf_add_str(p->out, "\n.fi\n.PP\n"));
}

static void add_command(void *arg, const char *about, const struct args *args)
{
    struct page *p = arg;
    (void)about;
    add(p, buf_add_str(p->out, ".SS fanmill "));
    add(p, roff_text(p->out, args->command));
    add(p, buf_add_str(p->out, "\n"));
    add_usage(p, args);
    add(p, roff_paragraphs(p->out, args->about));
    for (size_t i = 0; i < args->n; i++)
        add_flag(p, &args->table[i]);
    if (args->examples)
        add(p, buf_add_str(p->out, ".PP\nExamples:\n"));
    if (args->examples)
        add(p, roff_paragraphs(p->out, args->examples));
    if (args->more && args->more[0] != ' ')
        add(p, buf_add_str(p->out, ".PP\n"));
    if (args->more)
        add(p, roff_paragraphs(p->out, args->more));
}

static void add_summary(void *arg, const char *about, const struct args *args)
{
    add_item(arg, args->command, about);
}

int man_fanmill(struct buf *out)
{
    struct page p = {.out = out};
    add(&p,
        buf_add_str(out, ".TH FANMILL 1 \"\" \"fanmill " FM_VERSION "\" \"fanmill\"\n"
                         ".SH NAME\n"
                         "fanmill \\- fan chunks of work out to processes, gather their results "
                         "in order\n"
                         ".SH SYNOPSIS\n"
                         ".B fanmill\n"
                         ".I COMMAND\n"
                         "\\&...\n"
                         ".SH DESCRIPTION\n"
                         "A job is a YAML file, described in\n"
                         ".BR fanmill\\-job (5).\n"
                         "Without a coordinator, fanmill runs it by processes of its own and "
                         "leaves nothing behind.\n"));
    commands_describe(add_summary, &p);
    add(&p, buf_add_str(out, ".PP\n"
                             ".B fanmill \\-\\-version\n"
                             "tells the version,\n"
                             ".B \\-\\-help\n"
                             "of every command how it is used.\n"
                             "Flags and words may stand in any order;\n"
                             ".B \\-\\-\n"
                             "ends the flags.\n"
                             ".SH COMMANDS\n"));
    commands_describe(add_command, &p);
    add(&p, buf_add_str(out, ".SH EXIT STATUS\n"));
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        add_item(&p, statuses[i].name, statuses[i].text);
    add(&p, buf_add_str(out, ".SH ENVIRONMENT\n"));
    for (size_t i = 0; i < sizeof(environment) / sizeof(environment[0]); i++)
        add_item(&p, environment[i].name, environment[i].text);
    add(&p, buf_add_str(out, ".SH SEE ALSO\n.BR fanmill\\-job (5)\n"));
    return p.error;
}

int give_man(const char *page)
{
    _cleanup_(buf_done)
    struct buf out = {0};
    int r;
    if (strcmp(page, "fanmill") == 0)
        r = man_fanmill(&out);
    else if (strcmp(page, "job") == 0)
        r = schema_man(job_limits_here, sizeof(job_limits_here) / sizeof(job_limits_here[0]), &out);
    else {
        fprintf(stderr, "fanmill: there is no page '%s': fanmill or job\n", page);
        return EXIT_USAGE;
    }
    if (r < 0)
        return EXIT_FAULT;
    return fd_write_all(STDOUT_FILENO, out.data, out.len) < 0 ? EXIT_OUTPUT : EXIT_ALL_WELL;
}
