/* Each line of a file through a command, on all workers, written in the order of the file: the
 * lines are pushed as they are read, and never more than the workers and the reader can use.
 *
 *     ./parallel_map lines.txt tr a-z A-Z
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fanmill/client.h>

static int give_up(const char *what)
{
    fprintf(stderr, "parallel_map: %s: %s\n", what, fm_error());
    return 1;
}

/* Writes what has arrived, or waits for one result. */
static int write_results(struct fm_stream *results, double seconds)
{
    struct fm_result result;
    int r;
    while ((r = fm_next_within(results, seconds, &result)) == 1) {
        if (result.outcome != FM_OK)
            fprintf(stderr, "line %llu: %s\n", (unsigned long long)result.chunk + 1, result.error);
        fwrite(result.data, 1, result.size, stdout);
        seconds = 0;
    }
    return r == -ETIMEDOUT ? 1 : r;
}

static int run(FILE *file, struct fm_job *job)
{
    FM_STREAM_SCOPE struct fm_stream *results = fm_results(job, NULL);
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int r = 1;
    while (r == 1 && (len = getline(&line, &size, file)) > 0) {
        if (line[len - 1] == '\n')
            len--;
        /* When no more can be on their way, a result makes room. */
        while ((r = fm_try_push(job, line, (size_t)len)) == -EAGAIN)
            if ((r = write_results(results, FM_FOREVER)) != 1)
                break;
        if (r == 0)
            r = write_results(results, 0);
    }
    free(line);
    if (r < 0)
        return give_up("push");
    fm_push_end(job);
    while ((r = write_results(results, FM_FOREVER)) == 1)
        ;
    return r < 0 ? give_up("results") : 0;
}

int main(int argc, char **argv)
{
    FILE *file = argc > 2 ? fopen(argv[1], "r") : NULL;
    struct fm_spec *spec = fm_spec_new("parallel-map");
    struct fm_client *client;
    struct fm_job *job;
    int status;
    if (!file) {
        fprintf(stderr, "usage: parallel_map FILE COMMAND [ARGUMENT]...\n");
        return 2;
    }
    if (fm_connect(NULL, &client) < 0)
        return give_up("connect");
    if (fm_spec_pipe(spec, (const char *const *)argv + 2) < 0 ||
        fm_submit(client, spec, NULL, &job) < 0)
        return give_up("submit");
    fm_spec_free(spec);
    status = run(file, job);
    fm_job_free(job);
    fm_disconnect(client);
    fclose(file);
    return status;
}
