#include "cli/text/summary.h"

#include <inttypes.h>
#include <stdbool.h>

#include "cli/text/count.h"
#include "cli/text/show.h"

int summary_put(struct buf *out, const struct job_info *job, const char *place)
{
    const struct {
        uint64_t n;
        const char *what;
    } others[] = {{job->failed, "failed"},
                  {job->cancelled, "cancelled"},
                  {job->unrun, "not run"},
                  {job->retries, "retried"}};
    char time[SHOW_DURATION_MAX];
    bool only_ok = true;
    if (!job->ok && !job->failed && job->fate == FATE_COMPLETE)
        return buf_add_str(out, "no input, so nothing was run");
    int r = buf_printf(out, "%s ok", count(job->ok, "chunk").text);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && r == 0; i++) {
        if (!others[i].n)
            continue;
        only_ok = false;
        r = buf_printf(out, ", %" PRIu64 " %s", others[i].n, others[i].what);
    }
    show_elapsed(job->age_ns, time);
    if (r == 0)
        r = buf_printf(out, "%s in %s", only_ok ? "" : ",", time);
    if (r == 0 && place && place[0])
        r = buf_printf(out, " -> %s", place);
    if (r == 0 && job->fate == FATE_SINK)
        r = buf_printf(out, "; output could not be written: %s", job->text);
    return r;
}
