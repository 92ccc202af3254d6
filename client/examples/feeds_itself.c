/* A pipeline that feeds itself: results become new chunks. It walks a tree of folders: each folder
 * is an item, its result lists what is inside, and the folders among them are pushed as new items.
 * The end is when nothing is on its way any more.
 *
 *     ./feeds_itself /usr/include     prints the number of files and of folders
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fanmill/client.h>

static const char list_folder[] = "cd \"$1\" && for f in * .[!.]*; do\n"
                                  "  if [ -L \"$f\" ]; then :\n"
                                  "  elif [ -d \"$f\" ]; then printf 'd%s/%s\\n' \"$1\" \"$f\"\n"
                                  "  elif [ -e \"$f\" ]; then echo f; fi\n"
                                  "done";

static int give_up(const char *what)
{
    fprintf(stderr, "feeds_itself: %s: %s\n", what, fm_error());
    return 1;
}

static int walk(struct fm_job *job, const char *root)
{
    FM_STREAM_SCOPE struct fm_stream *results = fm_results(job, NULL);
    unsigned long on_their_way = 1, folders = 0, files = 0;
    struct fm_result result;
    int r = fm_push(job, root, strlen(root));
    while (r == 0 && on_their_way > 0) {
        r = fm_next(results, &result);
        if (r != 1)
            break;
        on_their_way--;
        folders++;
        r = 0;
        const char *at = result.data, *end = at + result.size;
        while (r == 0 && at < end) {
            const char *line = memchr(at, '\n', (size_t)(end - at));
            size_t len = (size_t)((line ? line : end) - at);
            files += *at == 'f';
            if (*at == 'd') {
                on_their_way++;
                r = fm_push(job, at + 1, len - 1);
            }
            at += len + 1;
        }
    }
    if (r < 0)
        return give_up("walk");
    fm_push_end(job);
    printf("%lu files in %lu folders\n", files, folders);
    return 0;
}

int main(int argc, char **argv)
{
    const char *const argv_of_list[] = {"sh", "-c", list_folder, "list", "{}", NULL};
    struct fm_spec *spec = fm_spec_new("walk");
    struct fm_client *client;
    struct fm_job *job;
    int status;
    if (argc != 2) {
        fprintf(stderr, "usage: feeds_itself FOLDER\n");
        return 2;
    }
    if (fm_connect(NULL, &client) < 0)
        return give_up("connect");
    if (fm_spec_command(spec, argv_of_list) < 0 || fm_spec_order(spec, FM_ORDER_COMPLETION) < 0 ||
        fm_submit(client, spec, NULL, &job) < 0)
        return give_up("submit");
    fm_spec_free(spec);
    status = walk(job, argv[1]);
    fm_job_free(job);
    fm_disconnect(client);
    return status;
}
