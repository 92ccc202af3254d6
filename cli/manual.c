#include "cli/manual.h"

#include "base/clock.h"
#include "cli/follow/report.h"
#include "coordinator/core/state.h"
#include "coordinator/server.h"
#include "proto/limits.h"
#include "worker/executor/spawn.h"

#define SECONDS(ns) ((unsigned)((ns) / NS_PER_S))
#define MIB(bytes) ((unsigned)((bytes) >> 20))
#define GIB(bytes) ((unsigned)((bytes) >> 30))

static void put_commands(struct man_page *page, const struct command_list *commands)
{
    man_section(page, "COMMANDS");
    COMMANDS_EACH (commands, command)
        man_item(page, command->name, "%s", command->summary);
    COMMANDS_EACH (commands, command)
        man_command(page, command);
}

static void put_jobs(struct man_page *page)
{
    man_section(page, "RUNNING JOBS");
    man_text(page,
             "Results come in the order of the input, each whole, never interleaved. Standard "
             "output carries nothing but results; messages and progress go to standard error. "
             "Nothing a run has started is left when it ends, however it ends.\n"
             "\n"
             "The first %d failed chunks are reported one by one, each with the last %u bytes of "
             "what it wrote to standard error; `-v` reports all of them, `-q` none. Chunks are "
             "counted from 1 in messages, from 0 in --json. A chunk whose executor or worker was "
             "lost runs again by itself, up to the job's crash_limit.\n",
             REPORT_FAILURES_MAX, REPORT_STDERR_MAX);
    man_item(page, "chunk: auto",
             "When nothing says how to cut the input, a command gets 1 item, data are cut after 4 "
             "MiB at the end of a record, and chunks of a kernel or of a pipe on items grow until "
             "one takes about 50 ms.");
    man_item(page, "Waiting results",
             "Results that follow a slow chunk wait for it: the first %u MiB in memory, the rest "
             "in an unlinked file in --spool-dir. At --spool-limit (%u GiB for each job) no new "
             "chunk starts until results are read. When the file can't grow, a message says so "
             "once, and what waits then is the limit. Results that wait for nothing but a slow "
             "reader stop new chunks at %u MiB.",
             MIB(CORE_WINDOW_BYTES), GIB(SERVER_SPOOL_BYTES), MIB(CORE_WINDOW_BYTES));
    man_item(page, "Progress",
             "On a terminal a line on standard error shows chunks done, running and failed, the "
             "rate and the time left. It is never shown when standard error is not a terminal, "
             "with TERM=dumb, when CI is set, or with -q, unless --progress asks for it.");
    man_item(page, "Ctrl-C (SIGINT, SIGTERM, SIGHUP)",
             "The first starts no new chunk and sends TERM to running ones, KILL %u s later; "
             "finished results are written. The second sends KILL at once.",
             SECONDS(SPAWN_GRACE_NS));
    man_item(page, "SIGUSR1, SIGUSR2", "Print the progress line once; turn it on or off.");
    man_item(page, "make",
             "Below make, a run shares make's jobs when the recipe line begins with +. With "
             "--jobserver a run offers a jobserver with as many jobs as slots to make and ninja "
             "in its chunks.");
}

static void put_machines(struct man_page *page)
{
    man_section(page, "MANY MACHINES");
    man_text(page,
             "A coordinator accepts jobs and keeps their results, a worker on each machine runs "
             "chunks, clients submit and read. All connect to the coordinator's one port:\n"
             "  head$   fanmill coordinator --listen tcp://0.0.0.0:7117 &\n"
             "  head$   fanmill invite worker node1 && scp node1.access node1:\n"
             "  node1$  fanmill worker --connect node1.access &\n"
             "  head$   fanmill invite client alice && scp alice.access laptop:\n"
             "  laptop$ fanmill run --connect alice.access job.yaml\n"
             "With ssh, a single command is enough, for a coordinator or for one job:\n"
             "  fanmill worker deploy-ssh --connect pool.access node1 node2/8 @hosts\n"
             "  fanmill run --host node1,me@node2:22/8,: job.yaml\n"
             "A host is [user@]host[:port][/slots]; : is this machine, :/SLOTS this machine with "
             "SLOTS slots, @FILE a file with one host a line. Files that programs open must be on "
             "the machine; parts of the files of a data source and kernels' libraries are sent.\n"
             "\n"
             "Over TCP every connection is encrypted and every peer needs a key, with a role: a "
             "worker runs chunks; a client submits jobs, controls its own and sees all; an "
             "observer sees jobs, workers and results; an admin controls all jobs and drains "
             "workers. Anyone who may submit can run any program on every worker, as the worker's "
             "user.\n"
             "\n"
             "A worker that is silent for %u s is lost, and its chunks run elsewhere. A worker "
             "that loses its coordinator ends its chunks and looks for the coordinator again. A "
             "coordinator that restarts finds its workers again; its jobs are lost.\n"
             "\n"
             "Jobs are named by a number, a range like 3-7, `last` or `all`.\n",
             SECONDS(PROTO_SILENCE_NS));
}

static void put_statuses(struct man_page *page)
{
    man_section(page, "EXIT STATUS");
    man_item(page, "0", "Every chunk succeeded, or the input was empty.");
    man_item(page, "1", "The job ran to its end, but a chunk failed.");
    man_item(page, "2", "Wrong options, a mistake in the job file, or missing input. Nothing ran.");
    man_item(page, "3",
             "The coordinator is unreachable, refused us or restarted, or the worker of a local "
             "run was lost.");
    man_item(page, "4",
             "The job ended early, and some chunks were not run: on_error, max_failures, or a "
             "source that failed.");
    man_item(page, "5", "Output could not be written.");
    man_item(page, "124",
             "The time limit was reached: of the job, or of `wait --timeout`, and then the job "
             "goes on.");
    man_item(page, "125", "An internal error, or the system refused something that fanmill needs.");
    man_item(page, "126, 127",
             "A program can't be run; a program, library or kernel was not found. The job ends at "
             "once.");
    man_item(page, "128+N",
             "Ended by signal N: 130 after Ctrl-C, 143 after TERM, 141 when the reader of standard "
             "output went away.");
    man_text(page,
             "\nWith `--propagate` the first failed chunk, in the order of the results, gives the "
             "status instead of 1 or 4: its exit status, 128 plus its signal, 124 after a timeout, "
             "or 1.\n");
}

static void put_environment(struct man_page *page)
{
    man_section(page, "ENVIRONMENT");
    man_item(page, "FANMILL_CONNECT", "The coordinator, as of --connect.");
    man_item(page, "FANMILL_SSH", "ssh and its first options, for --host and deploy-ssh.");
    man_item(page, "TMPDIR", "Where a run keeps waiting results that don't fit in memory; /tmp.");
    man_item(page, "XDG_STATE_HOME, HOME", "Where a coordinator's state folder is; see FILES.");
    man_item(page, "XDG_RUNTIME_DIR",
             "Where sockets and access files of running coordinators are; else /tmp/fanmill-UID.");
    man_item(page, "XDG_CACHE_HOME",
             "On other machines, where deploy-ssh and --host keep the program; ~/.cache.");
    man_item(page, "NO_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM",
             "Without --color: NO_COLOR turns colors off, CLICOLOR_FORCE on, CLICOLOR=0 and "
             "TERM=dumb off, in this order.");
    man_item(page, "CI", "When it is set, no progress line is shown unless --progress asks.");
    man_item(page, "MAKEFLAGS", "The jobserver of the make that started this run.");
    man_item(page,
             "FANMILL_JOB, FANMILL_CHUNK, FANMILL_SEQ, FANMILL_SLOT, FANMILL_ATTEMPT, "
             "FANMILL_ITEM",
             "Set for commands: the job's number, the chunk from 0, the item's number as {#}, the "
             "slot, the attempt, the item.");
}

static void put_files(struct man_page *page)
{
    man_section(page, "FILES");
    man_item(page, "$XDG_STATE_HOME/fanmill/default, ~/.local/state/fanmill/default",
             "The state folder of a coordinator, or --state: access (how this machine reaches it), "
             "coordinator.key, listen (its address), peers/ (the allow-list), lock.");
    man_item(page, "$XDG_RUNTIME_DIR/fanmill, /tmp/fanmill-UID",
             "Sockets and access files of the user's running coordinators.");
    man_item(page, "NAME.access",
             "An access file: the address of a coordinator and the keys for it. It must not be "
             "readable by others.");
    man_item(page, "~/.cache/fanmill", "On other machines: the program, as deploy-ssh copied it.");
    man_item(page, "share/fanmill/job.schema.json", "The JSON Schema of job files.");
    man_item(page, "share/doc/fanmill", "The guides.");
}

static void put_examples(struct man_page *page)
{
    man_section(page, "EXAMPLES");
    man_text(page, "Compress all logs, on all CPUs:\n"
                   "  fanmill map gzip -9 ::: *.log\n"
                   "Convert images whose names may hold anything:\n"
                   "  find . -name '*.jpg' -print0 | fanmill map -0 'convert {} {.}.png'\n"
                   "Count the lines of a large file:\n"
                   "  fanmill pipe --reduce builtin:sum -- wc -l < big\n"
                   "Sort a compressed file in parallel:\n"
                   "  zcat x.gz | fanmill pipe --reduce sort -- sort >sorted\n"
                   "Try all combinations, 4 at once, each up to 3 times:\n"
                   "  fanmill map -j 4 --retries 2 ./sim {1} {2} ::: 1 2 3 ::: a b\n"
                   "Read a table:\n"
                   "  fanmill map --csv --header echo {name} {age} :::: people.csv\n"
                   "Check a job file and see what it would run:\n"
                   "  fanmill check job.yaml && fanmill run --dry-run job.yaml\n"
                   "Hand a job to a coordinator on this machine, and read its results:\n"
                   "  fanmill coordinator & fanmill worker &\n"
                   "  fanmill submit job.yaml; fanmill results --follow\n");
}

int manual_write(const struct command_list *commands, struct buf *out)
{
    struct man_page page = {.out = out};
    man_begin(&page, "fanmill", 1,
              "fan chunks of work out to processes, gather their results in order");
    man_section(&page, "SYNOPSIS");
    man_text(&page, "`fanmill` COMMAND ...\n");
    man_section(&page, "DESCRIPTION");
    man_text(&page,
             "A job takes items or data from a source, cuts them into chunks, runs a command, a "
             "pipe or a C function (a kernel) on each chunk in parallel, and writes the results in "
             "order. It is a YAML file, described in fanmill-job(5), or a one-liner: `fanmill "
             "map`, `pipe` or `call`. Without a coordinator it runs in processes of its own; no "
             "daemon is needed.\n"
             "\n"
             "Flags and words may stand in any order, flags also before the command; `--` ends "
             "the flags. Long flags are never abbreviated and take `--flag=value` or `--flag "
             "value`. `fanmill COMMAND --help` shows the flags of a command, `fanmill --version` "
             "prints the version.\n");
    put_commands(&page, commands);
    manual_oneliners(&page);
    put_jobs(&page);
    put_machines(&page);
    manual_limits(&page);
    put_statuses(&page);
    put_environment(&page);
    put_files(&page);
    put_examples(&page);
    man_section(&page, "SEE ALSO");
    man_text(&page, "fanmill-job(5), parallel(1), xargs(1)\n");
    return page.error;
}
