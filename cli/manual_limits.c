#include "base/clock.h"
#include "cli/manual.h"
#include "cli/oneliner/inputs.h"
#include "cli/run/hosts.h"
#include "client/link.h"
#include "coordinator/core/state.h"
#include "coordinator/redo.h"
#include "coordinator/server.h"
#include "pipelines/docs/schema_man.h"
#include "pipelines/input/matrix.h"
#include "pipelines/input/row.h"
#include "pipelines/plan.h"
#include "proto/limits.h"
#include "transport/access.h"
#include "transport/allow.h"
#include "worker/executor/spawn.h"
#include "worker/executor/words.h"

#define N_OF(list) (sizeof(list) / sizeof((list)[0]))

static const struct limit run_limits[] = {
    {"argument of a command", WORD_BYTES_MAX, LIMIT_BYTES, "its chunk fails, by a limit of Linux"},
    {"items of one command, `batch` or `-X`", BATCH_BYTES_MAX, LIMIT_BYTES,
     "the others go to the next command"},
    {"result of a chunk", PROTO_RESULT_MAX, LIMIT_BYTES, "the chunk fails"},
    {"results that a kernel emits for a chunk", PROTO_ITEMS_MAX, LIMIT_COUNT, "the chunk fails"},
    {"inputs of a chunk of a later step, and of `fan_in: all`", PROTO_BODY_MAX, LIMIT_BYTES,
     "the chunk starts with fewer; with `all`, the result that does not fit fails"},
    {"standard error of a chunk", PROTO_STDERR_MAX, LIMIT_BYTES,
     "the rest is dropped, and that is told"},
    {"item in `--json`", PROTO_ITEM_MAX, LIMIT_BYTES, "a longer one is cut"},
    {"from TERM to KILL", SPAWN_GRACE_NS / NS_PER_S, LIMIT_SECONDS, "the process group is killed"},
    {"slots of a worker", PROTO_SLOTS_MAX, LIMIT_COUNT, NULL},
};

static const struct limit limits[] = {
    {"lists of a one-liner", INPUT_LISTS_MAX, LIMIT_COUNT, NULL},
    {"combined lists in all", MATRIX_BYTES_MAX, LIMIT_BYTES, NULL},
    {"items read from standard input for `submit map`", INPUT_STDIN_MAX, LIMIT_BYTES, NULL},
    {"items of one command, `-X`, if the list's length is unknown", PLAN_BATCH_ITEMS, LIMIT_COUNT,
     "the others go to the next command"},
    {"each of `-a`, `--env`, `--arg` and `--host`", ARGS_LIST_MAX, LIMIT_COUNT, NULL},
    {"`-p`", ARGS_PARAMS_MAX, LIMIT_COUNT, NULL},
    {"SEP of `-C`", ROW_SPLIT_MAX, LIMIT_BYTES, NULL},
    {"results of a job that wait in memory", CORE_WINDOW_BYTES, LIMIT_BYTES, "others go to disk"},
    {"results of a job that wait, `--spool-limit`", SERVER_SPOOL_BYTES, LIMIT_BYTES,
     "no new chunk starts"},
    {"jobs of one user that run or wait", SERVER_JOBS_MAX, LIMIT_COUNT, "`submit` is refused"},
    {"ended jobs of a coordinator, `--keep-jobs`", SERVER_KEEP_JOBS, LIMIT_COUNT,
     "the oldest of the user who keeps most goes"},
    {"chunks for `retry --failed`", REDO_CHUNKS_MAX, LIMIT_COUNT, NULL},
    {"name of a peer", ACCESS_NAME_MAX - 1, LIMIT_BYTES, NULL},
    {"peers in the allow-list", ALLOW_PEERS_MAX, LIMIT_COUNT, NULL},
    {"hosts by ssh", DEPLOY_HOSTS_MAX, LIMIT_COUNT, NULL},
    {"hosts being connected at once", DEPLOY_AT_ONCE, LIMIT_COUNT, "the others wait"},
    {"tries of a host of `--host` that fail in a row", HOSTS_TRIES, LIMIT_COUNT,
     "the host is given up"},
    {"silence of a worker", PROTO_SILENCE_NS / NS_PER_S, LIMIT_SECONDS, "it is lost"},
    {"silence of a coordinator", LINK_SILENCE_NS / NS_PER_S, LIMIT_SECONDS, "clients exit with 3"},
};

int manual_job(struct buf *out)
{
    return schema_man(run_limits, N_OF(run_limits), out);
}

void manual_limits(struct man_page *page)
{
    man_section(page, "LIMITS");
    man_text(page,
             "Those of a job file are in fanmill-job(5). What exceeds one of them is refused, "
             "unless it says otherwise.\n");
    if (page->error == 0)
        page->error = limits_man(run_limits, N_OF(run_limits), page->out);
    if (page->error == 0)
        page->error = limits_man(limits, N_OF(limits), page->out);
}
