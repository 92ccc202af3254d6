/* The first primes above a number, as they are found: chunks of numbers are searched by a kernel on
 * all workers at once; when enough were found the stream is closed, and what still runs is ended.
 *
 *     cc prime_search.c $(pkg-config --cflags --libs fanmill) -o prime_search
 *     ./prime_search 1000000000 10
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fanmill/client.h>

static int give_up(const char *what)
{
    fprintf(stderr, "prime_search: %s: %s\n", what, fm_error());
    return 1;
}

static int search(struct fm_client *client, long long from, int wanted)
{
    struct fm_spec *spec = fm_spec_new("prime-search");
    struct fm_job *job = NULL;
    struct fm_result result;
    int found = 0, r = -1;
    /* A practically endless range: only what is asked for is ever searched. */
    if (!spec || fm_spec_range(spec, from, 1, 1000000000) < 0 ||
        fm_spec_items_per_chunk(spec, 100) < 0 || fm_spec_order(spec, FM_ORDER_COMPLETION) < 0 ||
        fm_spec_kernel(spec, NULL, "find_primes", NULL) < 0 ||
        fm_submit(client, spec, NULL, &job) < 0) {
        fm_spec_free(spec);
        return give_up("submit");
    }
    fm_spec_free(spec);
    {
        FM_STREAM_SCOPE struct fm_stream *results = fm_results(job, NULL);
        while (found < wanted && (r = fm_next(results, &result)) == 1) {
            const char *at = result.data, *end = at + result.size;
            for (; at < end && found < wanted; found++) {
                const char *line = memchr(at, '\n', (size_t)(end - at));
                printf("%.*s\n", (int)((line ? line : end) - at), at);
                at = line ? line + 1 : end;
            }
        }
        if (r < 0)
            return give_up("search");
    } /* here the stream is closed, and the search ends on every worker */
    fm_job_free(job);
    return 0;
}

int main(int argc, char **argv)
{
    struct fm_client *client;
    int status;
    if (argc != 3) {
        fprintf(stderr, "usage: prime_search FROM COUNT\n");
        return 2;
    }
    if (fm_connect(NULL, &client) < 0)
        return give_up("connect");
    status = search(client, atoll(argv[1]), atoi(argv[2]));
    fm_disconnect(client);
    return status;
}
