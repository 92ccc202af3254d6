#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/manual.h"
#include "cli/oneliner/inputs.h"
#include "cli/run/hosts.h"
#include "client/link.h"
#include "coordinator/core/state.h"
#include "coordinator/redo.h"
#include "coordinator/server.h"
#include "pipelines/build/load.h"
#include "pipelines/file/yaml.h"
#include "pipelines/frame.h"
#include "pipelines/input/matrix.h"
#include "pipelines/input/row.h"
#include "pipelines/input/separator.h"
#include "pipelines/library.h"
#include "pipelines/source/cutter.h"
#include "pipelines/source/extent.h"
#include "proto/limits.h"
#include "transport/access.h"
#include "transport/allow.h"
#include "worker/executor/spawn.h"
#include "worker/executor/words.h"

enum limit_unit { COUNT, BYTES, TIME };

static const struct limit {
    const char *what;
    uint64_t value;
    enum limit_unit unit;
    const char *remark;
} limits[] = {
    {"job file", YAML_TEXT_MAX, BYTES, ""},
    {"mistakes reported at once", LOAD_MISTAKES_MAX, COUNT, ""},
    {"steps of a job", PLAN_STEPS_MAX, COUNT, ""},
    {"stages of a step", PLAN_STAGES_MAX, COUNT, ""},
    {"words of a command", PLAN_ARGS_MAX, COUNT, ""},
    {"slots of a worker", PROTO_SLOTS_MAX, COUNT, ""},
    {"lists of a one-liner", INPUT_LISTS_MAX, COUNT, ""},
    {"combined lists, matrix values", MATRIX_BYTES_MAX, BYTES, " in all"},
    {"items read for submit map", INPUT_STDIN_MAX, BYTES, " from standard input"},
    {"-a, --env, --arg, --host", ARGS_LIST_MAX, COUNT, " each"},
    {"-p", ARGS_PARAMS_MAX, COUNT, ""},
    {"argument of a command", WORD_BYTES_MAX, BYTES, ", by Linux"},
    {"items of one command, -X", BATCH_BYTES_MAX, BYTES, ""},
    {"items of one command, -X", PLAN_BATCH_ITEMS, COUNT, " if the list's length is unknown"},
    {"item of a kernel or pipe", FRAME_ITEM_MAX, BYTES, ""},
    {"columns of a row", ROW_FIELDS_MAX, COUNT, ""},
    {"SEP of -C", ROW_SPLIT_MAX, BYTES, ""},
    {"end or start of a record", SEPARATOR_MARK_MAX, BYTES, ""},
    {"chunk of files", EXTENT_BYTES_MAX, BYTES, ""},
    {"chunk of standard input", CUTTER_CHUNK_MAX, BYTES, ""},
    {"input of --fan-in all", PROTO_BODY_MAX, BYTES, ""},
    {"result of a chunk", PROTO_RESULT_MAX, BYTES, ""},
    {"standard error of a chunk", PROTO_STDERR_TAIL_MAX, BYTES, ", the last ones"},
    {"item in --json", PROTO_ITEM_MAX, BYTES, "; a longer one is cut"},
    {"kernel's library", LIBRARY_BYTES_MAX, BYTES, ", to be sent to workers"},
    {"waiting results in memory", CORE_WINDOW_BYTES, BYTES, " of a job"},
    {"waiting results", SERVER_SPOOL_BYTES, BYTES, " of a job (--spool-limit)"},
    {"jobs of a coordinator", SERVER_JOBS_MAX, COUNT, "; then the oldest finished ones go"},
    {"chunks for retry --failed", REDO_CHUNKS_MAX, COUNT, " of a job"},
    {"name of a job or stage", PLAN_NAME_MAX, BYTES, ""},
    {"name of a peer", ACCESS_NAME_MAX - 1, BYTES, ""},
    {"peers in the allow-list", ALLOW_PEERS_MAX, COUNT, ""},
    {"hosts by ssh", DEPLOY_HOSTS_MAX, COUNT, ""},
    {"hosts being connected", DEPLOY_AT_ONCE, COUNT, " at once"},
    {"tries of a host, --host", HOSTS_TRIES, COUNT, " in a row that fail at once"},
    {"TERM to KILL", SPAWN_GRACE_NS, TIME, ""},
    {"silence of a worker", PROTO_SILENCE_NS, TIME, "; then it is lost"},
    {"silence of a coordinator", LINK_SILENCE_NS, TIME, "; then clients exit with 3"},
};

// "1 MiB", "20", "5 s"
static void put_value(const struct limit *limit, char *ret, size_t size)
{
    static const char *const sizes[] = {"bytes", "KiB", "MiB", "GiB"};
    uint64_t value = limit->value;
    size_t i = 0;
    while (limit->unit == BYTES && value >= 1024 && value % 1024 == 0 && i < 3) {
        value /= 1024;
        i++;
    }
    if (limit->unit == TIME)
        value /= NS_PER_S;
    snprintf(ret, size, "%llu%s%s", (unsigned long long)value, limit->unit == COUNT ? "" : " ",
             limit->unit == COUNT   ? ""
             : limit->unit == BYTES ? sizes[i]
                                    : "s");
}

void manual_limits(struct man_page *page)
{
    char table[8192], value[32];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]) && n < sizeof(table); i++) {
        put_value(&limits[i], value, sizeof(value));
        n += (size_t)snprintf(table + n, sizeof(table) - n, "  %-30s %s%s\n", limits[i].what, value,
                              limits[i].remark);
    }
    man_section(page, "LIMITS");
    man_text(page, "What a command line can meet:\n%s", table);
}
