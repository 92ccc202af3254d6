// `fanmill completion`: a script by which a shell completes the command line.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/describe.h"
#include "cli/args/exit_code.h"

int cli_completion(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*write)(struct buf *out);
    } shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    _cleanup_(buf_done)
    struct buf out = {0};
    struct words words;
    int status;
    const struct args args = {
        .command = "completion",
        .usage = "bash|zsh|fish",
        .about = "Writes a script by which the shell completes commands, flags and their values.\n",
        .more = "  bash  source <(fanmill completion bash), in ~/.bashrc\n"
                "  zsh   fanmill completion zsh >~/.zfunc/_fanmill, with that folder in fpath\n"
                "  fish  fanmill completion fish >~/.config/fish/completions/fanmill.fish\n"
                "An installed fanmill has put them where the shells look.\n",
        .words_min = 1,
        .words_max = 1,
        .missing = "for which shell? bash, zsh or fish"};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].name, words.list[0]) != 0)
            continue;
        if (shells[i].write(&out) < 0)
            return EXIT_FAULT;
        return fd_write_all(STDOUT_FILENO, out.data, out.len) < 0 ? EXIT_OUTPUT : EXIT_ALL_WELL;
    }
    return args_mistake("completion", "'%s' is not one of bash, zsh, fish", words.list[0]);
}
